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
