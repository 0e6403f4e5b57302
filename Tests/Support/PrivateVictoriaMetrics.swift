import Core
import LocalServers

import Glibc

/// A private VictoriaMetrics server, with InfluxDB's write interfaces and PromQL.
package final class PrivateVictoriaMetrics: Sendable {
  package let port: UInt16
  package let folder: PrivateFolder
  private let child: ChildProcess

  /// `http://127.0.0.1:<port>`
  package var url: String { "http://127.0.0.1:\(port)" }

  /// - Throws: `Failure`: configuration when it is not installed; fatal when it does not start.
  package static func start() async throws -> PrivateVictoriaMetrics {
    try await withFreshPorts { try await PrivateVictoriaMetrics() }
  }

  private init() async throws {
    let program = try Program.require("victoria-metrics", package: "the Debian package victoria-metrics")
    folder = try PrivateFolder("victoria-metrics")
    port = try FreePort.next()
    var launch = Launch(program, [
      "-storageDataPath=\(folder.file("data"))", "-httpListenAddr=127.0.0.1:\(port)", "-retentionPeriod=100y",
      "-memory.allowedBytes=128MB", "-search.latencyOffset=0s",
    ])
    launch.output = .file(folder.file("log"))
    let child = try await ChildProcess.start(launch)
    self.child = child
    let port = port
    try await awaitAnswer(of: child, within: .seconds(120), log: folder.file("log")) {
      await LoopbackHTTP.shared.get(port: port, path: "/health")?.status == 200
    }
  }

  /// Every sample of a metric, one JSON object per series and line; recent samples are made visible first.
  package func export(_ metric: String) async -> String? {
    _ = await LoopbackHTTP.shared.get(port: port, path: "/internal/force_flush")
    let path = "/api/v1/export?match%5B%5D=\(PercentEncoding.encode(metric))"
    return await LoopbackHTTP.shared.get(port: port, path: path)?.body
  }

  /// Ends the server and removes its folder.
  package func stop() async {
    await child.stop(signal: SIGKILL)
    folder.remove()
  }
}
