/// The URL of a WebSocket: `ws://` or `wss://`, host, port, path and query.
package struct WebSocketURL: Hashable, Sendable, CustomStringConvertible {
  package var isSecure: Bool
  package var host: String
  package var port: Int
  /// With its query.
  package var path: String

  package init(isSecure: Bool, host: String, port: Int, path: String) {
    self.isSecure = isSecure
    self.host = host
    self.port = port
    self.path = path
  }

  /// - Parameter defaultPath: of a URL that ends with its host or port.
  /// - Returns: nil for what is no such URL, and for one with credentials.
  package init?(_ text: some StringProtocol, defaultPath: String = "/") {
    let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, ["ws", "wss"].contains(parts[0]),
      parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !parts[1].contains("@")
    else { return nil }
    let isSecure = parts[0] == "wss"
    let authority = parts[1].prefix { $0 != "/" && $0 != "?" }
    let path = parts[1].dropFirst(authority.count)
    var host = authority
    var port = isSecure ? 443 : 80
    if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
        return nil
      }
      (host, port) = (authority[..<colon], number)
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else { return nil }
    self.init(
      isSecure: isSecure, host: String(host), port: port,
      path: path.isEmpty ? defaultPath : path.hasPrefix("/") ? String(path) : "/\(path)")
  }

  /// The value of the `Host` header.
  package var authority: String {
    let shown = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? shown : "\(shown):\(port)"
  }

  /// Without path and query, which may hold a key.
  package var description: String { "\(isSecure ? "wss" : "ws")://\(authority)" }
}

/// How a connection is made and kept alive, and how far the server may go.
package struct WebSocketConfiguration: Sendable {
  package var url: WebSocketURL
  /// Further headers of the handshake, such as `Origin`, `User-Agent` or `Authorization`.
  package var headers: [(name: String, value: String)] = []
  /// PEM file of the authorities to trust instead of the system's.
  package var caFile: String?
  /// For the connection, and once more for TLS and the handshake.
  package var connectTime: Duration = .seconds(10)
  package var pingInterval: Duration = .seconds(20)
  /// How long the server may send nothing (pongs included) while it is listened to, or read nothing of what waits to
  /// be sent. Noticed at the next ping.
  package var idleLimit: Duration = .seconds(60)
  /// How long the server may take to answer a close frame.
  package var closeTime: Duration = .seconds(1)
  /// Of a frame, and of a message that comes in several.
  package var maxMessageBytes = 16 << 20

  package init(url: WebSocketURL) { self.url = url }
}
