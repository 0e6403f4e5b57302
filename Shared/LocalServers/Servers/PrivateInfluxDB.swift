import Core
import Glibc

/// An InfluxDB 1.x server of our own, without users.
package final class PrivateInfluxDB: PrivateServer, @unchecked Sendable {
  private let program: String

  /// `http://127.0.0.1:<port>`
  package var url: String { "http://127.0.0.1:\(port)" }

  private init() throws {
    program = try Program.require("influxd", package: "the Debian package influxdb")
    try super.init(try PrivateFolder("influxdb"))
    let settings = """
      reporting-disabled = true
      bind-address = "127.0.0.1:\(try FreePort.next())"
      [meta]
      dir = "\(folder.file("meta"))"
      [data]
      dir = "\(folder.file("data"))"
      wal-dir = "\(folder.file("wal"))"
      query-log-enabled = false
      [monitor]
      store-enabled = false
      [http]
      bind-address = "127.0.0.1:\(port)"
      log-enabled = false
      """
    try folder.write(settings, to: "influxdb.conf")
  }

  /// - Throws: `Failure`: configuration when InfluxDB is not installed; fatal when it does not start.
  package static func start() async throws -> PrivateInfluxDB {
    try await withFreshPorts {
      let server = try PrivateInfluxDB()
      try await server.resume()
      return server
    }
  }

  package func resume() async throws {
    try await run(Launch(program, ["-config", folder.file("influxdb.conf")])) { _ in
      await LoopbackHTTP.shared.get(port: port, path: "/ping")?.status == 204
    }
  }

  /// Asks in InfluxQL.
  /// - Returns: the server's JSON, times in microseconds; nil when it does not answer with 200.
  package func query(_ text: String, database: String? = nil) async -> String? {
    let path = "/query?epoch=u&q=\(PercentEncoding.encode(text))"
      + (database.map { "&db=\(PercentEncoding.encode($0))" } ?? "")
    guard let answer = await LoopbackHTTP.shared.get(port: port, path: path, timeout: .seconds(60)),
      answer.status == 200
    else { return nil }
    return answer.body
  }
}
