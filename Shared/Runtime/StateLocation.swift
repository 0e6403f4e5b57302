/// Where a service keeps its own state: `redis://...`, `file:///path` or `memory:`.
package enum StateLocation: Hashable, Sendable {
  case memory
  case file(String)
  case redis(String)

  /// For logs: the kind without the address.
  package var kind: String {
    switch self {
    case .memory: "memory"
    case .file: "file"
    case .redis: "redis"
    }
  }

  /// - Throws: a configuration `Failure`; the text is not repeated, as it may hold a password.
  package init(_ text: String) throws(Failure) {
    if text == "memory:" || text == "memory" {
      self = .memory
    } else if text.hasPrefix("redis://") || text.hasPrefix("rediss://") {
      self = .redis(text)
    } else if text.hasPrefix("file:///"), text.utf8.count > 8, !text.hasSuffix("/") {
      self = .file(Self.unescaped(text.dropFirst(7)))
    } else {
      throw Failure(
        .configuration, code: "bad_state_location",
        "--state is none of redis://[:password@]host:port/database, file:///absolute/path, memory:")
    }
  }

  /// Percent-escapes resolved; the text itself when that gives no UTF-8.
  private static func unescaped(_ path: Substring) -> String {
    let bytes = Array(path.utf8)
    var resolved: [UInt8] = []
    var position = 0
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "%"), position + 2 < bytes.count,
        let high = Character(UnicodeScalar(bytes[position + 1])).hexDigitValue,
        let low = Character(UnicodeScalar(bytes[position + 2])).hexDigitValue
      {
        resolved.append(UInt8(high << 4 | low))
        position += 3
      } else {
        resolved.append(bytes[position])
        position += 1
      }
    }
    return String(validating: resolved, as: UTF8.self) ?? String(path)
  }
}
