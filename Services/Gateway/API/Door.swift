import Compression
import Core
import Logging
import Metrics
import ServiceKit

/// What every request passes: the token, the rate, the parameters, then its endpoint; and what every answer gets.
struct Door: Sendable {
  let endpoints: [Endpoint]
  let access: Access
  let rate: RequestRate
  /// Origins whose pages may read answers (the Fetch standard's CORS protocol); `*` for all.
  let origins: [String]
  let logger: Logger

  /// Bodies from this size on are compressed for clients that take gzip.
  private static let compressedFrom = 1_024

  var routes: ServerRoutes {
    var routes = ServerRoutes()
    let document = OpenAPI.document(endpoints, isOpen: access.isOpen)
    routes.get(Endpoint.root + "/openapi.json") { request in
      dressed(Reply.json(document, keptFor: 300), for: request)
    }
    for endpoint in endpoints {
      let route = GatewayMetrics.Route(endpoint.id)
      let handler: ServerRoutes.Handler = { request in await answer(request, by: endpoint, route) }
      switch endpoint.method {
      case .get: routes.get(Endpoint.root + endpoint.path, handler)
      case .put: routes.put(Endpoint.root + endpoint.path, handler)
      case .post: routes.post(Endpoint.root + endpoint.path, handler)
      case .delete: routes.delete(Endpoint.root + endpoint.path, handler)
      }
    }
    routes.otherwise = { request in otherwise(request) }
    return routes
  }

  private func answer(
    _ request: ServerRequest, by endpoint: Endpoint, _ route: GatewayMetrics.Route
  ) async -> ServerAnswer {
    let start = ContinuousClock.now
    var answer: ServerAnswer
    do {
      let client = try access.client(request.header("authorization"), for: endpoint.scope)
      try rate.take(client.name)
      answer = dressed(try await endpoint.handle(try await Call(endpoint, request)), for: request)
    } catch {
      let problem = Problem(error)
      for part in problem.degraded { GatewayMetrics.degraded(part) }
      if problem.status >= 500 {
        logger.warning("not answered", metadata: ["endpoint": "\(endpoint.id)", "error": "\(error)"])
      }
      answer = problem.answer(to: request.path)
      admit(request, &answer)
    }
    route.answered(answer.status, ContinuousClock.now - start)
    return answer
  }

  /// A preflight, another method of a path, or a path that there is not.
  private func otherwise(_ request: ServerRequest) -> ServerAnswer {
    let methods = endpoints.filter { Self.matches($0.path, request.path) }.map { $0.method.rawValue.uppercased() }
    let allowed = (methods + ["OPTIONS"]).unique.joined(separator: ", ")
    guard !methods.isEmpty else {
      let detail = "there is nothing at this path; \(Endpoint.root)/openapi.json says what there is"
      return Problem(404, "no_such_path", detail).answer(to: request.path)
    }
    guard request.method == "OPTIONS" else {
      return Problem(405, "no_such_method", "there is \(allowed) here", headers: [("allow", allowed)])
        .answer(to: request.path)
    }
    var answer = ServerAnswer(status: 204, [])
    answer.headers = [("allow", allowed)]
    if admit(request, &answer) {
      answer.headers += [
        ("access-control-allow-methods", allowed),
        ("access-control-allow-headers", "authorization, content-type, if-none-match, last-event-id"),
        ("access-control-max-age", "600"),
      ]
    }
    return answer
  }

  static func matches(_ pattern: String, _ path: String) -> Bool {
    let parts = (Endpoint.root + pattern).split(separator: "/"), words = path.split(separator: "/")
    return parts.count == words.count && zip(parts, words).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }

  private func dressed(_ reply: Reply, for request: ServerRequest) -> ServerAnswer {
    var answer: ServerAnswer
    switch reply {
    case .events(let send): answer = .events(send)
    case .nothing:
      answer = ServerAnswer(status: 204, [])
      answer.headers = []
    case .accepted(let bytes, let place):
      answer = ServerAnswer(status: 202, bytes)
      answer.headers.append(("location", Endpoint.root + place))
    case .json(let bytes, let seconds):
      let tag = seconds.map { _ in "\"\(SHA256.hash(bytes).hex.prefix(24))\"" }
      if let tag, Self.lists(request.header("if-none-match"), tag) {
        answer = ServerAnswer(status: 304, [])
        answer.headers = []
      } else if bytes.count >= Self.compressedFrom, Self.takesGzip(request.header("accept-encoding")),
        let packed = Deflate.gzip(bytes, level: 1) {
        answer = ServerAnswer(packed)
        answer.headers.append(("content-encoding", "gzip"))
      } else {
        answer = ServerAnswer(bytes)
      }
      if let tag, let seconds {
        answer.headers.removeAll { $0.name == "cache-control" }
        answer.headers += [("etag", tag), ("cache-control", "private, max-age=\(seconds)")]
      }
      answer.headers.append(("vary", "accept-encoding, origin"))
    }
    admit(request, &answer)
    return answer
  }

  /// - Returns: whether the page that asks may read the answer.
  @discardableResult
  private func admit(_ request: ServerRequest, _ answer: inout ServerAnswer) -> Bool {
    guard let origin = request.header("origin"), origins.contains("*") || origins.contains(origin) else { return false }
    answer.headers += [
      ("access-control-allow-origin", origins.contains("*") ? "*" : origin),
      ("access-control-expose-headers", "etag, location, retry-after"),
    ]
    return true
  }

  /// Whether `If-None-Match` (RFC 9110, section 13.1.2) has the tag; it compares weakly.
  static func lists(_ header: String?, _ tag: String) -> Bool {
    guard let header else { return false }
    return header.split(separator: ",").contains { word in
      let word = word.drop { $0 == " " }.trimmingSuffix { $0 == " " }
      return word == "*" || word == tag || word == "W/" + tag
    }
  }

  /// RFC 9110, section 12.5.3: the first that names gzip or `*` decides; a quality of 0 refuses it.
  static func takesGzip(_ header: String?) -> Bool {
    for word in (header ?? "").lowercased().split(separator: ",") {
      let parts = word.split(separator: ";").map { $0.filter { $0 != " " } }
      guard let coding = parts.first, coding == "gzip" || coding == "*" else { continue }
      let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      return quality > 0
    }
    return false
  }
}

extension Substring {
  fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
    var text = self
    while let last = text.last, condition(last) { text.removeLast() }
    return text
  }
}
