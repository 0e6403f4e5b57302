import HTTPTypes

/// Handlers by method and path. Of paths that match alike, the one counts whose first different part is a word and not
/// a parameter.
package struct RouteTable<Handler: Sendable>: Sendable {
  private struct Route {
    let method: HTTPRequest.Method
    let parts: [Substring]
    let handler: Handler

    /// The parameters; nil when the path is another.
    func match(_ path: [Substring]) -> [String: String]? {
      guard path.count == parts.count else { return nil }
      var parameters: [String: String] = [:]
      for (part, given) in zip(parts, path) where part != given {
        guard part.first == "{" else { return nil }
        parameters[String(part.dropFirst().dropLast())] = String(given)
      }
      return parameters
    }

    func isMoreExact(than other: Self) -> Bool {
      for (part, otherPart) in zip(parts, other.parts) where part != otherPart { return part.first != "{" }
      return false
    }
  }
  private var routes: [Route] = []

  package init() {}

  /// - Parameter path: parts in braces are parameters: `/bars/{symbol}`.
  package mutating func add(_ method: HTTPRequest.Method, _ path: String, _ handler: Handler) {
    routes.append(Route(method: method, parts: path.split(separator: "/"), handler: handler))
  }

  /// - Returns: the handler, and the parameters as they stand in the path, with its percent-escapes.
  package func find(_ method: HTTPRequest.Method, _ path: String) -> (handler: Handler, parameters: [String: String])? {
    let path = path.split(separator: "/")
    var found: (route: Route, parameters: [String: String])?
    for route in routes where route.method == method {
      guard let parameters = route.match(path) else { continue }
      if let found, !route.isMoreExact(than: found.route) { continue }
      found = (route, parameters)
    }
    return found.map { ($0.route.handler, $0.parameters) }
  }
}
