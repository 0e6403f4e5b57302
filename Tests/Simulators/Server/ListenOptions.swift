import ArgumentParser
import Foundation
import HummingbirdCore
import LocalServers
import Logging

/// Where a simulator program listens, and how it reports its address.
package struct ListenOptions: ParsableArguments {
  @Option(help: "The address to listen on.")
  package var host = "127.0.0.1"
  @Option(help: "The port to listen on; 0 means any free one.")
  package var port = 0
  @Option(help: ArgumentHelp("Write the port here once listening.", valueName: "path"))
  package var portFile: String?

  package init() {}

  package func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port must be between 0 and 65535") }
  }

  package func server(_ name: String) -> SimulatorServer {
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    return SimulatorServer(name, host: host, port: port, logLevel: .warning)
  }

  /// Serves until SIGTERM or SIGINT.
  /// - Parameter lines: printed below the address.
  package func run(
    _ server: SimulatorServer, _ router: Router,
    lines: @escaping @Sendable () -> [String] = { [] }
  ) async throws {
    let file = try portFile.map { try AddressFile($0) }
    try await server.run(router, signals: true) { port in
      print((["listening on \(server.url)"] + lines()).joined(separator: "\n"))
      fflush(nil)
      do { try file?.write("\(port)") } catch {
        FileHandle.standardError.write(Data("cannot write the port file: \(error)\n".utf8))
      }
    }
  }
}
