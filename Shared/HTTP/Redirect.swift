/// What to do with an answer that points elsewhere: a pure decision, one hop at a time.
enum Redirect: Equatable {
  /// Not a redirect, or one that this request does not follow.
  case stay
  case follow(HTTPURL)

  /// - Parameter hops: redirects followed so far.
  static func decide(_ request: HTTPRequest, _ head: HTTPResponseHead, hops: Int) throws(HTTPError) -> Redirect {
    let limit = request.limits.maxRedirects
    // Only a request without a body and without an effect is repeated somewhere else.
    guard limit > 0, request.method == "GET" || request.method == "HEAD",
          [301, 302, 303, 307, 308].contains(head.status), let location = head.headers["location"] else { return .stay }
    guard hops < limit else { throw HTTPError(.tooManyRedirects, "more than \(limit) redirects", url: request.url) }
    let target: HTTPURL
    do {
      target = try request.url.resolving(location)
    } catch {
      throw HTTPError(error.kind, "redirected to an address that is not fetched: \(error.message)", url: request.url)
    }
    guard !(request.url.scheme == "https" && target.scheme == "http") else {
      throw HTTPError(.urlRefused, "redirected from https to http", url: request.url)
    }
    return .follow(target)
  }

  /// Headers that are for one origin only.
  static let credentials = ["authorization", "cookie", "x-amz-security-token", "proxy-authorization"]

  /// The request for the next hop: another origin gets no credentials.
  static func next(_ request: HTTPRequest, to target: HTTPURL) -> HTTPRequest {
    var next = request
    next.url = target
    if target.origin != request.url.origin {
      for name in credentials { next.headers.remove(name) }
    }
    return next
  }
}
