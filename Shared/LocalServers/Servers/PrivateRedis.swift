import Synchronization

import Glibc

/// A Redis server of our own: private folder, free port of 127.0.0.1, nothing kept on disk.
package final class PrivateRedis: Sendable {
  package let port: UInt16
  package let folder: PrivateFolder
  private let program: String
  private let arguments: [String]
  private let child = Mutex<ChildProcess?>(nil)

  /// `redis://127.0.0.1:<port>/0`
  package var url: String { "redis://127.0.0.1:\(port)/0" }

  private init(_ arguments: [String]) throws {
    self.arguments = arguments
    program = try Program.require("redis-server", package: "the Debian package redis-server")
    folder = try PrivateFolder("redis")
    port = try FreePort.next()
  }

  /// - Parameter arguments: more of the server's own, such as those of TLS.
  /// - Throws: `Failure`: configuration when Redis is not installed; fatal when it does not start.
  package static func start(_ arguments: [String] = []) async throws -> PrivateRedis {
    try await withFreshPorts {
      let server = try PrivateRedis(arguments)
      try await server.resume()
      return server
    }
  }

  /// Ends the server (its data is gone with it); `resume` starts an empty one on the same port.
  package func halt(signal: Int32 = SIGTERM) async {
    await child.withLock { $0 }?.stop(signal: signal)
  }

  package func resume() async throws {
    var launch = Launch(program, [
      "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "", "--appendonly", "no",
    ] + arguments)
    launch.output = .file(folder.file("log"))
    let child = try await ChildProcess.start(launch)
    self.child.withLock { $0 = child }
    let log = folder.file("log")
    try await awaitAnswer(of: child, within: .seconds(120), log: log) {
      tail(of: log).contains("Ready to accept connections") && child.isRunning
    }
  }

  package var isRunning: Bool { child.withLock { $0?.isRunning == true } }

  /// Ends the server and removes its folder.
  package func stop() async {
    await halt()
    folder.remove()
  }
}
