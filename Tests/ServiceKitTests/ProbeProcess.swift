import Foundation
import Glibc
import HTTP
import LocalServers
import Synchronization
import Testing
import TestSupport

/// A real process of the `kit-probe` executable, with its lines of standard error as they come.
final class ProbeProcess: Sendable {
  private let child: ChildProcess
  private final class Output: Sendable {
    let text = Mutex("")
    func append(_ line: String) { text.withLock { $0 += line + "\n" } }
  }
  private let (standardOutput, standardError) = (Output(), Output())

  static func executable() throws -> String { try ServiceProcess.path(of: "kit-probe") }

  init(_ arguments: [String], environment: [String: String] = [:]) async throws {
    var launch = Launch(try Self.executable(), arguments)
    launch.inheritsEnvironment = false
    launch.environment = ["HTTP_PORT": "0", "HTTP_HOST": "127.0.0.1"].merging(environment) { $1 }
    launch.output = .lines { [standardOutput] in standardOutput.append($0) }
    launch.errorLines = { [standardError] in standardError.append($0) }
    child = try await ChildProcess.start(launch)
  }

  deinit { child.kill(SIGKILL) }

  var error: String { standardError.text.withLock { $0 } }
  var standard: String { standardOutput.text.withLock { $0 } }

  var isRunning: Bool { child.isRunning }

  func send(_ signal: Int32) { child.kill(signal) }

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
    guard case .exited(let code) = try #require(await child.wait(atMost: .seconds(300)), "it still runs") else {
      throw ConditionNotMet(description: "ended with \(String(describing: child.status))")
    }
    return code
  }
}

/// One request over a connection of its own.
func ask(
  _ base: URL, _ path: String, method: String = "GET", headers: HTTPHeaders = [:], body: String? = nil
) async throws -> HTTPResponse {
  let client = try HTTPClient(HTTPConfiguration(addresses: AddressPolicy(allowsPrivate: true), userAgent: "test"))
  defer { client.close() }
  return try await client.execute(HTTPRequest(
    method, HTTPURL("\(base)/\(path)"), headers: headers, body: body.map { .bytes(Array($0.utf8)) } ?? .none))
}

/// The status, content type and body of a GET.
func get(_ base: URL, _ path: String) async throws -> (status: Int, type: String, body: String) {
  let answer = try await ask(base, path)
  return (answer.status, answer.headers["content-type"] ?? "", answer.text)
}
