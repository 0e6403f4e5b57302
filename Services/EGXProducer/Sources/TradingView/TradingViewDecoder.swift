import Core
import WebSocket

/// What comes in on a connection.
enum Incoming: Sendable {
  case message([UInt8])
  /// A frame that could not be read, with the reason; those behind it can.
  case unreadable(String)
}

/// Takes WebSocket messages apart into TradingView's own, and answers heartbeats as they arrive.
struct TradingViewDecoder: WebSocketDecoder {
  private var frames: FrameDecoder

  init(maxMessageBytes: Int) { frames = FrameDecoder(maxPayload: maxMessageBytes) }

  mutating func decode(
    _ message: WebSocketMessage, reply: (WebSocketMessage) -> Void
  ) throws(WebSocketError) -> [Incoming] {
    frames.feed(message.bytes)
    var incoming: [Incoming] = []
    do {
      while let frame = try frames.next() {
        switch frame {
        case .heartbeat(let payload): reply(.text(FrameDecoder.encode(String(decoding: payload, as: UTF8.self))))
        case .message(let payload): incoming.append(.message(payload))
        case .unreadable(let reason): incoming.append(.unreadable(reason))
        }
      }
    } catch {
      throw WebSocketError(.protocolBroken, "\(error)")
    }
    return incoming
  }
}
