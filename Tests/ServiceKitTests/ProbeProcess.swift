import Foundation
import FoundationNetworking
import Synchronization
import Testing
import TestSupport

/// A real process of the `kit-probe` executable, with its lines of standard error as they come.
final class ProbeProcess: Sendable {
  private let process: Process
  private struct Output {
    var error = ""
    var standard = ""
  }
  private let output = Mutex(Output())

  /// The test bundle and the executables lie in the same folder.
  static func executable() throws -> URL {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let candidates = [folder, Bundle.main.bundleURL, Bundle.main.executableURL?.deletingLastPathComponent()]
      .compactMap { $0?.appendingPathComponent("kit-probe") }
    return try #require(
      candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) },
      "kit-probe is not beside the tests; build the whole package: swift build --build-tests")
  }

  init(_ arguments: [String], environment: [String: String] = [:]) throws {
    process = Process()
    process.executableURL = try Self.executable()
    process.arguments = arguments
    process.environment = ["HTTP_PORT": "0", "HTTP_HOST": "127.0.0.1"].merging(environment) { $1 }
    let (error, standard) = (Pipe(), Pipe())
    process.standardError = error
    process.standardOutput = standard
    error.fileHandleForReading.readabilityHandler = { [weak self] handle in
      let data = handle.availableData
      if data.isEmpty { handle.readabilityHandler = nil }
      self?.output.withLock { $0.error += String(decoding: data, as: UTF8.self) }
    }
    standard.fileHandleForReading.readabilityHandler = { [weak self] handle in
      let data = handle.availableData
      if data.isEmpty { handle.readabilityHandler = nil }
      self?.output.withLock { $0.standard += String(decoding: data, as: UTF8.self) }
    }
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  var error: String { output.withLock { $0.error } }
  var standard: String { output.withLock { $0.standard } }

  var isRunning: Bool { process.isRunning }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// The fields of the first log line with this message, once it is there.
  func logged(_ message: String) async throws -> [String: Any] {
    var found: [String: Any]?
    try await eventually("log line '\(message)' in:\n\(error)") {
      found = error.split(separator: "\n")
        .compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        .first { $0["message"] as? String == message }
      return found != nil
    }
    return try #require(found)
  }

  /// The base of the HTTP endpoint.
  func endpoint() async throws -> URL {
    let port = try #require(try await logged("listening")["port"] as? Int)
    return try #require(URL(string: "http://127.0.0.1:\(port)"))
  }

  /// The exit code, once the process has ended by itself.
  func exitCode() async throws -> Int32 {
    try await eventually("end of the process") { !process.isRunning }
    try #require(process.terminationReason == .exit)
    return process.terminationStatus
  }
}

/// The status, content type and body of a GET.
func get(_ base: URL, _ path: String) async throws -> (status: Int, type: String, body: String) {
  let session = URLSession(configuration: .ephemeral)
  defer { session.finishTasksAndInvalidate() }
  let (data, response) = try await session.data(from: base.appendingPathComponent(path))
  let answer = try #require(response as? HTTPURLResponse)
  return (
    answer.statusCode, answer.value(forHTTPHeaderField: "Content-Type") ?? "", String(decoding: data, as: UTF8.self)
  )
}
