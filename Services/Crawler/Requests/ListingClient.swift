import Core
import Foundation
import HTTP
import Logging
import Synchronization

/// Fetches the listings of one portal, for every engine.
///
/// Requests to one host are spaced (`HostRateLimiter`, shared by the chains of a host). A transient error is retried
/// after a full-jitter delay or the portal's `Retry-After`. A listing that came with a validator is requested
/// conditionally; when it is unchanged (304), the cached body is returned.
package struct ListingClient: Sendable {
  struct Retries: Sendable {
    /// Attempts per request before the pass fails.
    var attempts = 4
    var backoff = Backoff(base: .milliseconds(500), cap: .seconds(30))

    /// The longest time one request may take with all its attempts, without a `Retry-After`.
    func longest(_ request: Duration) -> Duration { (request + backoff.cap) * attempts }
  }

  let source: String
  let client: HTTPClient
  let limits: HTTPLimits
  var rateLimiter = HostRateLimiter()
  /// The least time between the starts of two requests to one host.
  var gap: Duration = .zero
  /// nil sends the client's own.
  var userAgent: String?
  var retries = Retries()
  var cache = ListingCache(limit: 8 << 20)
  let logger: Logger

  /// GETs a listing.
  /// - Throws: `HTTPError` for a status outside 200...299, or after the last attempt.
  package func get(_ url: HTTPURL, headers: HTTPHeaders = [:]) async throws -> HTTPResponse {
    var request = HTTPRequest("GET", url, headers: headers, limits: limits)
    // A session of another login gets another listing.
    let key = "\(headers["cookie"] ?? "")\u{0}\(url.text)"
    if let kept = cache.response(of: key) {
      request.headers["If-None-Match"] = kept.headers["etag"]
      request.headers["If-Modified-Since"] = kept.headers["last-modified"]
    }
    let response = try await send(request) { (200...299).contains($0) || $0 == 304 }
    guard response.status == 304 else {
      cache.keep(response, as: key)
      return response
    }
    if let kept = cache.response(of: key) {
      CrawlerMetrics.unchanged(source)
      return kept
    }
    // The cache dropped it in the meantime.
    return try await send(HTTPRequest("GET", url, headers: headers, limits: limits))
  }

  /// Sends any request, paced and with retries.
  /// - Parameter accept: the statuses to return; others are thrown, after retries when they are transient.
  package func send(
    _ request: HTTPRequest, accept: (Int) -> Bool = { (200...299).contains($0) }
  ) async throws -> HTTPResponse {
    var request = request
    if let userAgent, request.headers["user-agent"] == nil { request.headers["User-Agent"] = userAgent }
    let final = request
    return try await retrying(final.url.origin) {
      let response = try await client.execute(final)
      if !accept(response.status) {
        try response.head.requireSuccess()
        throw HTTPError(.status(response.status), "the server answered \(response.status)", url: response.head.url)
      }
      return response
    }
  }

  /// Lists a folder of an FTP server, paced and with retries; a refused listing is not retried.
  package func list(_ request: FTPRequest) async throws -> [UInt8] {
    try await retrying(request.url.origin) {
      try await client.stream(request) { body in
        var bytes: [UInt8] = []
        while let chunk = try await body.next() { bytes += chunk }
        return bytes
      }
    }
  }

  private func retrying<Answer>(_ origin: String, _ ask: () async throws -> Answer) async throws -> Answer {
    try await retries.backoff.retry {
      try await rateLimiter.turn(origin, gap: gap)
      return try await ask()
    } pause: { failed in
      guard let error = failed.error as? HTTPError, error.kind != .retrievalFailed, failed.number < retries.attempts
      else { throw failed.error }
      CrawlerMetrics.error(source, error.code)
      // A Retry-After holds for every chain of the host.
      if error.retryAfter != nil { rateLimiter.hold(origin, for: failed.delay) }
      logger.warning(
        "the portal failed, retrying",
        metadata: [
          "error": "\(error)", "delay_seconds": .stringConvertible(failed.delay / .seconds(1)),
          "attempt": .stringConvertible(failed.number),
        ])
      try await Task.sleep(for: failed.delay)
    }
  }
}

/// Spaces the requests to each host, and stops them for as long as a host asks; shared by all chains.
final class HostRateLimiter: Sendable {
  private let next = Mutex<[String: ContinuousClock.Instant]>([:])

  /// Returns when the caller may start a request to `host`; callers get their turns in the order they asked.
  /// - Throws: `CancellationError`.
  func turn(_ host: String, gap: Duration) async throws {
    let now = ContinuousClock.now
    let mine = reserve(host, gap: gap, now: now)
    if mine > now { try await Task.sleep(until: mine, clock: .continuous) }
  }

  /// When the next request to `host` may start; the one after it comes `gap` later.
  func reserve(_ host: String, gap: Duration, now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    next.withLock { next in
      let turn = max(now, next[host] ?? now)
      next[host] = turn + gap
      return turn
    }
  }

  /// No request to `host` starts before `delay` has passed.
  func hold(_ host: String, for delay: Duration, now: ContinuousClock.Instant = .now) {
    next.withLock { next in
      let end = now + delay
      next[host] = max(end, next[host] ?? end)
    }
  }
}

/// The last answers with an ETag or a Last-Modified, up to a limit of bytes (0: none); the oldest are dropped first.
final class ListingCache: Sendable {
  /// Oldest first.
  private let kept = Mutex<[(key: String, response: HTTPResponse)]>([])
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func response(of key: String) -> HTTPResponse? { kept.withLock { $0.first { $0.key == key }?.response } }

  func keep(_ response: HTTPResponse, as key: String) {
    let isKept = response.body.count <= limit
      && (response.headers["etag"] != nil || response.headers["last-modified"] != nil)
    kept.withLock { kept in
      kept.removeAll { $0.key == key }
      guard isKept else { return }
      kept.append((key, response))
      var bytes = kept.reduce(0) { $0 + $1.response.body.count }
      while bytes > limit { bytes -= kept.removeFirst().response.body.count }
    }
  }
}
