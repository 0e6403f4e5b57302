import Foundation
import LocalServers
import Synchronization
import TestSupport
import WebSocket

/// The server of `server.py`, which is Python's `websockets`.
final class PythonServer: Sendable {
  struct Event: Decodable, Equatable {
    var path: String
    var code: Int?
    var reason: String?
    var waits: Int?
    var sent: Int?
  }

  static let python = ".souk/venv/bin/python"
  static let isThere: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = ["-c", "import websockets.asyncio.server"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  let port: Int
  private let isSecure: Bool
  private let child: ChildProcess

  private init(port: Int, isSecure: Bool, child: ChildProcess) {
    self.port = port
    self.isSecure = isSecure
    self.child = child
  }

  /// Runs the server while `body` runs; with PEM files of a certificate it speaks TLS only.
  static func serving<Value: Sendable>(
    certificate: (chain: String, key: String)? = nil, _ body: @Sendable (PythonServer) async throws -> Value
  ) async throws -> Value {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "server.py").path
    var launch = Launch(python, [script] + (certificate.map { ["--chain", $0.chain, "--key", $0.key] } ?? []))
    let output = Lines()
    launch.output = .lines { output.add($0) }
    let child = try await ChildProcess.start(launch)
    let port = try await eventuallySome("the server listens") {
      if let status = child.status {
        throw ConditionNotMet(description: "the server ended with \(status): \(output.text)")
      }
      return output.port
    }
    let outcome: Result<Value, any Error>
    do {
      outcome = .success(try await body(PythonServer(port: port, isSecure: certificate != nil, child: child)))
    } catch {
      outcome = .failure(error)
    }
    await child.stop()
    return try outcome.get()
  }

  func url(_ path: String, host: String = "127.0.0.1") -> WebSocketURL {
    WebSocketURL(isSecure: isSecure, host: host, port: port, path: path)
  }

  /// A client for one path.
  func client(_ path: String, _ change: (inout WebSocketConfiguration) -> Void = { _ in }) -> WebSocketClient {
    var configuration = WebSocketConfiguration(url: url(path))
    // A machine that is busy with other tests is silent for minutes.
    configuration.idleLimit = .seconds(600)
    change(&configuration)
    return WebSocketClient(configuration)
  }

  /// What clients did so far, as the server saw it.
  func events() async throws -> [Event] {
    let text = try await client("/events").connect(decoding: PlainMessages()) { try await $0.next()?.bytes ?? [] }
    return try JSONDecoder().decode([Event].self, from: Data(text)).filter { $0.path != "events" }
  }

  private final class Lines: Sendable {
    private let storage = Mutex<[String]>([])
    func add(_ line: String) { storage.withLock { $0.append(line) } }
    var text: String { storage.withLock { $0.joined(separator: "\n") } }
    var port: Int? { storage.withLock { $0.lazy.compactMap { Int($0) }.first } }
  }
}
