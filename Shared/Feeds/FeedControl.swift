import Core
import Messages

/// What a feed says beside its data.
package enum FeedControl: Hashable, Sendable {
  case connected, authenticated
  /// Polygon: one of what was asked for, `T.AAPL`.
  case subscribed(String)
  /// Alpaca: all that is subscribed to, by the feed's own names of channels.
  case subscriptions([String: [String]])
  case failed(FeedFailure)
  /// Said and of no consequence.
  case remark(String)
}

/// Why a feed does not give what it was asked for, sorted by what can be done about it.
package typealias FeedFailure = CodedError<FeedFailureKind>

package enum FeedFailureKind: String, ErrorKind, CaseIterable {
  /// The key is wrong.
  case loginRefused = "feed_login_refused"
  /// The plan has no such feed, channel, or `*`.
  case planRefused = "feed_plan_refused"
  /// The plan allows fewer symbols; the subscriptions are as they were.
  case symbolLimit = "feed_symbol_limit"
  /// Another connection of the same key: Polygon closes the oldest, Alpaca refuses the newest.
  case connectionLimit = "feed_connection_limit"
  /// The feed was not read as fast as it is sent.
  case slowReader = "feed_slow_reader"
  /// The login took too long.
  case loginTimedOut = "feed_login_timed_out"
  /// The feed does not understand what it is asked for.
  case notUnderstood = "feed_not_understood"
  /// The feed's own fault.
  case serverFailed = "feed_server_failed"
  /// Frames did not come, or were none of this protocol.
  case silent = "feed_silent"
  /// All events are later than the machine's clock.
  case clockBehind = "feed_clock_behind"

  package var errorClass: ErrorClass {
    switch self {
    case .loginRefused, .planRefused, .notUnderstood: .configuration
    case .symbolLimit: .data
    case .connectionLimit, .slowReader, .loginTimedOut, .serverFailed, .silent, .clockBehind: .transient
    }
  }

  /// How long to stay away at least: two streamers of one key that come back at once throw each other out for ever.
  package var coolDown: Duration? { self == .connectionLimit ? .seconds(90) : nil }
}

extension FeedControl {
  /// A `status` of Polygon.
  static func polygon(status: String, message: String) -> FeedControl {
    let says = message.lowercased()
    let isPlan = ["plan", "not authorized", "subscription", "don't have access"].contains { says.contains($0) }
    func failed(_ kind: FeedFailureKind) -> FeedControl { .failed(FeedFailure(kind, "\(status): \(clean(message))")) }
    switch status {
    case "connected": return .connected
    case "auth_success": return .authenticated
    case "success":
      let prefix = "subscribed to: "
      return message.hasPrefix(prefix) ? .subscribed(String(message.dropFirst(prefix.count))) : .remark(clean(message))
    case "auth_failed": return failed(isPlan ? .planRefused : .loginRefused)
    case "auth_timeout": return failed(.loginTimedOut)
    case "max_connections": return failed(.connectionLimit)
    case "not_authorized", "not authorized": return failed(.planRefused)
    case "force_disconnect", "slow_consumer": return failed(.slowReader)
    case "error": return failed(isPlan ? .planRefused : .notUnderstood)
    default: return .remark("\(clean(status)): \(clean(message))")
    }
  }

  /// An `error` of Alpaca.
  static func alpaca(code: Int64, message: String) -> FeedControl {
    let kind: FeedFailureKind = switch code {
    case 401, 402, 403: .loginRefused
    case 404: .loginTimedOut
    case 405: .symbolLimit
    case 406: .connectionLimit
    case 407: .slowReader
    case 408, 409, 411, 413: .planRefused
    case 400, 410, 412: .notUnderstood
    default: .serverFailed
    }
    return .failed(FeedFailure(kind, "\(code) \(clean(message))"))
  }

  /// What others wrote, fit for a log line.
  private static func clean(_ text: String) -> String {
    String(text.unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) })
  }
}

/// Takes what a decoder finds, in the order of the frame.
package protocol FeedVisitor {
  mutating func take(_ tick: FeedTickView)
  mutating func take(_ bar: FeedBarView)
  mutating func take(_ control: FeedControl)
  /// An element that cannot be read, or the rest of a frame; nothing else of the frame is lost.
  mutating func refuse(_ failure: DecodingFailure)
  /// An element of a kind that is not listened to.
  mutating func ignore()
}
