import Core
import WebSocket

/// Why a source gave no bars, with the source's own words where it has some. The message holds no tokens or payloads.
package typealias SourceError = CodedError<SourceErrorKind>

package enum SourceErrorKind: String, ErrorKind {
  // data: this symbol fails, others may succeed
  case symbolRefused = "symbol_refused"
  case seriesRefused = "series_refused"
  case unreadable = "source_unreadable"
  case tooLarge = "source_too_large"
  // transient
  case connectFailed = "source_unreachable"
  case connectionLost = "source_connection_lost"
  case handshakeRefused = "source_handshake_refused"
  case timedOut = "source_timed_out"
  case protocolBroken = "source_protocol_broken"
  case sessionFailed = "source_session_failed"
  // configuration
  case tokenRefused = "source_token_refused"
  case misconfigured = "source_misconfigured"

  package var errorClass: ErrorClass {
    switch self {
    case .symbolRefused, .seriesRefused, .unreadable, .tooLarge: .data
    case .connectFailed, .connectionLost, .handshakeRefused, .timedOut, .protocolBroken, .sessionFailed: .transient
    case .tokenRefused, .misconfigured: .configuration
    }
  }
}

extension SourceError {
  /// What a failure of the socket is to its source.
  init(_ error: WebSocketError) {
    let kind: Kind = switch error.kind {
    case .connectFailed: .connectFailed
    case .timedOut: .timedOut
    case .handshakeRefused: .handshakeRefused
    case .closed, .lost: .connectionLost
    case .protocolBroken, .tooLarge: .protocolBroken
    case .misconfigured: .misconfigured
    }
    let isForbidden = error.kind == .handshakeRefused(status: 403)
    let hint = isForbidden ? "; it wants another --source-origin, or another address of ours" : ""
    self.init(kind, error.message + hint, retryAfter: error.retryAfter)
  }
}

/// What others wrote, fit for a log line: printable, and not longer than a person reads.
func quoted(_ text: String, limit: Int = 200) -> String {
  let clean = String(text.unicodeScalars.prefix(limit).map { scalar in
    scalar.value < 0x20 || scalar.value == 0x7f ? " " : Character(scalar)
  })
  return "'\(clean)'"
}
