import Core
import Feeds
import HTTP

/// Asks a feed about the past over HTTP.
package struct FeedClient: Sendable {
  package let access: FeedAccess
  private let http: HTTPClient
  private let headers: HTTPHeaders
  private let limits: HTTPLimits

  /// - Parameter limits: a page of 50,000 bars has about 6 MiB.
  package init(_ access: FeedAccess, _ http: HTTPClient, limits: HTTPLimits) {
    self.access = access
    self.http = http
    self.limits = limits
    var headers = HTTPHeaders()
    for (name, value) in access.headers { headers.add(name, value) }
    self.headers = headers
  }

  /// One request.
  /// - Parameter path: of a page, with its query, without the key.
  /// - Throws: `FeedRefusal` for what the provider says, `HTTPError` for outages, `CancellationError`.
  package func page(_ path: String) async throws -> [UInt8] {
    let request = HTTPRequest("GET", try HTTPURL(access.url(of: path)), headers: headers, limits: limits)
    let response = try await http.execute(request)
    let retryAfter = response.headers["retry-after"].flatMap { RetryAfter.delay($0) }
    if let refusal = access.refusal(status: response.status, body: response.body, retryAfter: retryAfter) {
      throw refusal
    }
    try response.head.requireSuccess()
    return response.body
  }
}
