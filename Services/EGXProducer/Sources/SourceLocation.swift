import Core
import WebSocket

/// A `--source` as read from its URL.
package enum SourceLocation: Hashable, Sendable {
  /// A folder of `<SYMBOL>.csv`, or one such file, read at every poll.
  case csv(path: String)
  /// The same, played once from the first bar to the last.
  case replay(path: String)
  /// A URL with `{symbol}`, answered with JSON.
  case json(template: String)
  case tradingView(WebSocketURL)

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
      self = .tradingView(rest == "//" || rest.isEmpty ? Self.tradingView : try Self.socket("wss:" + rest))
    case "tradingview+ws", "tradingview+wss":
      self = .tradingView(try Self.socket(scheme.dropFirst("tradingview+".count) + ":" + rest))
    default: throw Self.unknown
    }
  }

  private static let unknown = Failure(
    .configuration, code: "bad_source",
    "--source has to be tradingview://, https://host/path?symbol={symbol}, csv:<folder> or replay:<folder>")

  package static let tradingView = WebSocketURL(
    isSecure: true, host: "data.tradingview.com", port: 443, path: "/socket.io/websocket")

  private static func socket(_ text: String) throws(Failure) -> WebSocketURL {
    guard let url = WebSocketURL(text, defaultPath: tradingView.path) else {
      throw Failure(.configuration, code: "bad_source", "not a WebSocket URL such as wss://host:443/path")
    }
    return url
  }
}
