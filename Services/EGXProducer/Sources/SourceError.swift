import Runtime

/// Why a source gave no bars, with the source's own message if there is one.
package struct SourceError: ClassifiedError, Hashable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    // data: concerns this symbol only
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
  }

  package var kind: Kind
  /// Without tokens and payloads.
  package var message: String
  package var retryAfter: Duration?

  package init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
    self.kind = kind
    self.message = message
    self.retryAfter = retryAfter
  }

  package var code: String { kind.rawValue }
  package var errorClass: ErrorClass {
    switch kind {
    case .symbolRefused, .seriesRefused, .unreadable, .tooLarge: .data
    case .connectFailed, .connectionLost, .handshakeRefused, .timedOut, .protocolBroken, .sessionFailed: .transient
    case .tokenRefused, .misconfigured: .configuration
    }
  }
  package var description: String { "\(message) [\(code)]" }

  /// Foreign text for a log line: printable characters only, cut to `limit`.
  package static func quoted(_ text: String, limit: Int = 200) -> String {
    let clean = String(text.unicodeScalars.prefix(limit).map { scalar in
      scalar.value < 0x20 || scalar.value == 0x7f ? " " : Character(scalar)
    })
    return "'\(clean)'"
  }
}
