import Values

/// The type of a fetched file by its first bytes. Pure.
package struct SniffedContent: Hashable, Sendable {
  package var compression: Compression
  /// An HTML page instead of a file: a login form, an error, a block notice.
  package var isHTML: Bool
  /// An HTML page that asks for a password.
  package var isLogin: Bool

  /// How many of a file's first bytes are examined.
  package static let prefixBytes = 8192

  /// - Parameter prefix: the first `prefixBytes` bytes, or the whole of a shorter file.
  package init(prefix: [UInt8]) {
    if prefix.starts(with: [0x1f, 0x8b]) {
      compression = .gzip
    } else if prefix.starts(with: [0x50, 0x4b, 0x03, 0x04]) || prefix.starts(with: [0x50, 0x4b, 0x05, 0x06])
                || prefix.starts(with: [0x50, 0x4b, 0x07, 0x08]) {
      compression = .zip
    } else {
      compression = .none
    }
    isHTML = compression == .none && Self.beginsAsHTML(prefix)
    isLogin = isHTML && Self.asksForPassword(prefix)
  }

  private static func beginsAsHTML(_ prefix: [UInt8]) -> Bool {
    var rest = prefix[...]
    if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
    rest = skipBlanks(rest)
    // XHTML may begin with an XML declaration, any page with comments.
    while true {
      if rest.starts(with: "<?".utf8), let end = index(after: "?>", in: rest) {
        rest = skipBlanks(rest[end...])
      } else if rest.starts(with: "<!--".utf8), let end = index(after: "-->", in: rest) {
        rest = skipBlanks(rest[end...])
      } else {
        break
      }
    }
    let lower = rest.prefix(16).map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
    return ["<!doctype html", "<html"].contains { text in
      guard lower.starts(with: text.utf8) else { return false }
      // `<htmlfoo>` is another element.
      let next = lower.dropFirst(text.utf8.count).first ?? 0x3e
      return next == 0x3e || isBlank(next)
    }
  }

  /// An input of type password, or the token of Cerberus' login form.
  private static func asksForPassword(_ prefix: [UInt8]) -> Bool {
    let lower = prefix.map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }[...]
    return ["type=\"password\"", "type='password'", "type=password", "name=\"csrftoken\""].contains {
      index(after: $0, in: lower) != nil
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

  private static func skipBlanks(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> { bytes.drop(while: isBlank) }

  private static func index(after text: String, in bytes: ArraySlice<UInt8>) -> Int? {
    let text = Array(text.utf8)
    return bytes.indices.first { bytes[$0...].starts(with: text) }.map { $0 + text.count }
  }
}
