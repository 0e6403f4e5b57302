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
    } else if prefix.starts(with: "PK".utf8), [[3, 4], [5, 6], [7, 8]].contains(Array(prefix.dropFirst(2).prefix(2))) {
      compression = .zip
    } else {
      compression = .none
    }
    let text = compression == .none ? String(decoding: prefix, as: UTF8.self).lowercased() : ""
    // XHTML may begin with an XML declaration, any page with comments; `<htmlfoo>` is another element.
    isHTML = text.prefixMatch(
      of: /\u{feff}?(?>(?:\s|<\?.*?\?>|<!--.*?-->)*)<(?:!doctype html|html)(?:[\s>]|$)/.dotMatchesNewlines()) != nil
    // An input of type password, or the token of Cerberus' login form.
    isLogin = isHTML && ["type=\"password\"", "type='password'", "type=password", "name=\"csrftoken\""].contains {
      text.contains($0)
    }
  }
}
