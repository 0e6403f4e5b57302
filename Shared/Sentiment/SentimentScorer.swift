import Glibc

/// What a text says, by the rules of VADER.
package struct Polarity: Hashable, Sendable {
  /// From -10,000 to 10,000: ten-thousandths, rounded as the reference package does.
  package var compound = 0
  /// The parts of the text that are negative, neutral and positive, in thousandths.
  package var negative = 0
  package var neutral = 0
  package var positive = 0

  package init(compound: Int = 0, negative: Int = 0, neutral: Int = 0, positive: Int = 0) {
    (self.compound, self.negative, self.neutral, self.positive) = (compound, negative, neutral, positive)
  }
}

/// Scores texts by a lexicon and the rules of VADER; see ``RuleWords`` for their source.
///
/// With the lexicon of vaderSentiment 3.3.2 the scores are those of that package, to the last digit: the order of the
/// additions is the same, and so is what it does where words repeat.
package struct SentimentScorer: Sendable {
  package let lexicon: Lexicon
  private var table = WordTable()
  private var entries: [Entry] = []
  private let known: KnownWords

  /// What is known of a word.
  private struct Entry: Sendable {
    var valence = 0.0
    var isInLexicon = false
    /// What it adds as an intensifier; 0 for none.
    var increment = 0.0
    var isNegation = false
  }

  /// Numbers of the words that a rule names.
  private struct KnownWords: Sendable {
    var kind = -1, of = -1, no = -1, or = -1, nor = -1, never = -1, so = -1, this = -1, without = -1, doubt = -1
    var least = -1, at = -1, very = -1, but = -1
    var phrases: [(words: [Int], valence: Double)] = []
    var pairs: [[Int]] = []
  }

  /// One word of a text.
  private struct Token {
    /// -1: the table does not have it.
    var word: Int
    var isUpper: Bool
    var isNegation: Bool
  }

  package init(_ lexicon: Lexicon) {
    self.lexicon = lexicon
    var table = WordTable()
    var entries: [Entry] = []
    func number(_ word: String) -> Int {
      let number = table.add(Array(word.utf8))
      if number == entries.count { entries.append(Entry()) }
      return number
    }
    for (word, valence) in lexicon.valences {
      let index = number(word)
      (entries[index].valence, entries[index].isInLexicon) = (valence, true)
    }
    for word in RuleWords.intensifiers { entries[number(word)].increment = RuleWords.increment }
    for word in RuleWords.dampeners { entries[number(word)].increment = -RuleWords.increment }
    for word in RuleWords.negations { entries[number(word)].isNegation = true }
    var known = KnownWords(
      kind: number("kind"), of: number("of"), no: number("no"), or: number("or"), nor: number("nor"),
      never: number("never"), so: number("so"), this: number("this"), without: number("without"),
      doubt: number("doubt"), least: number("least"), at: number("at"), very: number("very"), but: number("but"))
    known.phrases = RuleWords.phrases.map { ($0.words.map(number), $0.valence) }
    known.pairs = RuleWords.dampeningPairs.map { $0.map(number) }
    (self.table, self.entries, self.known) = (table, entries, known)
  }

  package func score(_ text: String) -> Polarity { score(Array(text.utf8)) }

  /// - Parameter text: UTF-8.
  package func score(_ text: [UInt8]) -> Polarity {
    let text = replacingEmoji(text)
    let tokens = tokens(of: text)
    guard !tokens.isEmpty else { return Polarity() }
    let capitals = tokens.count { $0.isUpper }
    let isCapitalsDiffer = capitals > 0 && capitals < tokens.count
    var valences = [Double](repeating: 0, count: tokens.count)
    for index in tokens.indices {
      let word = tokens[index].word
      guard word >= 0, entries[word].isInLexicon, entries[word].increment == 0 else { continue }
      if word == known.kind, index + 1 < tokens.count, tokens[index + 1].word == known.of { continue }
      valences[index] = valence(at: index, of: tokens, isCapitalsDiffer)
    }
    weighBut(tokens, &valences)
    return polarity(valences, text)
  }

  // MARK: Words

  /// Emoji become the words of their description, set off by a blank before them.
  private func replacingEmoji(_ text: [UInt8]) -> [UInt8] {
    guard !lexicon.emoji.isEmpty, text.contains(where: { $0 >= 0x80 }) else { return text }
    var replaced: [UInt8] = []
    replaced.reserveCapacity(text.count * 2)
    var isBehindBlank = true
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      if let words = lexicon.emoji[scalar.value] {
        if !isBehindBlank { replaced.append(0x20) }
        replaced += words
        isBehindBlank = false
      } else {
        replaced.append(contentsOf: UTF8.encode(scalar)!)
        isBehindBlank = scalar == " "
      }
    }
    return replaced
  }

  private func tokens(of text: [UInt8]) -> [Token] {
    var tokens: [Token] = []
    tokens.reserveCapacity(text.count / 5 + 1)
    var lower: [UInt8] = []
    TextWords.forEachWord(of: text) { range in
      let word = Self.stripped(text, range)
      lower.removeAll(keepingCapacity: true)
      let isUpper = TextWords.lowercase(text, word, into: &lower)
      let number = table.find(lower[...]) ?? -1
      let isNegation = number >= 0 && entries[number].isNegation || Self.hasContractedNot(lower)
      tokens.append(Token(word: number, isUpper: isUpper, isNegation: isNegation))
    }
    return tokens
  }

  /// A word without the punctuation around it; as it is when two characters or fewer would be left, since it is
  /// probably an emoticon.
  private static func stripped(_ text: [UInt8], _ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, TextWords.isPunctuation(text[start]) { start += 1 }
    while end > start, TextWords.isPunctuation(text[end - 1]) { end -= 1 }
    var characters = 0
    for index in start..<end where text[index] & 0xc0 != 0x80 {
      characters += 1
      if characters > 2 { return start..<end }
    }
    return range
  }

  private static func hasContractedNot(_ word: [UInt8]) -> Bool {
    var index = 0
    while index + 2 < word.count {
      if word[index] == 0x6e, word[index + 1] == 0x27, word[index + 2] == 0x74 { return true }
      index += 1
    }
    return false
  }

  // MARK: Rules

  private func valence(at index: Int, of tokens: [Token], _ isCapitalsDiffer: Bool) -> Double {
    func word(_ back: Int) -> Int { tokens[index - back].word }
    func isInLexicon(_ number: Int) -> Bool { number >= 0 && entries[number].isInLexicon }
    let token = tokens[index]
    var valence = entries[token.word].valence
    // `no` before a word of the lexicon only negates it.
    if token.word == known.no, index + 1 < tokens.count, isInLexicon(tokens[index + 1].word) { valence = 0 }
    if index > 0, word(1) == known.no || index > 1 && word(2) == known.no
      || index > 2 && word(3) == known.no && (word(1) == known.or || word(1) == known.nor) {
      valence = entries[token.word].valence * RuleWords.negationFactor
    }
    if token.isUpper, isCapitalsDiffer { valence += valence > 0 ? RuleWords.capitals : -RuleWords.capitals }
    for distance in 1...3 where index >= distance && !isInLexicon(word(distance)) {
      var added = increment(tokens[index - distance], valence, isCapitalsDiffer)
      if added != 0 {
        if distance == 2 { added *= 0.95 }
        if distance == 3 { added *= 0.9 }
      }
      valence += added
      valence = negated(valence, at: index, of: tokens, distance)
      if distance == 3 { valence = phrased(valence, at: index, of: tokens) }
    }
    if index > 0, word(1) == known.least, !isInLexicon(known.least) {
      let isComparison = index > 1 && (word(2) == known.at || word(2) == known.very)
      if !isComparison { valence *= RuleWords.negationFactor }
    }
    return valence
  }

  private func increment(_ token: Token, _ valence: Double, _ isCapitalsDiffer: Bool) -> Double {
    guard token.word >= 0, entries[token.word].increment != 0 else { return 0 }
    var increment = entries[token.word].increment
    if valence < 0 { increment *= -1 }
    if token.isUpper, isCapitalsDiffer { increment += valence > 0 ? RuleWords.capitals : -RuleWords.capitals }
    return increment
  }

  private func negated(_ valence: Double, at index: Int, of tokens: [Token], _ distance: Int) -> Double {
    func word(_ back: Int) -> Int { tokens[index - back].word }
    func isEmphasis(_ back: Int) -> Bool { word(back) == known.so || word(back) == known.this }
    switch distance {
    case 2:
      if word(2) == known.never, isEmphasis(1) { return valence * 1.25 }
      if word(2) == known.without, word(1) == known.doubt { return valence }
    case 3:
      if word(3) == known.never && isEmphasis(2) || isEmphasis(1) { return valence * 1.25 }
      if word(3) == known.without, word(2) == known.doubt || word(1) == known.doubt { return valence }
    default: break
    }
    return tokens[index - distance].isNegation ? valence * RuleWords.negationFactor : valence
  }

  /// Phrases that end at the word, lie before it, or begin with it. Precondition: three words lie before it.
  private func phrased(_ valence: Double, at index: Int, of tokens: [Token]) -> Double {
    func phrase(_ range: ClosedRange<Int>) -> Double? {
      known.phrases.first { phrase in
        phrase.words.count == range.count && zip(range, phrase.words).allSatisfy { tokens[$0].word == $1 }
      }?.valence
    }
    var valence = valence
    let before = [index - 1...index, index - 2...index, index - 2...index - 1, index - 3...index - 1,
                  index - 3...index - 2]
    for range in before {
      if let whole = phrase(range) {
        valence = whole
        break
      }
    }
    if index + 1 < tokens.count, let whole = phrase(index...index + 1) { valence = whole }
    if index + 2 < tokens.count, let whole = phrase(index...index + 2) { valence = whole }
    for start in [index - 3, index - 2]
    where known.pairs.contains(where: { $0[0] == tokens[start].word && $0[1] == tokens[start + 1].word }) {
      valence -= RuleWords.increment
    }
    return valence
  }

  /// What comes before the first `but` counts half, what comes after it one and a half times. The package looks each
  /// value up by its first occurrence, which a change before it may have moved: so does this.
  private func weighBut(_ tokens: [Token], _ valences: inout [Double]) {
    guard let but = tokens.firstIndex(where: { $0.word == known.but }) else { return }
    for index in valences.indices {
      let value = valences[index]
      guard let place = valences.firstIndex(of: value), place != but else { continue }
      valences[place] = value * (place < but ? 0.5 : 1.5)
    }
  }

  private func polarity(_ valences: [Double], _ text: [UInt8]) -> Polarity {
    var sum = 0.0
    for valence in valences { sum += valence }
    let emphasis = Self.emphasis(text)
    if sum > 0 { sum += emphasis } else if sum < 0 { sum -= emphasis }
    let compound = sum / (sum * sum + RuleWords.alpha).squareRoot()
    var (positive, negative, neutral) = (0.0, 0.0, 0.0)
    for valence in valences {
      // One more for the word itself: neutral words count one, too.
      if valence > 0 { positive += valence + 1 }
      if valence < 0 { negative += valence - 1 }
      if valence == 0 { neutral += 1 }
    }
    if positive > abs(negative) { positive += emphasis } else if positive < abs(negative) { negative -= emphasis }
    let total = positive + abs(negative) + neutral
    return Polarity(
      compound: Self.rounded(max(-1, min(1, compound)), digits: 4),
      negative: Self.rounded(abs(negative / total), digits: 3),
      neutral: Self.rounded(abs(neutral / total), digits: 3),
      positive: Self.rounded(abs(positive / total), digits: 3))
  }

  /// Exclamation marks, at most four, and question marks from two on.
  private static func emphasis(_ text: [UInt8]) -> Double {
    var (exclamations, questions) = (0, 0)
    for byte in text {
      if byte == 0x21 { exclamations += 1 }
      if byte == 0x3f { questions += 1 }
    }
    let first = Double(min(4, exclamations)) * 0.292
    return first + (questions < 2 ? 0 : questions <= 3 ? Double(questions) * 0.18 : 0.96)
  }

  /// `value` times 10^digits as a whole number, rounded by its exact binary value, halves to even, as Python's `round`.
  static func rounded(_ value: Double, digits: Int32) -> Int {
    let scaled = value * (digits == 3 ? 1_000 : 10_000)
    let whole = scaled.rounded(.down)
    let rest = scaled - whole
    // Far enough from a half that the error of the multiplication does not matter.
    if abs(rest - 0.5) > 1e-6 { return Int(rest > 0.5 ? whole + 1 : whole) }
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
      _ = withVaList([digits, value]) { vsnprintf(buffer.baseAddress!, 32, "%.*f", $0) }
      return String(cString: buffer.baseAddress!)
    }
    return Int(text.filter { $0 != "." }) ?? Int(scaled.rounded())
  }
}

extension SentimentScorer {
  /// Scores what a message says, without the words that are names of something: handles, cashtags and links.
  package func scoreWithoutNames(_ text: String) -> Polarity {
    let bytes = Array(text.utf8)
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    TextWords.forEachWord(of: bytes) { range in
      let first = bytes[range.lowerBound]
      let isMarked = first == UInt8(ascii: "@") || first == UInt8(ascii: "$")
      if isMarked, range.count > 1, TextWords.isLetter(bytes[range.lowerBound + 1]) { return }
      let word = bytes[range]
      if word.starts(with: "http://".utf8) || word.starts(with: "https://".utf8) || word.starts(with: "www.".utf8) {
        return
      }
      if !kept.isEmpty { kept.append(0x20) }
      kept += word
    }
    return score(kept)
  }
}
