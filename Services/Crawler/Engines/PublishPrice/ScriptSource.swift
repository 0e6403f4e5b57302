/// Finds the value that a script assigns to a name: `const files = [...]`. It understands comments, strings and
/// brackets, and no more of the language.
struct ScriptSource {
  private enum Token: Hashable {
    case name(String)
    case string, open, close, equals, other
  }

  private let text: [Unicode.Scalar]
  /// In order, without blanks and comments.
  private var tokens: [(token: Token, range: Range<Int>)] = []

  init(_ source: String) {
    text = Array(source.unicodeScalars)
    var index = 0
    while index < text.count {
      let start = index
      let token = readToken(&index)
      if let token { tokens.append((token, start..<min(index, text.count))) }
    }
  }

  /// The array, object or string assigned to `name` outside all brackets, as written; nil when there is none or it
  /// does not end.
  func value(of name: String) -> String? {
    var depth = 0
    for (index, (token, _)) in tokens.enumerated() {
      if token == .open { depth += 1 }
      if token == .close { depth -= 1 }
      guard depth == 0, token == .name(name), index + 2 < tokens.count, tokens[index + 1].token == .equals,
        let range = value(at: index + 2)
      else { continue }
      var value = String.UnicodeScalarView()
      value.append(contentsOf: text[range])
      return String(value)
    }
    return nil
  }

  /// The text of a string literal, its quotes and escapes removed; nil for anything else.
  static func string(_ literal: String) -> String? {
    guard literal.count >= 2, let quote = literal.first, quote == literal.last, quote == "'" || quote == "\"" else {
      return nil
    }
    var out = ""
    var isEscaped = false
    for character in literal.dropFirst().dropLast() {
      isEscaped = character == "\\" && !isEscaped
      if !isEscaped { out.append(character) }
    }
    return out
  }

  /// The place of the array, object or string that begins with a token; nil when it is another value or does not end.
  private func value(at first: Int) -> Range<Int>? {
    let (token, range) = tokens[first]
    if token == .string { return text[range.lowerBound] == "`" ? nil : range }
    guard token == .open, text[range.lowerBound] != "(" else { return nil }
    var depth = 0
    for (token, end) in tokens[first...] {
      if token == .open { depth += 1 }
      if token == .close { depth -= 1 }
      if depth == 0 { return range.lowerBound..<end.upperBound }
    }
    return nil
  }

  /// Moves `index` behind the token or comment that begins there.
  /// - Returns: nil for a blank or a comment.
  private func readToken(_ index: inout Int) -> Token? {
    let first = text[index]
    let next = index + 1 < text.count ? text[index + 1] : " "
    index += 1
    switch first {
    case " ", "\t", "\n", "\r", "\u{0b}", "\u{0c}": return nil
    case "{", "[", "(": return .open
    case "}", "]", ")": return .close
    case "=": return .equals
    case "'", "\"", "`":
      while index < text.count, text[index] != first { index += text[index] == "\\" ? 2 : 1 }
      index += 1
      return index <= text.count ? .string : .other
    case "/" where next == "/":
      index = text[index...].firstIndex { $0 == "\n" || $0 == "\r" } ?? text.count
      return nil
    case "/" where next == "*":
      index += 1
      while index + 1 < text.count, (text[index], text[index + 1]) != ("*", "/") { index += 1 }
      index += 2
      return nil
    case let first where Self.isName(first):
      let start = index - 1
      while index < text.count, Self.isName(text[index]) { index += 1 }
      var name = String.UnicodeScalarView()
      name.append(contentsOf: text[start..<index])
      return .name(String(name))
    default: return .other
    }
  }

  private static func isName(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "0"..."9", "A"..."Z", "a"..."z", "_", "$": true
    default: scalar.value >= 0x80
    }
  }
}
