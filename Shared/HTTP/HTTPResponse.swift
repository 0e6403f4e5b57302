import CCurl
import Core
import Glibc

/// The status and headers of an answer, before its body.
package struct HTTPResponseHead: Sendable, Hashable {
  package var status: Int
  package var headers: HTTPHeaders
  /// Where the answer came from: the last hop.
  package var url: HTTPURL

  package var isSuccess: Bool { (200...299).contains(status) }

  /// When the server answered, by its own clock, in seconds since 1970; nil where it does not say.
  package var sentAt: Int? {
    headers["date"].flatMap { text in
      let date = curl_getdate(text, nil)
      return date == -1 ? nil : date
    }
  }

  /// The declared length of the body, if there is one and it is a number.
  package var contentLength: Int? { headers["content-length"].flatMap { Int($0) } }

  /// The error that a status outside 200...299 is, `Retry-After` included.
  package func requireSuccess() throws(HTTPError) {
    guard !isSuccess else { return }
    throw HTTPError(
      .status(status), "the server answered \(status)", url: url,
      retryAfter: headers["retry-after"].flatMap { RetryAfter.delay($0) })
  }
}

/// An answer whose body was collected in memory.
package struct HTTPResponse: Sendable {
  package var head: HTTPResponseHead
  package var body: [UInt8]

  package var status: Int { head.status }
  package var headers: HTTPHeaders { head.headers }
  package var text: String { String(decoding: body, as: UTF8.self) }
}

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
