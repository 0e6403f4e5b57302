import Foundation
import LocalServers

import Glibc

/// A private Prometheus on a free port of 127.0.0.1.
package final class PrivatePrometheus: Sendable {
  package let port: UInt16
  private let folder: PrivateFolder
  private let child: ChildProcess

  private init(port: UInt16, folder: PrivateFolder, child: ChildProcess) {
    self.port = port
    self.folder = folder
    self.child = child
  }

  /// Starts it, and waits until it answers.
  /// - Parameter configuration: the text of its configuration file, made with its own port.
  package static func start(configuration: (UInt16) throws -> String) async throws -> PrivatePrometheus {
    let program = try Program.require("prometheus", package: "the Debian package prometheus")
    let folder = try PrivateFolder("prometheus")
    let port = try FreePort.next()
    try configuration(port).write(toFile: folder.file("prometheus.yml"), atomically: true, encoding: .utf8)
    var launch = Launch(program, [
      "--config.file=\(folder.file("prometheus.yml"))", "--storage.tsdb.path=\(folder.file("data"))",
      "--web.listen-address=127.0.0.1:\(port)", "--log.level=warn",
    ])
    launch.output = .file(folder.file("log"))
    let child = try await ChildProcess.start(launch)
    try await awaitAnswer(of: child, within: .seconds(600), log: folder.file("log")) {
      await LoopbackHTTP.shared.get(port: port, path: "/-/ready")?.status == 200
    }
    return PrivatePrometheus(port: port, folder: folder, child: child)
  }

  package func stop() async {
    await child.stop(signal: SIGKILL)
    folder.remove()
  }
}
