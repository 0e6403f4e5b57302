import Synchronization

import Glibc

/// A Redis server of our own: private folder, free port of 127.0.0.1, nothing kept on disk.
package final class PrivateRedis: Sendable {
  package let port: UInt16
  package let folder: PrivateFolder
  private let program: String
  private let arguments: [String]
  /// Where the loader looks for libraries first.
  private let libraries: String?
  private let child = Mutex<ChildProcess?>(nil)

  /// `redis://127.0.0.1:<port>/0`
  package var url: String { "redis://127.0.0.1:\(port)/0" }

  private init(_ arguments: [String], modules: Bool) throws {
    folder = try PrivateFolder("redis")
    if modules {
      let stack = try RedisModules(linkingInto: folder)
      program = stack.program
      libraries = stack.libraries
      self.arguments = stack.arguments + arguments
    } else {
      program = try Program.require("redis-server", package: "the Debian package redis-server")
      libraries = nil
      self.arguments = arguments
    }
    port = try FreePort.next()
  }

  /// - Parameters:
  ///   - arguments: more of the server's own, such as those of TLS.
  ///   - modules: starts the server that has TimeSeries, Search and JSON instead of Debian's.
  /// - Throws: `Failure`: configuration when Redis is not installed; fatal when it does not start.
  package static func start(_ arguments: [String] = [], modules: Bool = false) async throws -> PrivateRedis {
    try await withFreshPorts {
      let server = try PrivateRedis(arguments, modules: modules)
      try await server.resume()
      return server
    }
  }

  /// Ends the server. Its data is gone with it, unless the arguments keep it; `resume` starts one on the same port.
  package func halt(signal: Int32 = SIGTERM) async {
    await child.withLock { $0 }?.stop(signal: signal)
  }

  /// As SIGSTOP, which freezes it, and SIGCONT.
  package func signal(_ signal: Int32) { child.withLock { $0 }?.kill(signal) }

  package func resume() async throws {
    var launch = Launch(program, [
      "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "", "--appendonly", "no",
    ] + arguments)
    if let libraries { launch.environment = ["LD_LIBRARY_PATH": libraries] }
    let log = folder.file("log")
    // The words of an earlier run say nothing of this one.
    _ = rename(log, log + ".before")
    launch.output = .file(log)
    let child = try await ChildProcess.start(launch)
    self.child.withLock { $0 = child }
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
