import Core
import Foundation
import LocalServers
import Synchronization

/// The server of `Tests/Simulators/AzureBlob/server.py`, which verifies every request by the official SDK's own code.
package final class AzureBlobServer: Sendable {
  package static let account = "soukaccount"
  package static let key = Base64.encode(Array("the key of the tests".utf8))
  package static let python = ".souk/venv/bin/python"

  package let port: Int
  private let child: ChildProcess

  private init(port: Int, child: ChildProcess) {
    self.port = port
    self.child = child
  }

  /// - Parameter looks: how often a blob that leaves the archive is asked for before it is there.
  package static func serving(
    looks: Int = 2, _ body: @Sendable (AzureBlobServer) async throws -> Void
  ) async throws {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    var launch = Launch(python, [
      tests.appending(path: "Simulators/AzureBlob/server.py").path, account, key, "\(looks)",
    ])
    let output = Mutex<[String]>([])
    launch.output = .lines { line in output.withLock { $0.append(line) } }
    let child = try await ChildProcess.start(launch)
    let port = try await eventuallySome("the server listens") { () -> Int? in
      let lines = output.withLock { $0 }
      if let status = child.status { throw ConditionNotMet(description: "ended with \(status): \(lines)") }
      return lines.lazy.compactMap { Int($0) }.first
    }
    let outcome: Result<Void, any Error>
    do {
      outcome = .success(try await body(AzureBlobServer(port: port, child: child)))
    } catch { outcome = .failure(error) }
    await child.stop()
    try outcome.get()
  }

  package var endpoint: String { "http://127.0.0.1:\(port)/\(Self.account)" }

  /// As the portal shows it.
  package var connection: String {
    "DefaultEndpointsProtocol=http;AccountName=\(Self.account);AccountKey=\(Self.key);BlobEndpoint=\(endpoint)"
  }
}
