import Commodities
import Core
import HTTP
import Logging
import Messages
import Pipeline
import Redis
import Synchronization
import Values

/// One source with its circuit breaker, concurrency limit, request budget and response cache.
package final class Provider: Sendable {
  /// Settings of all providers of a process.
  package struct Settings: Sendable {
    /// Limits of one answer; the time limit is each source's own.
    package var limits: HTTPLimits
    package var json: JSONReader.Limits
    package var breaker: CircuitBreaker.Settings
    package var tolerance: Duration
    /// The longest pause that a provider can ask for.
    package var longestPause: Duration

    package init(
      limits: HTTPLimits = Provider.limits(maxAnswerBytes: 4 << 20),
      json: JSONReader.Limits = JSONReader.Limits(maxBytes: 4 << 20, maxDepth: 32),
      breaker: CircuitBreaker.Settings = CircuitBreaker.Settings(), tolerance: Duration = .seconds(60),
      longestPause: Duration = .seconds(300)
    ) {
      self.limits = limits
      self.json = json
      self.breaker = breaker
      self.tolerance = tolerance
      self.longestPause = longestPause
    }
  }

  package struct Answer: Sendable {
    package var chosen: QuoteChoice.Chosen
    /// Flags of `QuoteConverter`.
    package var flags: [String]
    /// The provider answered that its last answer is still valid.
    package var isCached: Bool
  }

  package let source: CommoditySource
  private let token: String?
  private let request: SourceRequest
  private let reader: AnswerReader
  private let choice: QuoteChoice
  private let settings: Settings
  private let client: HTTPClient
  private let budget: RequestBudget
  private let places: Permits
  private let cache: ResponseCache
  private let breaker: Mutex<CircuitBreaker>
  private let metrics: ProviderMetrics
  private let logger: Logger
  private let now: @Sendable () -> Timestamp

  /// - Throws: a configuration `Failure` for a missing secret or time zone.
  package init(
    _ source: CommoditySource, settings: Settings, client: HTTPClient, tokens: any TokenSource, cache: ResponseCache,
    logger: Logger, now: @escaping @Sendable () -> Timestamp
  ) throws(Failure) {
    self.source = source
    self.settings = settings
    self.client = client
    self.cache = cache
    self.logger = logger
    self.now = now
    token = try source.token?.resolve()
    request = SourceRequest(source, token: token, limits: settings.limits)
    reader = try AnswerReader(source, limits: settings.json)
    choice = QuoteChoice(tolerance: settings.tolerance, maxAge: source.maxAge)
    budget = RequestBudget(tokens)
    places = Permits(source.concurrency)
    breaker = Mutex(CircuitBreaker(settings.breaker))
    metrics = ProviderMetrics(source.word)
  }

  /// Limits for small answers: reads at most 16 KiB at once, and holds a whole answer in memory.
  package static func limits(maxAnswerBytes: Int) -> HTTPLimits {
    HTTPLimits(
      lowSpeed: 0, maxBodyBytes: maxAnswerBytes, maxRedirects: 3, bufferBytes: maxAnswerBytes,
      maxPieceBytes: 16 << 10)
  }

  /// False while the breaker is not closed.
  package var isTrusted: Bool {
    breaker.withLock { if case .closed = $0.state { true } else { false } }
  }

  /// Sends the request when it is this job's turn.
  /// - Throws: `FetchError` or `HTTPError` without a good answer; `RedisError` when the budget is unreachable;
  ///   `Expired` when the job expired before its turn; `CancellationError`.
  package func ask(_ job: FetchJob) async throws -> Answer {
    try refuseWhileOpen()
    guard await places.acquire() else { throw CancellationError() }
    defer { places.release() }
    try refuseWhileOpen()
    try await takeTurn(job)
    let ticket: CircuitBreaker.Ticket
    switch breaker.withLock({ $0.admit(at: .now) }) {
    case .admitted(let admitted): ticket = admitted
    case .refused(let until): throw Self.suspended(until)
    }
    let start = ContinuousClock.now
    metrics.began()
    defer { metrics.ended(in: .now - start) }
    do {
      let answer = try await fetch(job)
      settle(ticket, nil, job)
      // If this fails, another replica sends one more probe.
      try? await budget.recover()
      return answer
    } catch let error as RedisError {
      throw error
    } catch {
      let failure = withoutToken(error)
      settle(ticket, failure, job)
      try await pause(after: failure)
      throw failure
    }
  }

  // MARK: - Admission

  private func refuseWhileOpen() throws {
    try breaker.withLock { breaker in
      if case .open(let until) = breaker.state, ContinuousClock.now < until { throw Self.suspended(until) }
    }
  }

  private static func suspended(_ until: ContinuousClock.Instant?) -> FetchError {
    FetchError(
      .suspended, "no request, because it failed too often", retryAfter: until.map { max(.zero, $0 - .now) })
  }

  private func takeTurn(_ job: FetchJob) async throws {
    let start = ContinuousClock.now
    let expiry = job.deadline.map { start + .microseconds($0.microseconds - now().microseconds) }
    switch await budget.turn(before: expiry) {
    case .granted: metrics.waited(.now - start)
    case .expired: throw Expired()
    case .cancelled: throw CancellationError()
    case .failed(let error): throw error
    case .paused(let delay):
      throw FetchError(.rateLimited, "no request, because it asked for a pause", retryAfter: delay)
    }
  }

  // MARK: - Request

  private func fetch(_ job: FetchJob) async throws -> Answer {
    var request = try request.request(for: job)
    let url = request.url.text
    let known = cache[url]
    if let known {
      if let etag = known.etag { request.headers["If-None-Match"] = etag }
      if let date = known.lastModified { request.headers["If-Modified-Since"] = date }
    }
    let response = try await client.execute(request)
    let isCached = response.status == 304 && known != nil
    let body: [UInt8]
    if isCached, let known {
      body = known.body
    } else {
      guard response.status == 200 else { throw Self.failure(of: response) }
      body = response.body
    }
    do {
      let now = now()
      let quotes = try reader.quotes(body, of: job.material, at: now) { self.request.value(of: $0, job) }
      var chosen = try choice.choose(
        quotes, kind: job.kind, isPositive: job.material.isPositive, dueAt: job.dueAt, now: now)
      let converted = try QuoteConverter(job.material, job.country, job.kind).converted(chosen.quote)
      chosen.quote = converted.quote
      metrics.answered(isCached: isCached)
      if !isCached { keep(response, of: url) }
      return Answer(chosen: chosen, flags: converted.flags, isCached: isCached)
    } catch {
      // An unusable answer is not requested conditionally again.
      cache.forget(url)
      throw error
    }
  }

  private func keep(_ response: HTTPResponse, of url: String) {
    let entry = ResponseCache.Entry(
      etag: response.headers["etag"], lastModified: response.headers["last-modified"], body: response.body)
    if entry.etag == nil, entry.lastModified == nil { cache.forget(url) } else { cache.keep(entry, of: url) }
  }

  // MARK: - Outcome

  private func settle(_ ticket: CircuitBreaker.Ticket, _ failure: (any Error)?, _ job: FetchJob) {
    let (before, after) = breaker.withLock { breaker in
      let before = breaker.state
      switch failure {
      case nil: breaker.succeeded(ticket)
      case is CancellationError: breaker.abandoned(ticket)
      case let error as FetchError: settle(&breaker, ticket, error, job)
      default: breaker.failed(ticket, at: .now)
      }
      return (before, breaker.state)
    }
    if let error = failure as? any ClassifiedError { metrics.failed(error.code) }
    metrics.breaker(after)
    switch (before, after) {
    case (.open, _), (.closed, .closed): break
    case (_, .open):
      let isRefused = (failure as? FetchError)?.kind == .refused
      logger.log(
        level: isRefused ? .error : .warning,
        isRefused ? "provider suspended: check the token of its source in the catalogue" : "provider suspended",
        metadata: ["source": "\(source.name)", "reason": "\(failure.map { "\($0)" } ?? "")"])
    case (_, .closed): logger.info("provider answers again", metadata: ["source": "\(source.name)"])
    default: break
    }
  }

  /// Only failures of transport and credentials concern the provider; others concern one series.
  private func settle(
    _ breaker: inout CircuitBreaker, _ ticket: CircuitBreaker.Ticket, _ error: FetchError, _ job: FetchJob
  ) {
    switch error.kind {
    case .refused: breaker.refused(ticket, at: .now)
    // An unreadable answer may concern one series only.
    case .unreadable: breaker.failed(ticket, at: .now, of: job.stateKey.text)
    case .rateLimited, .minuteQuotaSpent, .dayQuotaSpent, .unrecognised: breaker.abandoned(ticket)
    default: breaker.succeeded(ticket)
    }
    if error.kind == .unrecognised {
      logger.warning("answer not recognised", metadata: ["source": "\(source.name)", "reason": "\(error)"])
    }
  }

  /// Pauses all replicas for the time that the provider asks for; without one, doubles the pause each time.
  private func pause(after failure: any Error) async throws {
    let pause: Pause
    switch failure {
    case let error as FetchError where error.kind.isRateLimit:
      pause = error.retryAfter.map { .asked(min($0, settings.longestPause)) }
        ?? .growing(from: Self.firstPause(error.kind), atMost: longestPause(error.kind))
    case let error as HTTPError where error.kind == .status(503):
      guard let delay = error.retryAfter else { return }
      pause = .asked(min(delay, settings.longestPause))
    default: return
    }
    metrics.paused()
    let delay = try await budget.pause(pause)
    logger.info("a provider asked for a pause", metadata: [
      "source": "\(source.name)", "for": "\(delay)", "reason": "\(failure)",
    ])
  }

  private static func firstPause(_ limit: FetchError.Kind) -> Duration {
    switch limit {
    case .minuteQuotaSpent: .seconds(60)
    case .dayQuotaSpent: .seconds(900)
    default: .seconds(1)
    }
  }

  /// A daily quota gets a longer pause than a few minutes.
  private func longestPause(_ limit: FetchError.Kind) -> Duration {
    max(limit == .dayQuotaSpent ? .seconds(3_600) : Self.firstPause(limit), settings.longestPause)
  }

  /// The error for a status other than 200, by the status and the body's message.
  private static func failure(of response: HTTPResponse) -> any Error {
    let failure: HTTPError
    do {
      try response.head.requireSuccess()
      return FetchError.unreadable("status \(response.status) instead of 200")
    } catch {
      failure = error
    }
    // Other statuses, mainly 5xx, are outages, whatever their body.
    guard [400, 401, 402, 403, 404, 407, 410, 422, 429].contains(response.status) else { return failure }
    var said = (ProviderMessage(body: response.body) ?? ProviderMessage("\(failure.message)"))
      .failure(status: response.status)
    said.retryAfter = failure.retryAfter
    return said
  }

  /// The failure without the token, which some providers repeat in their messages.
  private func withoutToken(_ failure: any Error) -> any Error {
    guard var error = failure as? FetchError, let token, !token.isEmpty else { return failure }
    error.message = error.message.replacing(token, with: "***")
    return error
  }
}

/// The job's deadline passed while it waited for its turn.
package struct Expired: Error {}
