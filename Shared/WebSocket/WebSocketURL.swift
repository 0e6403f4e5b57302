import struct HTTP.HTTPURL

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
    guard text.hasPrefix("ws://") || text.hasPrefix("wss://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
      // The same with the scheme of the handshake.
      let url = try? HTTPURL("http" + text.dropFirst(2))
    else { return nil }
    let isBare = url.query == nil && text.split(separator: "/", omittingEmptySubsequences: false).count == 3
    self.init(
      isSecure: url.scheme == "https", host: url.host, port: url.port,
      path: isBare ? defaultPath : url.path + (url.query.map { "?\($0)" } ?? ""))
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
