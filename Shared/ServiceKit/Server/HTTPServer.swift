import Core
import Glibc
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// An HTTP/1.1 server as a task: started, watched and stopped around a run. Every service has one for its health; a
/// service may have another for its work.
final class HTTPServer: Sendable {
  private let host: String
  private let port: UInt16
  private let routes: ServerRoutes
  private let limits: ConnectionLimits
  private let logger: Logger
  /// Ends streams.
  private let drain: Interruption

  private struct State {
    var group: ServiceGroup?
    var port: Int?
    var failure: (any Error)?
    var stopping = false
  }
  private let state = Mutex(State())
  private let settled = Interruption()
  private let ended = Interruption()
  private let answers = OpenAnswers()

  init(
    host: String, port: UInt16, routes: ServerRoutes, limits: ConnectionLimits = ConnectionLimits(), logger: Logger,
    drain: Interruption = Interruption()
  ) {
    self.host = host
    self.port = port
    self.routes = routes
    self.limits = limits
    self.drain = drain
    // The server's own messages ("Server started") would repeat ours.
    var logger = logger
    logger.logLevel = max(.warning, logger.logLevel)
    self.logger = logger
  }

  /// - Returns: the port, once connections are taken.
  /// - Throws: `Failure(.configuration)` when the address cannot be listened on.
  func start() async throws -> Int {
    let server = try HTTPServerBuilder.stoppableHTTP1(
      configuration: .init(additionalChannelHandlers: [self.limits.makeHandler()])
    ).service(ServerConfiguration(address: .hostname(host, port: Int(self.port))), logger: logger) { [self] channel in
      state.withLock { $0.port = channel.localAddress?.port ?? Int(self.port) }
      settled.raise()
    } answer: { [self] in await answer($0) }
    let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
    state.withLock { $0.group = group }
    Task { [self] in
      do {
        try await group.run()
        ending(with: Failure(.fatal, code: "endpoint_ended", "the HTTP endpoint ended by itself"))
      } catch {
        ending(with: explained(error))
      }
    }
    await settled.wait()
    let (port, failure) = state.withLock { ($0.port, $0.failure) }
    if let failure { throw failure }
    guard let port else { throw CancellationError() }
    return port
  }

  /// Returns when the server ended: with the reason, or nil when it was stopped (or the wait cancelled).
  func failure() async -> (any Error)? {
    await ended.wait()
    return state.withLock { $0.failure }
  }

  /// Waits until every answer that was begun is written, or given up by its client.
  func settle() async { await answers.settle() }

  /// Stops listening; open connections get a moment to end.
  ///
  /// - Returns: the reason if it had ended before.
  func stop() async -> (any Error)? {
    let group = state.withLock { state in
      state.stopping = true
      return state.group
    }
    await group?.triggerGracefulShutdown()
    _ = await ended.sleep(for: .seconds(2))
    return state.withLock { $0.failure }
  }

  /// Leaves the server as it is, for a process that ends at once: its end waits for no connection that is still open.
  ///
  /// - Returns: the reason if it had ended before.
  func leave() -> (any Error)? {
    state.withLock { state in
      state.stopping = true
      return state.failure
    }
  }

  private func ending(with error: any Error) {
    state.withLock { if !$0.stopping { $0.failure = error } }
    settled.raise()
    ended.raise()
  }

  // MARK: - Answers

  private func answer(_ request: Request) async -> Response {
    let found = routes.table.find(request.method, request.uri.path)
    guard let handler = found?.handler ?? routes.otherwise else { return Response(status: .notFound) }
    let open = answers.begin()
    let answer: ServerAnswer
    do {
      answer = try await handler(ServerRequest(request: request, parameters: found?.parameters ?? [:]))
    } catch {
      answer = ServerAnswer(error)
    }
    var headers = HTTPFields()
    for (name, value) in answer.headers { if let name = HTTPField.Name(name) { headers[name] = value } }
    return Response(status: .init(code: answer.status), headers: headers, body: Self.body(answer.content, drain, open))
  }

  private static func body(
    _ content: ServerAnswer.Content, _ drain: Interruption, _ open: OpenAnswers.Token
  ) -> ResponseBody {
    switch content {
    case .bytes(let bytes):
      ResponseBody(contentLength: bytes.count) { [open] writer in
        defer { open.end() }
        try await writer.write(ByteBuffer(bytes: bytes))
        try await writer.finish(nil)
      }
    case .stream(let write):
      ResponseBody { [open] writer in
        defer { open.end() }
        let output = AnswerWriter(writer: writer)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await write(output) }
          group.addTask { await drain.wait() }
          defer { group.cancelAll() }
          try await group.next()
        }
        try await writer.finish(nil)
      }
    }
  }

  // MARK: - Failures

  /// An error of the running server, as the operator should read it.
  private func explained(_ error: any Error) -> any Error {
    switch error {
    case let error as IOError: failure(error.errnoCode)
    case let error as SocketAddressError: failure("\(error)", .configuration)
    default: error
    }
  }

  private func failure(_ code: Int32) -> Failure {
    guard code == EADDRINUSE else { return failure(String(cString: strerror(code)), ErrorClass(ofSetting: code)) }
    return Failure(
      .configuration, code: "port_in_use",
      "cannot listen on \(host):\(port): another process does; stop it or choose another \(limits.portSetting)")
  }

  private func failure(_ reason: String, _ errorClass: ErrorClass) -> Failure {
    let advice = errorClass == .configuration ? "; check \(limits.hostSetting) and \(limits.portSetting)" : ""
    return Failure(errorClass, code: "listen_failed", "cannot listen on \(host):\(port): \(reason)\(advice)")
  }
}

/// Counts the answers that are being written.
private final class OpenAnswers: Sendable {
  private struct State {
    var open = 0
    var waiting: [Interruption] = []
  }
  private let state = Mutex(State())

  /// One answer; it counts until it is ended, or dropped because its client went before it began.
  final class Token: Sendable {
    private let answers: OpenAnswers
    private let isEnded = Atomic(false)
    init(_ answers: OpenAnswers) { self.answers = answers }
    deinit { end() }
    func end() { if !isEnded.exchange(true, ordering: .relaxed) { answers.ended() } }
  }

  func begin() -> Token {
    state.withLock { $0.open += 1 }
    return Token(self)
  }

  private func ended() {
    let waiting = state.withLock { state -> [Interruption] in
      state.open -= 1
      guard state.open == 0 else { return [] }
      defer { state.waiting = [] }
      return state.waiting
    }
    for waiter in waiting { waiter.raise() }
  }

  func settle() async {
    let settled = Interruption()
    state.withLock { state in
      if state.open > 0 { state.waiting.append(settled) } else { settled.raise() }
    }
    await settled.wait()
  }
}

extension Work {
  /// Answers requests until drained: then streams end, and answers that were begun are written.
  ///
  /// - Parameters:
  ///   - port: 0 picks a free one, which the log line 'serving' names.
  ///   - settings: the flags of host and port, for the message when the address cannot be listened on.
  package static func server(
    host: String, port: UInt16, settings: (host: String, port: String), in context: ServiceContext,
    _ routes: @escaping @Sendable () throws -> ServerRoutes
  ) -> Work {
    var limits = ConnectionLimits()
    (limits.hostSetting, limits.portSetting) = settings
    limits.maxConnections = 1_024
    limits.allowsStreams = true
    let ready = context.health.readiness("server")
    return Work { [limits] in
      let server = HTTPServer(
        host: host, port: port, routes: try routes(), limits: limits, logger: context.logger, drain: context.drain)
      let port = try await server.start()
      context.logger.info("serving", metadata: ["host": "\(host)", "port": .stringConvertible(port)])
      ready.set(ready: true)
      let watch = Task { if await server.failure() != nil { context.drain.raise() } }
      defer { watch.cancel() }
      await context.drain.wait()
      await server.settle()
      if let failure = await server.stop() { throw failure }
    }
  }
}

extension ServerRoutes {
  /// `/livez` (also `/healthz`), `/readyz` and `/metrics`.
  init(_ health: Health, _ registry: PrometheusRegistry) {
    self.init()
    for path in ["/livez", "/healthz"] { get(path) { _ in Self.answer(health.livenessReport) } }
    get("/readyz") { _ in Self.answer(health.readinessReport) }
    get("/metrics") { _ in ServerAnswer(type: ExpositionText.contentType, Array(registry.exposition.utf8)) }
  }

  /// `{"status":"ok","checks":[{"name":"postgres","ok":true,"reason":""}]}`; 503 unless every condition holds.
  private static func answer(_ report: HealthReport) -> ServerAnswer {
    var body = Array("{\"status\":\"\(report.ok ? "ok" : "unavailable")\",\"checks\":[".utf8)
    for (index, entry) in report.entries.enumerated() {
      if index > 0 { body.append(UInt8(ascii: ",")) }
      body += Array("{\"name\":".utf8)
      appendJSONString(entry.name, to: &body)
      body += Array(",\"ok\":\(entry.ok),\"reason\":".utf8)
      appendJSONString(entry.reason, to: &body)
      body.append(UInt8(ascii: "}"))
    }
    return ServerAnswer(status: report.ok ? 200 : 503, body + Array("]}\n".utf8))
  }
}
