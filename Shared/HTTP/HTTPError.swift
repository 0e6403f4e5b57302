import Core

/// What went wrong with a request, and in which of the four classes it falls.
///
/// The table is closed: every libcurl code and every status ends in one `Kind` (see `HTTPError+Curl.swift`).
package struct HTTPError: ClassifiedError, Hashable {
  package enum Kind: Hashable, Sendable {
    // transient: an outage of the other side, or of the way to it
    case nameUnresolved, connectFailed, connectionLost, timedOut, tooSlow, truncatedBody, malformedResponse
    case tlsFailed, certificateRefused, clientClosed, retrievalFailed
    // by its number: 408, 425, 429 and 5xx transient, the rest data
    case status(Int)
    // data: this request can never succeed
    case urlRefused, addressRefused, bodyTooLarge, headersTooLarge, tooManyRedirects, requestRefused
    case notFound, loginRefused
    // configuration: the operator's part
    case certificateAuthorityUnreadable, proxyFailed
    // fatal
    case internalFailure
  }

  package var kind: Kind
  /// Free of queries, credentials and bodies.
  package var message: String
  /// Where, without its query; nil when there was no URL yet.
  package var url: String?
  package var retryAfter: Duration?

  package init(_ kind: Kind, _ message: String, url: HTTPURL? = nil, retryAfter: Duration? = nil) {
    self.kind = kind
    self.message = message
    self.url = url?.description
    self.retryAfter = retryAfter
  }

  package var code: String {
    switch kind {
    case .nameUnresolved: "name_unresolved"
    case .connectFailed: "connect_failed"
    case .connectionLost: "connection_lost"
    case .timedOut: "timed_out"
    case .tooSlow: "too_slow"
    case .truncatedBody: "truncated_body"
    case .malformedResponse: "malformed_response"
    case .tlsFailed: "tls_failed"
    case .certificateRefused: "certificate_refused"
    case .clientClosed: "client_closed"
    case .status(let status): "http_\(status)"
    case .urlRefused: "url_refused"
    case .addressRefused: "address_refused"
    case .bodyTooLarge: "body_too_large"
    case .headersTooLarge: "headers_too_large"
    case .tooManyRedirects: "too_many_redirects"
    case .requestRefused: "request_refused"
    case .retrievalFailed: "retrieval_failed"
    case .notFound: "not_found"
    case .loginRefused: "login_refused"
    case .certificateAuthorityUnreadable: "ca_unreadable"
    case .proxyFailed: "proxy_failed"
    case .internalFailure: "http_internal"
    }
  }

  package var errorClass: ErrorClass {
    switch kind {
    case .nameUnresolved, .connectFailed, .connectionLost, .timedOut, .tooSlow, .truncatedBody, .malformedResponse,
         .tlsFailed, .certificateRefused, .clientClosed, .retrievalFailed:
      .transient
    case .status(let status): Self.isTransient(status: status) ? .transient : .data
    case .urlRefused, .addressRefused, .bodyTooLarge, .headersTooLarge, .tooManyRedirects, .requestRefused, .notFound,
         .loginRefused:
      .data
    case .certificateAuthorityUnreadable, .proxyFailed: .configuration
    case .internalFailure: .fatal
    }
  }

  /// 408 Request Timeout, 425 Too Early, 429 Too Many Requests and every 5xx ask for another try.
  package static func isTransient(status: Int) -> Bool {
    status == 408 || status == 425 || status == 429 || (500...599).contains(status)
  }

  package var description: String { "\(message)\(url.map { " (\($0))" } ?? "") [\(code)]" }
}
