import HTTP

/// By what the rest of a broken-off file can be asked for.
struct ResumePoint: Hashable, Sendable {
  /// The value of `If-Range`: with it, a server that has another file by now sends that one from its beginning.
  let validator: String
  /// The length of the whole file, if the server said so.
  let total: Int?

  /// - Returns: nil when the answer allows no resumption: the server does not do ranges, or nothing in its answer
  ///   tells this file from the next under the same name (RFC 9110, sections 8.8 and 13.1.5).
  init?(_ head: HTTPResponseHead) {
    guard head.status == 200, head.headers["accept-ranges"]?.lowercased() != "none" else { return nil }
    if let tag = head.headers["etag"], tag.hasPrefix("\""), tag.count > 2 {
      validator = tag
    } else if let modified = head.headers["last-modified"], let date = head.headers["date"],
      // A date is only a strong validator when the file had time to change visibly before it was sent.
      let seconds = RetryAfter.delay(date, now: 0), let changed = RetryAfter.delay(modified, now: 0),
      seconds - changed >= .seconds(60) {
      validator = modified
    } else {
      return nil
    }
    total = head.contentLength
  }

  /// Where the part of a 206 answer begins, and how long the whole is: `bytes 100-199/200`, `bytes 100-199/*`.
  static func part(_ text: String?) -> (start: Int, total: Int?)? {
    guard let text, text.lowercased().hasPrefix("bytes ") else { return nil }
    let sides = text.dropFirst(6).split(separator: "/")
    guard sides.count == 2, let start = sides[0].split(separator: "-").first.flatMap({ Int($0) }) else { return nil }
    return (start, Int(sides[1]))
  }
}
