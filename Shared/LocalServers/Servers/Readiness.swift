import Core
import Foundation

/// Waits until a server that was just started answers.
/// - Parameters:
///   - log: the file the server writes to, whose end explains a failure.
///   - probe: asked every 25 ms.
/// - Throws: `Failure`: fatal when the process ends or does not answer within `limit`.
package func awaitAnswer(
  of child: ChildProcess, within limit: Duration, log: String, probe: () async -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while true {
    if await probe() { return }
    if let status = child.status {
      throw Failure(.fatal, code: "server_ended", "\(child.name) ended with \(status) while starting: \(tail(of: log))")
    }
    if ContinuousClock.now > deadline {
      await child.stop(grace: .zero)
      throw Failure(.fatal, code: "server_silent", "\(child.name) did not answer within \(limit): \(tail(of: log))")
    }
    try await Task.sleep(for: .milliseconds(25))
  }
}

/// Starts a server on fresh ports up to three times: between choosing a port and binding it another process may
/// come first.
package func withFreshPorts<Server>(_ start: () async throws -> Server) async throws -> Server {
  var last: (any Error)?
  for _ in 0..<3 {
    do {
      return try await start()
    } catch let failure as Failure where failure.code == "server_ended" {
      last = failure
    }
  }
  throw last ?? CancellationError()
}

/// The last lines of a log file, for a message about why its writer ended; empty when it cannot be read.
package func tail(of path: String, lines: Int = 12) -> String {
  guard let handle = FileHandle(forReadingAtPath: path), let size = try? handle.seekToEnd() else { return "" }
  defer { try? handle.close() }
  let start = size > 16_384 ? size - 16_384 : 0
  guard (try? handle.seek(toOffset: start)) != nil, let data = try? handle.readToEnd() else { return "" }
  return String(decoding: data, as: UTF8.self)
    .split(separator: "\n").suffix(lines).joined(separator: "\n")
}
