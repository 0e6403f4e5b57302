import Catalogue
import Values

/// Picks routing keys as the bindings of an AMQP topic exchange do: words joined by points, of which `*` stands for
/// exactly one word and `#` for none or more. `*.*.polymer.*`, `mena.#`, `#.copper`.
///
/// Compiled once; ``matches(_:)`` reads a key's raw bytes and allocates nothing, so that records are dropped before
/// they are decoded. A key is taken as it is: empty, it has no words; between two points is a word of no letters,
/// which `*` matches.
package struct RoutingPattern: Hashable, Sendable, CustomStringConvertible {
  /// One word of a pattern.
  package enum Word: Hashable, Sendable, CustomStringConvertible {
    case exactly(String)
    case one
    case any

    package var description: String {
      switch self {
      case .exactly(let text): text
      case .one: "*"
      case .any: "#"
      }
    }
  }

  /// A word as it is matched: a range of `letters`, or one of the two marks.
  private struct Step: Hashable, Sendable {
    /// -1: one word, -2: any number of words.
    var start: Int
    var count: Int

    static let one = Step(start: -1, count: 0)
    static let any = Step(start: -2, count: 0)
  }

  /// As written.
  package let description: String
  package let words: [Word]
  /// The words in the shortest form of the same meaning.
  private let steps: [Step]
  private let letters: [UInt8]

  /// More words than any key has are a mistake.
  package static let maxWords = 32

  /// - Throws: what is wrong with which word.
  package init(_ text: String) throws(RoutingPatternError) {
    guard !text.isEmpty else {
      throw RoutingPatternError(word: nil, message: "the pattern is empty; '#' matches every key")
    }
    var words: [Word] = []
    for (index, part) in text.split(separator: ".", omittingEmptySubsequences: false).enumerated() {
      words.append(try Self.word(part, index + 1))
    }
    guard words.count <= Self.maxWords else {
      throw RoutingPatternError(word: nil, message: "\(words.count) words; at most \(Self.maxWords) are allowed")
    }
    description = text
    self.words = words
    var steps: [Step] = []
    var letters: [UInt8] = []
    for word in words {
      switch word {
      case .exactly(let text):
        steps.append(Step(start: letters.count, count: text.utf8.count))
        letters += text.utf8
      case .one:
        // `#.*` is `*.#`: with the open end last, fewer ways have to be tried.
        if steps.last == .any { steps.insert(.one, at: steps.count - 1) } else { steps.append(.one) }
      case .any:
        if steps.last != .any { steps.append(.any) }
      }
    }
    self.steps = steps
    self.letters = letters
  }

  private static func word(_ text: Substring, _ index: Int) throws(RoutingPatternError) -> Word {
    switch text {
    case "*": return .one
    case "#": return .any
    case "":
      throw RoutingPatternError(
        word: index, message: "it is empty (two dots in a row, or a leading or trailing dot)")
    default: break
    }
    if text.contains("*") || text.contains("#") {
      throw RoutingPatternError(
        word: index, message: "'\(text)': '*' and '#' stand for whole words, not for parts of one")
    }
    guard RoutingKey.isWord(Array(text.utf8)) else {
      let wanted = RoutingKey.word(for: String(text)).map { "; did you mean '\($0)'?" } ?? ""
      throw RoutingPatternError(
        word: index,
        message: "'\(text)' is no word of a key, which has 1 to \(RoutingKey.maxWordBytes) of a-z, 0-9, '-' and '_'"
          + wanted)
    }
    return .exactly(String(text))
  }

  /// Whether it picks the key.
  package func matches(_ key: RawSpan) -> Bool {
    key.withUnsafeBytes { key in
      steps.withUnsafeBufferPointer { steps in
        letters.withUnsafeBufferPointer { Self.match(steps, $0, key) }
      }
    }
  }

  package func matches(_ key: RoutingKey) -> Bool { matches(key.bytes.span.bytes) }

  /// Goes through both word by word. Only the last `#` is ever taken up again with one word more: whatever an earlier
  /// one could take instead, the last can take too.
  private static func match(
    _ steps: UnsafeBufferPointer<Step>, _ letters: UnsafeBufferPointer<UInt8>, _ key: UnsafeRawBufferPointer
  ) -> Bool {
    // Behind the last word the position is one beyond the end, as if a point stood there.
    let end = key.isEmpty ? 0 : key.count + 1
    var position = 0
    var step = 0
    var retryStep = -1
    var retryPosition = 0
    while true {
      if step < steps.count, steps[step] == .any {
        step += 1
        if step == steps.count { return true }
        (retryStep, retryPosition) = (step, position)
        continue
      }
      if step == steps.count, position == end { return true }
      if step < steps.count, position < end {
        var wordEnd = position
        while wordEnd < key.count, key[wordEnd] != UInt8(ascii: ".") { wordEnd += 1 }
        if Self.fits(steps[step], letters, key, position, wordEnd) {
          step += 1
          position = wordEnd + 1
          continue
        }
      }
      guard retryStep >= 0, retryPosition < end else { return false }
      while retryPosition < key.count, key[retryPosition] != UInt8(ascii: ".") { retryPosition += 1 }
      retryPosition += 1
      (step, position) = (retryStep, retryPosition)
    }
  }

  @inline(__always)
  private static func fits(
    _ step: Step, _ letters: UnsafeBufferPointer<UInt8>, _ key: UnsafeRawBufferPointer, _ start: Int, _ end: Int
  ) -> Bool {
    if step.start == -1 { return true }
    guard step.count == end - start else { return false }
    for index in 0..<step.count where letters[step.start + index] != key[start + index] { return false }
    return true
  }
}

extension RoutingPattern {
  /// The categories of the series it can pick: those of which some `region.country.category.material` matches.
  package var categories: [CommodityCategory] {
    CommodityCategory.allCases.filter { category in
      Self.canMatch(words[...], [nil, nil, category.rawValue, nil][...])
    }
  }

  /// The topics of market data it needs: a subscription to more would only be filtered.
  package var topics: [Topic] { categories.map { Topics.commodityObservations(of: $0) } }

  /// - Parameter key: its words; nil is a word that may be anything.
  private static func canMatch(_ pattern: ArraySlice<Word>, _ key: ArraySlice<String?>) -> Bool {
    guard let word = pattern.first else { return key.isEmpty }
    if word == .any {
      return canMatch(pattern.dropFirst(), key) || !key.isEmpty && canMatch(pattern, key.dropFirst())
    }
    guard let wanted = key.first else { return false }
    if case .exactly(let text) = word, let wanted, text != wanted { return false }
    return canMatch(pattern.dropFirst(), key.dropFirst())
  }
}

/// Why a text is no routing pattern: which word, and what is wrong with it.
package struct RoutingPatternError: Error, Hashable, CustomStringConvertible {
  /// Counted from 1; nil when it is the text as a whole.
  package let word: Int?
  package let message: String

  package var description: String { word.map { "word \($0): \(message)" } ?? message }
}

/// How a pattern meets a key, word by word, for people.
package struct RoutingExplanation: Hashable, Sendable {
  /// One word of the pattern and what of the key it stands for.
  package struct Pair: Hashable, Sendable {
    package var pattern: RoutingPattern.Word
    package var key: [String]
  }

  /// The words that agree, up to the end or to where nothing fits any more.
  package let pairs: [Pair]
  /// Why it goes no further; nil for a match.
  package let mismatch: String?

  package var isMatch: Bool { mismatch == nil }

  package init(_ pattern: RoutingPattern, key: String) {
    let words = key.isEmpty ? [] : key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    var best = Way()
    var budget = 100_000
    let found = Self.walk(pattern.words[...], words[...], Way(), &best, &budget)
    let way = found ?? best
    pairs = way.pairs
    guard found == nil else {
      mismatch = nil
      return
    }
    let next = pattern.words.dropFirst(way.pairs.count).first
    let rest = words.dropFirst(way.taken)
    mismatch = switch (next, rest.first) {
    case (let next?, let word?): "word \(way.taken + 1) of the key, '\(word)', is not '\(next)'"
    case (let next?, nil): "the key ends where '\(next)' is wanted"
    case (nil, let word?): "the pattern ends before word \(way.taken + 1) of the key, '\(word)'"
    case (nil, nil): "the key has another number of words"
    }
  }

  private struct Way {
    var pairs: [Pair] = []
    /// Words of the key.
    var taken = 0
  }

  /// Tries `#` with few words first. `best` is the way that came furthest in the key.
  private static func walk(
    _ pattern: ArraySlice<RoutingPattern.Word>, _ key: ArraySlice<String>, _ way: Way, _ best: inout Way,
    _ budget: inout Int
  ) -> Way? {
    budget -= 1
    guard budget > 0 else { return nil }
    if (way.taken, way.pairs.count) > (best.taken, best.pairs.count) { best = way }
    guard let word = pattern.first else { return key.isEmpty ? way : nil }
    let counts: ClosedRange<Int> = word == .any ? 0...key.count : 1...1
    for count in counts where count <= key.count {
      let taken = Array(key.prefix(count))
      if case .exactly(let text) = word, taken != [text] { continue }
      var next = way
      next.pairs.append(Pair(pattern: word, key: taken))
      next.taken += count
      if let found = walk(pattern.dropFirst(), key.dropFirst(count), next, &best, &budget) { return found }
    }
    return nil
  }
}
