import HTTP

/// What a request for the missing part of a file needs.
struct ResumePoint: Hashable, Sendable {
  /// The value of `If-Range`: a server that has another file by now sends that one from its beginning.
  let validator: String
  /// The length of the whole file, if the server gave it.
  let total: Int?

  /// - Returns: nil when the answer allows no resumption: the server does not support ranges, or the answer has no
  ///   strong validator (RFC 9110, sections 8.8 and 13.1.5).
  init?(_ head: HTTPResponseHead) {
    guard head.status == 200, head.headers["accept-ranges"]?.lowercased() != "none" else { return nil }
    if let tag = head.headers["etag"], tag.hasPrefix("\""), tag.count > 2 {
      validator = tag
    } else if let modified = head.headers["last-modified"], let date = head.headers["date"],
      // A date is a strong validator only when it is at least a minute before the answer.
      let seconds = RetryAfter.delay(date, now: 0), let changed = RetryAfter.delay(modified, now: 0),
      seconds - changed >= .seconds(60) {
      validator = modified
    } else {
      return nil
    }
    total = head.contentLength
  }

  /// The start of the part in a 206 answer, and the length of the whole: `bytes 100-199/200`, `bytes 100-199/*`.
  static func part(_ text: String?) -> (start: Int, total: Int?)? {
    guard let text, text.lowercased().hasPrefix("bytes ") else { return nil }
    let sides = text.dropFirst(6).split(separator: "/")
    guard sides.count == 2, let start = sides[0].split(separator: "-").first.flatMap({ Int($0) }) else { return nil }
    return (start, Int(sides[1]))
  }
}
