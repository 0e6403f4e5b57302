import Core
import Synchronization

import Glibc

/// An InfluxDB 1.x server of our own: private folder, free ports of 127.0.0.1, no users.
package final class PrivateInfluxDB: Sendable {
  package let port: UInt16
  package let folder: PrivateFolder
  private let program: String
  private let child = Mutex<ChildProcess?>(nil)

  /// `http://127.0.0.1:<port>`
  package var url: String { "http://127.0.0.1:\(port)" }

  private init() throws {
    program = try Program.require("influxd", package: "the Debian package influxdb")
    folder = try PrivateFolder("influxdb")
    port = try FreePort.next()
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
    try write(settings, to: folder.file("influxdb.conf"))
  }

  /// - Throws: `Failure`: configuration when InfluxDB is not installed; fatal when it does not start.
  package static func start() async throws -> PrivateInfluxDB {
    try await withFreshPorts {
      let server = try PrivateInfluxDB()
      try await server.resume()
      return server
    }
  }

  /// Ends the server; its data stays, and `resume` starts it again on the same port.
  package func halt(signal: Int32 = SIGTERM) async {
    await child.withLock { $0 }?.stop(signal: signal)
  }

  package func resume() async throws {
    var launch = Launch(program, ["-config", folder.file("influxdb.conf")])
    launch.output = .file(folder.file("log"))
    let child = try await ChildProcess.start(launch)
    self.child.withLock { $0 = child }
    let port = port
    try await awaitAnswer(of: child, within: .seconds(120), log: folder.file("log")) {
      await LoopbackHTTP.shared.get(port: port, path: "/ping")?.status == 204
    }
  }

  package var isRunning: Bool { child.withLock { $0?.isRunning == true } }

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

  /// Ends the server and removes its folder.
  package func stop() async {
    await halt(signal: SIGKILL)
    folder.remove()
  }
}

private func write(_ text: String, to path: String) throws(Failure) {
  guard let file = fopen(path, "w") else {
    throw Failure(.fatal, code: "no_private_folder", "cannot write \(path): \(String(cString: strerror(errno)))")
  }
  fputs(text, file)
  fclose(file)
}
