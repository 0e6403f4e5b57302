/// Texts as parts of Redis Search's query language.
enum SearchWords {
  /// More words of a question find little more.
  private static let most = 32

  /// The words of a text: runs of letters and digits, none twice. What separates words in the index does so here, so
  /// that nothing of a text is an operator.
  static func words(of text: String) -> [String] {
    var words: [String] = []
    for part in text.unicodeScalars.split(whereSeparator: { !isWordPart($0) }) {
      let word = String(String.UnicodeScalarView(part)).lowercased()
      guard !stopWords.contains(word), !words.contains(word) else { continue }
      words.append(word)
      if words.count == most { break }
    }
    return words
  }

  private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }

  /// What the index leaves out (redis.io, "Stop words").
  private static let stopWords: Set<String> = [
    "a", "is", "the", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "it", "no", "not",
    "of", "on", "or", "such", "that", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
  ]

  /// A value of a TAG field with everything escaped that could be an operator.
  static func tag(_ value: String) -> String {
    var text = ""
    for scalar in value.unicodeScalars {
      if scalar.isASCII, !scalar.properties.isAlphabetic, scalar.properties.numericType == nil { text += "\\" }
      text.unicodeScalars.append(scalar)
    }
    return text
  }
}
