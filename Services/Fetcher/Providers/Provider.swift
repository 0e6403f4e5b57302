import HTTP
import Logging
import Markets
import Pipeline
import Redis
import Runtime
import Schemas
import Synchronization

/// One source and everything that stands between a job and its answer: its breaker, its places, its budget, what it
/// answered before.
package final class Provider: Sendable {
  /// What holds for all providers of a process.
  package struct Settings: Sendable {
    /// Of one answer; the time is each source's own.
    package var limits: HTTPLimits
    package var json: JSONReader.Limits
    package var breaker: CircuitBreaker.Settings
    package var tolerance: Duration
    /// The longest a provider is left alone because it asked for it.
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
    /// The provider said that its last answer still holds.
    package var isCached: Bool
  }

  package let source: Source
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

  /// - Throws: a configuration `Failure` for a secret or a time zone that is not there.
  package init(
    _ source: Source, settings: Settings, client: HTTPClient, tokens: any TokenSource, cache: ResponseCache,
    logger: Logger, now: @escaping @Sendable () -> Timestamp
  ) throws(Failure) {
    self.source = source
    self.settings = settings
    self.client = client
    self.cache = cache
    self.logger = logger
    self.now = now
    request = SourceRequest(source, token: try source.token?.resolve(), limits: settings.limits)
    reader = try AnswerReader(source, limits: settings.json)
    choice = QuoteChoice(tolerance: settings.tolerance, maxAge: source.maxAge)
    budget = RequestBudget(tokens)
    places = Permits(source.concurrency)
    breaker = Mutex(CircuitBreaker(settings.breaker))
    metrics = ProviderMetrics(source.word)
  }

  /// Small answers: no more than 16 KiB of each is read at once, and a whole one waits in memory for its reader.
  package static func limits(maxAnswerBytes: Int) -> HTTPLimits {
    HTTPLimits(
      lowSpeed: 0, maxBodyBytes: maxAnswerBytes, maxRedirects: 3, bufferBytes: maxAnswerBytes,
      maxPieceBytes: 16 << 10)
  }

  /// False while it is not asked because it only failed.
  package var isTrusted: Bool {
    breaker.withLock { if case .closed = $0.state { true } else { false } }
  }

  /// Asks when it is this job's turn.
  /// - Throws: `FetchError` or `HTTPError` when it has no good answer; `RedisError` when nobody knows whether it may be
  ///   asked; `Expired` when the job's time passed before its turn; `CancellationError`.
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
      settle(ticket, nil)
      return answer
    } catch {
      let failure = Self.meaning(of: error)
      settle(ticket, failure)
      if let delay = Self.pause(asked: failure, error) { try await leaveAlone(for: delay) }
      throw failure
    }
  }

  // MARK: - before

  private func refuseWhileOpen() throws {
    try breaker.withLock { breaker in
      if case .open(let until) = breaker.state, ContinuousClock.now < until { throw Self.suspended(until) }
    }
  }

  private static func suspended(_ until: ContinuousClock.Instant?) -> FetchError {
    FetchError(
      .suspended, "not asked, because it failed too often", retryAfter: until.map { max(.zero, $0 - .now) })
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
      throw FetchError(.rateLimited, "not asked, because it wants to be left alone", retryAfter: delay)
    }
  }

  // MARK: - the request

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
      guard response.status == 200 else {
        try response.head.requireSuccess()
        throw FetchError.unreadable("status \(response.status) instead of 200")
      }
      body = response.body
    }
    do {
      let quotes = try reader.quotes(body) { self.request.value(of: $0, job) }
      var chosen = try choice.choose(quotes, kind: job.kind, dueAt: job.dueAt, now: now())
      chosen.quote = try completed(chosen.quote, job)
      metrics.answered(isCached: isCached)
      if !isCached { keep(response, of: url) }
      return Answer(chosen: chosen, isCached: isCached)
    } catch {
      // What cannot be used is not asked for again under its name.
      cache.forget(url)
      throw error
    }
  }

  private func keep(_ response: HTTPResponse, of url: String) {
    let entry = ResponseCache.Entry(
      etag: response.headers["etag"], lastModified: response.headers["last-modified"], body: response.body)
    if entry.etag == nil, entry.lastModified == nil { cache.forget(url) } else { cache.keep(entry, of: url) }
  }

  /// With currency and unit of the catalogue where neither the answer nor the source says.
  private func completed(_ quote: Quote, _ job: FetchJob) throws(FetchError) -> Quote {
    var quote = quote
    quote.unit = quote.unit ?? job.material.unit
    guard job.kind == .price else {
      quote.currency = nil
      return quote
    }
    quote.currency = quote.currency ?? job.country?.currency ?? job.material.currency
    let letters = UInt8(ascii: "A")...UInt8(ascii: "Z")
    if let currency = quote.currency {
      guard currency.utf8.count == 3, currency.utf8.allSatisfy({ letters.contains($0) }) else {
        throw .unreadable("its currency is no code of three capitals")
      }
    }
    guard (quote.unit?.utf8.count ?? 0) <= 64 else { throw .unreadable("its unit is longer than a unit") }
    return quote
  }

  // MARK: - after

  private func settle(_ ticket: CircuitBreaker.Ticket, _ failure: (any Error)?) {
    let (before, after) = breaker.withLock { breaker in
      let before = breaker.state
      switch failure {
      case nil: breaker.succeeded(ticket)
      case is CancellationError: breaker.abandoned(ticket)
      // It answered, and is well: it does not know the symbol, or is asked too often.
      case let error as FetchError where error.kind == .symbolUnknown: breaker.succeeded(ticket)
      case let error as FetchError where error.kind == .rateLimited: breaker.abandoned(ticket)
      default: breaker.failed(ticket, at: .now)
      }
      return (before, breaker.state)
    }
    if let error = failure as? any ClassifiedError { metrics.failed(error.code) }
    metrics.breaker(after)
    switch (before, after) {
    case (.open, _), (.closed, .closed): break
    case (_, .open):
      let reason = failure.map { "\($0)" } ?? ""
      logger.warning("provider suspended", metadata: ["source": "\(source.name)", "reason": "\(reason)"])
    case (_, .closed): logger.info("provider answers again", metadata: ["source": "\(source.name)"])
    default: break
    }
  }

  /// No replica asks it for `delay`, or as long as is allowed.
  private func leaveAlone(for delay: Duration) async throws {
    let delay = min(delay, settings.longestPause)
    metrics.paused()
    logger.info("provider wants to be left alone", metadata: ["source": "\(source.name)", "for": "\(delay)"])
    try await budget.pause(for: delay)
  }

  /// How long it wants to be left alone: what it asks for, or a second when it only says "too often".
  private static func pause(asked failure: any Error, _ cause: any Error) -> Duration? {
    if let error = failure as? FetchError, error.kind == .rateLimited { return error.retryAfter ?? .seconds(1) }
    if let error = cause as? HTTPError, error.kind == .status(503) { return error.retryAfter }
    return nil
  }

  /// What an answer of HTTP means for the job.
  private static func meaning(of error: any Error) -> any Error {
    guard let http = error as? HTTPError else { return error }
    switch http.kind {
    case .status(429):
      return FetchError(.rateLimited, "it says that it was asked too often", retryAfter: http.retryAfter)
    case .status(401), .status(403): return FetchError(.refused, "it refuses us: \(http)")
    case .status(400), .status(404), .status(410), .status(422):
      return FetchError(.symbolUnknown, "it does not know what it was asked for: \(http)")
    default: return http
    }
  }
}

/// The job's deadline passed while it waited for its turn.
package struct Expired: Error {}
