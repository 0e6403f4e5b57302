import Glibc

/// A Redis server of our own, which keeps nothing on disk unless its arguments say so.
package final class PrivateRedis: PrivateServer, @unchecked Sendable {
  private let program: String
  private let arguments: [String]
  /// Where the loader looks for libraries first.
  private let libraries: String?

  /// `redis://127.0.0.1:<port>/0`
  package var url: String { "redis://127.0.0.1:\(port)/0" }

  private init(_ arguments: [String], modules: Bool) throws {
    let folder = try PrivateFolder("redis")
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
    try super.init(folder)
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

  package func resume() async throws {
    var launch = Launch(program, [
      "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "", "--appendonly", "no",
    ] + arguments)
    if let libraries { launch.environment = ["LD_LIBRARY_PATH": libraries] }
    try await run(launch) { tail(of: logPath).contains("Ready to accept connections") && $0.isRunning }
  }
}
