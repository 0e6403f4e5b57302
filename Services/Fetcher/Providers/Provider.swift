import Budgets
import Commodities
import Core
import HTTP
import Logging
import Messages
import Pipeline
import Values

/// One source with its circuit breaker, concurrency limit, request budget and response cache.
package final class Provider: Sendable {
  /// Settings of all providers of a process.
  package struct Settings: Sendable {
    /// Limits of one answer; the time limit is each source's own.
    package var limits = Provider.limits(maxAnswerBytes: 4 << 20)
    package var json = JSONReader.Limits(maxBytes: 4 << 20, maxDepth: 32)
    package var gate = ProviderGate.Settings()
    package var tolerance = Duration.seconds(60)

    package init() {}
  }

  package struct Answer: Sendable {
    package var chosen: QuoteChoice.Chosen
    /// Flags of `QuoteConverter`.
    package var flags: [String]
    /// The provider answered that its last answer is still valid.
    package var isCached: Bool
  }

  package let source: CommoditySource
  private let limits: HTTPLimits
  private let reader: AnswerReader
  private let choice: QuoteChoice
  private let client: HTTPClient
  private let cache: ResponseCache
  private let gate: ProviderGate
  private let now: @Sendable () -> Timestamp

  /// - Throws: a configuration `Failure` for a missing secret or time zone.
  package init(
    _ source: CommoditySource, settings: Settings, client: HTTPClient, tokens: any TokenSource, cache: ResponseCache,
    logger: Logger, now: @escaping @Sendable () -> Timestamp
  ) throws(Failure) {
    self.source = source
    self.client = client
    self.cache = cache
    self.now = now
    _ = try source.token?.resolve()
    limits = settings.limits
    reader = try AnswerReader(source, limits: settings.json)
    choice = QuoteChoice(tolerance: settings.tolerance, maxAge: source.maxAge)
    gate = ProviderGate(
      source.name, word: source.word, settings: settings.gate, concurrency: source.concurrency, tokens: tokens,
      logger: logger, now: now)
  }

  /// Read again when the file that holds it changes.
  private var token: String? { try? source.token?.resolve() }
  private var request: SourceRequest { SourceRequest(source, token: token, limits: limits) }

  /// Limits for small answers: reads at most 16 KiB at once, and holds a whole answer in memory.
  package static func limits(maxAnswerBytes: Int) -> HTTPLimits {
    HTTPLimits(
      lowSpeed: 0, maxBodyBytes: maxAnswerBytes, maxRedirects: 3, bufferBytes: maxAnswerBytes,
      maxPieceBytes: 16 << 10)
  }

  /// False while the breaker is not closed.
  package var isTrusted: Bool { gate.isTrusted }

  /// Sends the request when it is this job's turn.
  /// - Throws: `FetchError` or `HTTPError` without a good answer; `RedisError` when the budget is unreachable;
  ///   `Expired` when the job expired before its turn; `CancellationError`.
  package func ask(_ job: FetchJob) async throws -> Answer {
    try await gate.ask(job.stateKey.text, before: job.deadline) {
      do {
        return try await fetch(job)
      } catch {
        throw withoutToken(error)
      }
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
      gate.metrics.answered(isCached: isCached)
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
