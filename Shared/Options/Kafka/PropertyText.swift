import Core

/// Readers for the three ways properties are written. Errors name the place, never the value.
package enum PropertyText {
  /// One `name=value`.
  package static func pair(_ text: some StringProtocol, source: String) throws(Failure) -> (String, String) {
    guard let equals = text.firstIndex(of: "=") else {
      throw Failure(.configuration, code: "kafka_property", "\(source): expected name=value, found text without '='")
    }
    let name = trimmed(text[..<equals])
    guard !name.isEmpty else {
      throw Failure(.configuration, code: "kafka_property", "\(source): expected name=value, the name is missing")
    }
    return (name, trimmed(text[text.index(after: equals)...]))
  }

  /// `name=value,name=value`; a comma or backslash inside a value is written `\,` and `\\`. Line ends separate too.
  package static func list(_ text: String, source: String) throws(Failure) -> [(String, String)] {
    var parts: [String] = [""]
    var escaped = false
    for character in text {
      if escaped {
        // Any other escape is kept as it is written: Windows paths and regular expressions hold backslashes.
        if character != "," && character != "\\" { parts[parts.count - 1].append("\\") }
        parts[parts.count - 1].append(character)
        escaped = false
      } else if character == "\\" {
        escaped = true
      } else if character == "," || character.isNewline {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    if escaped { parts[parts.count - 1].append("\\") }
    var pairs: [(String, String)] = []
    for (index, part) in parts.enumerated() where !trimmed(part).isEmpty {
      pairs.append(try pair(part, source: "\(source), entry \(index + 1)"))
    }
    return pairs
  }

  /// Lines of `name=value`; empty lines and those that begin with `#` or `!` are skipped, and a line that ends in
  /// a backslash goes on in the next one.
  package static func file(_ text: String, source: String) throws(Failure) -> [(String, String)] {
    var pairs: [(String, String)] = []
    var held = ""
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let content = trimmed(line)
      if held.isEmpty && (content.isEmpty || content.hasPrefix("#") || content.hasPrefix("!")) { continue }
      if content.hasSuffix("\\") {
        held += content.dropLast()
        continue
      }
      pairs.append(try pair(held + content, source: "\(source), line \(index + 1)"))
      held = ""
    }
    if !held.isEmpty { pairs.append(try pair(held, source: "\(source), last line")) }
    return pairs
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let body = text.drop { $0.isWhitespace }
    guard let last = body.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(body[...last])
  }
}
