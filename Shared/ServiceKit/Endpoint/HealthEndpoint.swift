import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Runtime
import ServiceLifecycle

/// The HTTP endpoint of a service: `/livez` (also `/healthz`), `/readyz` and `/metrics`.
struct HealthEndpoint: Sendable {
  let host: String
  let port: UInt16
  let health: Health
  let registry: PrometheusRegistry
  let logger: Logger
  var limits = ConnectionLimits()

  /// The server, to be run; it ends by the group's graceful shutdown.
  ///
  /// - Parameter onListening: told the port once connections are taken.
  func service(onListening: @escaping @Sendable (Int) async -> Void) -> ServiceGroup {
    let application = Application(
      router: router,
      server: .http1(configuration: .init(additionalChannelHandlers: [limits.makeHandler()])),
      configuration: .init(address: .hostname(host, port: Int(port))),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? Int(port)) },
      logger: logger)
    return ServiceGroup(configuration: .init(services: [application], logger: logger))
  }

  /// An error of the running server, as the operator should read it.
  func explained(_ error: any Error) -> any Error {
    switch error {
    case let error as IOError: failure(error.errnoCode)
    case let error as SocketAddressError: failure("\(error)", .configuration)
    default: error
    }
  }

  private func failure(_ code: Int32) -> Failure {
    guard code == EADDRINUSE else {
      return failure(String(cString: strerror(code)), ErrorClass(ofSetting: code))
    }
    return Failure(
      .configuration, code: "port_in_use",
      "cannot listen on \(host):\(port): another process does; stop it or choose another --http-port (HTTP_PORT)")
  }

  private func failure(_ reason: String, _ errorClass: ErrorClass) -> Failure {
    let advice = errorClass == .configuration ? "; check --http-host (HTTP_HOST) and --http-port (HTTP_PORT)" : ""
    return Failure(errorClass, code: "listen_failed", "cannot listen on \(host):\(port): \(reason)\(advice)")
  }

  private var router: Router<BasicRequestContext> {
    let router = Router()
    for path in ["livez", "healthz"] as [RouterPath] {
      router.get(path) { [health] _, _ in Self.response(health.livenessReport) }
    }
    router.get("readyz") { [health] _, _ in Self.response(health.readinessReport) }
    router.get("metrics") { [registry] _, _ in
      Response(
        status: .ok, headers: [.contentType: ExpositionText.contentType],
        body: .init(byteBuffer: ByteBuffer(string: registry.exposition)))
    }
    return router
  }

  /// `{"status":"ok","checks":[{"name":"postgres","ok":true,"reason":""}]}`; 503 unless every condition holds.
  static func response(_ report: HealthReport) -> Response {
    var body: [UInt8] = []
    body.append(contentsOf: "{\"status\":\"\(report.ok ? "ok" : "unavailable")\",\"checks\":[".utf8)
    for (index, entry) in report.entries.enumerated() {
      if index > 0 { body.append(UInt8(ascii: ",")) }
      body.append(contentsOf: "{\"name\":".utf8)
      appendJSONString(entry.name, to: &body)
      body.append(contentsOf: ",\"ok\":\(entry.ok),\"reason\":".utf8)
      appendJSONString(entry.reason, to: &body)
      body.append(UInt8(ascii: "}"))
    }
    body.append(contentsOf: "]}\n".utf8)
    return Response(
      status: report.ok ? .ok : .serviceUnavailable,
      headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: .init(byteBuffer: ByteBuffer(bytes: body)))
  }
}
