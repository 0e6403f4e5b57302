import Foundation
import HTTP
import Logging
import Runtime

/// Asks one portal for its listings.
///
/// Every engine asks through it, so that all are polite in the same way: requests to one host keep their distance
/// (`HostPace`, shared by the chains of a host), a portal that is unwell is asked again after a full-jitter delay or
/// the `Retry-After` it sent, and a listing that was sent with a validator is asked for conditionally: when it is
/// unchanged (304) the body of before is answered again.
package final class ListingClient: Sendable {
  package struct Patience: Sendable {
    /// Tries per request before the pass is given up.
    package var attempts = 4
    package var backoff = Backoff(base: .milliseconds(500), cap: .seconds(30))

    package init() {}

    /// The longest time one request may take with all its tries, without what a `Retry-After` adds.
    package func longest(_ request: Duration) -> Duration { (request + backoff.cap) * attempts }
  }

  package let source: String
  package let limits: HTTPLimits
  private let client: HTTPClient
  private let pace: HostPace
  private let gap: Duration
  private let userAgent: String?
  private let patience: Patience
  private let cache: ListingCache
  private let logger: Logger

  /// - Parameters:
  ///   - gap: at least this long between the starts of two requests to one host.
  ///   - userAgent: nil sends the client's own.
  ///   - cacheBytes: what may be kept of listings with validators; 0 asks unconditionally.
  package init(
    source: String, client: HTTPClient, limits: HTTPLimits, pace: HostPace = HostPace(), gap: Duration = .zero,
    userAgent: String? = nil, patience: Patience = Patience(), cacheBytes: Int = 8 << 20, logger: Logger
  ) {
    self.source = source
    self.client = client
    self.limits = limits
    self.pace = pace
    self.gap = gap
    self.userAgent = userAgent
    self.patience = patience
    cache = ListingCache(limit: cacheBytes)
    self.logger = logger
  }

  /// GETs a listing.
  /// - Throws: `HTTPError` for a status outside 200...299 and when the patience is at its end.
  package func get(_ url: HTTPURL, headers: HTTPHeaders = [:]) async throws -> HTTPResponse {
    var request = HTTPRequest("GET", url, headers: headers, limits: limits)
    // Keyed by what makes the answer differ besides the URL: a session of another login is another listing.
    let key = "\(headers["cookie"] ?? "")\u{0}\(url.text)"
    if let validators = cache.validators(of: key) {
      if let tag = validators.tag { request.headers["If-None-Match"] = tag }
      if let date = validators.date { request.headers["If-Modified-Since"] = date }
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
    // Dropped in between: ask for it whole.
    return try await send(HTTPRequest("GET", url, headers: headers, limits: limits))
  }

  /// POSTs a form (`application/x-www-form-urlencoded`). Redirects are handed back, not followed.
  /// - Parameter accept: which statuses are answers; the others are thrown.
  package func post(
    _ url: HTTPURL, form: [(name: String, value: String)], headers: HTTPHeaders = [:],
    accept: (Int) -> Bool = { (200...299).contains($0) }
  ) async throws -> HTTPResponse {
    try await send(.form(url, form, headers: headers, limits: limits), accept: accept)
  }

  /// Sends any request in the same manner.
  /// - Parameter accept: which statuses are answers; the others are thrown, after tries when they are transient.
  package func send(
    _ request: HTTPRequest, accept: (Int) -> Bool = { (200...299).contains($0) }
  ) async throws -> HTTPResponse {
    var request = request
    if let userAgent, request.headers["user-agent"] == nil { request.headers["User-Agent"] = userAgent }
    let final = request
    return try await patiently(final.url.origin) {
      let response = try await client.execute(final)
      if !accept(response.status) {
        try response.head.requireSuccess()
        throw HTTPError(.status(response.status), "the server answered \(response.status)", url: response.head.url)
      }
      return response
    }
  }

  /// Lists a folder of an FTP server in the same manner; a listing that a server refuses is asked for once.
  package func list(_ request: FTPRequest) async throws -> [UInt8] {
    try await patiently(request.url.origin) {
      try await client.stream(request) { body in
        var bytes: [UInt8] = []
        while let chunk = try await body.next() { bytes += chunk }
        return bytes
      }
    }
  }

  private func patiently<Answer>(_ origin: String, _ ask: () async throws -> Answer) async throws -> Answer {
    try await patience.backoff.retry {
      try await pace.turn(origin, gap: gap)
      return try await ask()
    } pause: { failed in
      guard let error = failed.error as? HTTPError, error.kind != .retrievalFailed, failed.number < patience.attempts
      else { throw failed.error }
      CrawlerMetrics.error(source, error.code)
      // Told to stay away, every chain of the host does.
      if error.retryAfter != nil { pace.hold(origin, for: failed.delay) }
      logger.warning(
        "the portal failed, retrying",
        metadata: ["error": "\(error)", "delay": "\(failed.delay)", "attempt": "\(failed.number)"])
      try await Task.sleep(for: failed.delay)
    }
  }
}
