import Core
import NIOCore
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Why a WebSocket is not there, or ended. The message holds no payload, and of the URL only host and port.
package typealias WebSocketError = CodedError<WebSocketErrorKind>

package enum WebSocketErrorKind: ErrorKind {
  /// No connection, or no TLS with this name and these authorities.
  case connectFailed
  /// No answer within its time: to the handshake, or of a deadline that the reader set.
  case timedOut
  /// The server answered the handshake with this status, or nil: with nothing. `retryAfter` is what it asked for.
  case handshakeRefused(status: Int?)
  /// The server sent a close frame with this code (RFC 6455, section 7.4); nil: without one.
  case closed(code: Int?)
  /// The connection broke off, or the other side neither spoke nor read for too long.
  case lost
  /// The server broke the protocol.
  case protocolBroken
  /// A frame or message is longer than the limit.
  case tooLarge
  /// The authorities cannot be read.
  case misconfigured

  package var code: String {
    switch self {
    case .connectFailed: "websocket_unreachable"
    case .timedOut: "websocket_timed_out"
    case .handshakeRefused: "websocket_handshake_refused"
    case .closed: "websocket_closed"
    case .lost: "websocket_lost"
    case .protocolBroken: "websocket_protocol_broken"
    case .tooLarge: "websocket_message_too_large"
    case .misconfigured: "websocket_misconfigured"
    }
  }

  package var errorClass: ErrorClass { self == .misconfigured ? .configuration : .transient }

  /// The code of the close frame that tells the server.
  var closeCode: WebSocketErrorCode {
    switch self {
    case .protocolBroken: .protocolError
    case .tooLarge: .messageTooLarge
    default: .goingAway
    }
  }
}

extension WebSocketError {
  /// An error of the network: before the handshake has ended, or behind it.
  init(_ error: any Error, isOpen: Bool) {
    switch error {
    case let error as WebSocketError: self = error
    case NIOWebSocketError.invalidFrameLength: self.init(.tooLarge, "a frame is longer than the limit")
    case let error as NIOWebSocketError: self.init(.protocolBroken, "not a WebSocket as it should be: \(error)")
    case _ where isOpen: self.init(.lost, "the connection broke off: \(error)")
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self.init(.connectFailed, "no TLS: \(error)")
    default: self.init(.connectFailed, "no connection: \(error)")
    }
  }
}
