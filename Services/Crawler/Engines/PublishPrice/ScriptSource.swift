import Foundation

/// Finds the value that a script assigns to a name: `const files = [...]`. It understands comments, strings and
/// brackets, and no more of the language.
struct ScriptSource {
  private let text: NSString
  /// The places of names, strings and single characters, in order, without blanks and comments.
  private var tokens: [NSRange] = []

  /// A comment or a string that does not end reaches to the end of the text.
  private static let token = try! NSRegularExpression(
    pattern: #"(//[^\n\r]*+|/\*.*?(?:\*/|\z))|(['"`])(?:\\.|(?!\2)[^\\])*+(?:\2|\z)|[\w$]++|\S"#,
    options: .dotMatchesLineSeparators)

  init(_ source: String) {
    text = source as NSString
    let matches = Self.token.matches(in: source, range: NSRange(location: 0, length: text.length))
    tokens = matches.filter { $0.range(at: 1).location == NSNotFound }.map(\.range)
  }

  /// The array, object or string assigned to `name` outside all brackets, as written; nil when there is none or it
  /// does not end.
  func value(of name: String) -> String? {
    var depth = 0
    for index in tokens.indices {
      depth += nesting(index)
      guard depth == 0, index + 2 < tokens.count, word(index) == name, word(index + 1) == "=",
        let value = value(at: index + 2)
      else { continue }
      return value
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

  /// The array, object or string that begins with a token; nil when it is another value or does not end.
  private func value(at first: Int) -> String? {
    let word = word(first)
    if Self.string(word) != nil { return word }
    guard word == "[" || word == "{" else { return nil }
    var depth = 0
    for index in first..<tokens.count {
      depth += nesting(index)
      guard depth == 0 else { continue }
      let start = tokens[first].location
      return text.substring(with: NSRange(location: start, length: NSMaxRange(tokens[index]) - start))
    }
    return nil
  }

  /// 1 for an opening bracket, -1 for a closing one, else 0.
  private func nesting(_ index: Int) -> Int {
    switch word(index) {
    case "{", "[", "(": 1
    case "}", "]", ")": -1
    default: 0
    }
  }

  private func word(_ index: Int) -> String { text.substring(with: tokens[index]) }
}
