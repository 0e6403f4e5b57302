import Runtime

/// A `--source` as read from its URL.
package enum SourceLocation: Hashable, Sendable {
  /// A folder of `<SYMBOL>.csv`, or one such file, read at every poll.
  case csv(path: String)
  /// The same, played once from the first bar to the last.
  case replay(path: String)
  /// A URL with `{symbol}`, answered with JSON.
  case json(template: String)
  case tradingView(WebSocketAddress)

  /// - Throws: `Failure(.configuration)`.
  package init(_ text: String) throws(Failure) {
    guard let colon = text.firstIndex(of: ":") else { throw Self.unknown }
    let scheme = text[..<colon].lowercased()
    let rest = String(text[text.index(after: colon)...])
    switch scheme {
    case "csv", "replay":
      let path = rest.hasPrefix("///") ? String(rest.dropFirst(2)) : rest
      guard !path.isEmpty, !path.hasPrefix("//") else {
        throw Failure(
          .configuration, code: "bad_source", "--source \(scheme): needs a path, such as \(scheme):/data/bars")
      }
      self = scheme == "csv" ? .csv(path: path) : .replay(path: path)
    case "http", "https":
      guard text.contains("{symbol}") else {
        throw Failure(
          .configuration, code: "bad_source", "--source \(scheme): the URL has to say where the symbol goes: {symbol}")
      }
      self = .json(template: text)
    case "tradingview":
      self = .tradingView(rest == "//" || rest.isEmpty ? .tradingView : try WebSocketAddress("wss:" + rest))
    case "tradingview+ws", "tradingview+wss":
      self = .tradingView(try WebSocketAddress(scheme.dropFirst("tradingview+".count) + ":" + rest))
    default: throw Self.unknown
    }
  }

  private static let unknown = Failure(
    .configuration, code: "bad_source",
    "--source has to be tradingview://, https://host/path?symbol={symbol}, csv:<folder> or replay:<folder>")
}

/// Where a WebSocket is.
package struct WebSocketAddress: Hashable, Sendable, CustomStringConvertible {
  package var isSecure: Bool
  package var host: String
  package var port: Int
  /// With its query.
  package var path: String

  package static let tradingView = WebSocketAddress(
    isSecure: true, host: "data.tradingview.com", port: 443, path: "/socket.io/websocket")

  package init(isSecure: Bool, host: String, port: Int, path: String) {
    self.isSecure = isSecure
    self.host = host
    self.port = port
    self.path = path
  }

  /// - Throws: `Failure(.configuration)`.
  package init(_ text: String) throws(Failure) {
    let refused = Failure(.configuration, code: "bad_source", "not a WebSocket URL such as wss://host:443/path")
    let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, ["ws", "wss"].contains(parts[0]),
      parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !parts[1].contains("@")
    else { throw refused }
    let isSecure = parts[0] == "wss"
    let authority = parts[1].prefix { $0 != "/" && $0 != "?" }
    let path = parts[1].dropFirst(authority.count)
    var host = authority
    var port = isSecure ? 443 : 80
    if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
        throw refused
      }
      (host, port) = (authority[..<colon], number)
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else { throw refused }
    self.init(
      isSecure: isSecure, host: String(host), port: port,
      path: path.isEmpty ? Self.tradingView.path : path.hasPrefix("/") ? String(path) : "/\(path)")
  }

  /// The value of the `Host` header.
  package var authority: String {
    let shown = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? shown : "\(shown):\(port)"
  }

  package var description: String { "\(isSecure ? "wss" : "ws")://\(authority)" }
}
