import CCurl
import Core
import Glibc

/// `Retry-After` in both forms of RFC 9110 section 10.2.3: seconds, or a date.
package enum RetryAfter {
  /// - Parameter now: seconds since 1970.
  /// - Returns: the delay asked for, not below zero; nil when the text is neither form. The caller caps it.
  package static func delay(_ text: String, now: Int = Int(WallClock.seconds())) -> Duration? {
    let text = text.drop { $0 == " " }
    if !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
      return .seconds(min(Int64(text) ?? .max / 4, 1 << 40))
    }
    // A date without a weekday or month name is something else (`-5`, `1.5`), whatever the parser makes of it.
    guard text.utf8.contains(where: { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a }) else { return nil }
    let date = curl_getdate(String(text), nil)
    return date == -1 ? nil : .seconds(max(0, date - now))
  }
}
