/// A company that a text is about, and why that is thought.
package struct Mention: Hashable, Sendable {
  package enum Rule: String, Hashable, Sendable, CaseIterable {
    /// `$AAPL`
    case cashtag
    /// `(NASDAQ: AAPL)`
    case exchange
    /// `Johnson & Johnson`
    case name
    /// `Apple`, and a word about shares or business beside it.
    case nameWithCue = "name_with_cue"
    /// `AAPL`, with such a word or the company's name beside it.
    case tickerWithCue = "ticker_with_cue"

    /// How far it can be trusted, in hundredths; set by judgement.
    package var confidence: Int {
      switch self {
      case .cashtag, .exchange: 95
      case .name: 85
      case .nameWithCue: 70
      case .tickerWithCue: 60
      }
    }
  }

  /// The canonical symbol.
  package var symbol: String
  package var rule: Rule
  /// In hundredths: that of the rule, and five for each further rule that finds the same, up to 99.
  package var confidence: Int
  /// The part of the text that says so.
  package var evidence: String

  package init(symbol: String, rule: Rule, confidence: Int, evidence: String) {
    (self.symbol, self.rule, self.confidence, self.evidence) = (symbol, rule, confidence, evidence)
  }
}

/// Finds the companies that texts mention.
package struct TickerMentions: Sendable {
  package let names: CompanyNames

  package init(_ names: CompanyNames) { self.names = names }

  private struct Word {
    var range: Range<Int>
    var lower: [UInt8]
    var isUpper: Bool
    var isCapitalised: Bool
    /// `'s` follows.
    var isPossessive: Bool
  }

  /// - Returns: by symbol, each once.
  package func find(in text: String) -> [Mention] {
    let bytes = Array(text.utf8)
    let words = Self.words(of: bytes)
    let cues = words.indices.filter { Self.cues.find(words[$0].lower[...]) != nil }
    var found: [String: [Mention.Rule: String]] = [:]
    func note(_ symbol: String, _ rule: Mention.Rule, _ range: Range<Int>) {
      if found[symbol]?[rule] != nil { return }
      found[symbol, default: [:]][rule] = String(decoding: bytes[range], as: UTF8.self)
    }
    findMarked(bytes, note)
    var named: Set<Int> = []
    var index = 0
    while index < words.count {
      if words[index].isCapitalised, let (name, length) = name(at: index, words) {
        let range = words[index].range.lowerBound..<words[index + length - 1].range.upperBound
        let others = cues.contains { !(index..<index + length).contains($0) }
        if !name.isAmbiguous {
          note(name.symbol, .name, range)
        } else if others || found[name.symbol] != nil {
          note(name.symbol, .nameWithCue, range)
        }
        named.formUnion(index..<index + length)
        index += length
      } else {
        index += 1
      }
    }
    // A headline in capitals says nothing by its capitals.
    let capitals = words.count { $0.isUpper && $0.range.count > 1 }
    if capitals * 2 <= words.count || words.count < 3 {
      for (index, word) in words.enumerated() where word.isUpper && !named.contains(index) {
        findTicker(word, index, cues, bytes, found, note)
      }
    }
    return found.map { symbol, rules in
      let best = rules.keys.max { ($0.confidence, $1.rawValue) < ($1.confidence, $0.rawValue) }!
      return Mention(
        symbol: symbol, rule: best, confidence: min(99, best.confidence + 5 * (rules.count - 1)),
        evidence: rules[best]!)
    }.sorted { $0.symbol < $1.symbol }
  }

  // MARK: Rules

  /// Cashtags, and symbols behind the name of their exchange.
  private func findMarked(_ bytes: [UInt8], _ note: (String, Mention.Rule, Range<Int>) -> Void) {
    for index in bytes.indices {
      if bytes[index] == UInt8(ascii: "$"), index == 0 || !Self.isPartOfWord(bytes[index - 1]),
        let (symbol, range) = symbol(bytes, from: index + 1, anyCase: true) {
        note(symbol, .cashtag, index..<range.upperBound)
      }
      guard bytes[index] == UInt8(ascii: ":") else { continue }
      var start = index
      while start > 0, TextWords.isLetter(bytes[start - 1]) { start -= 1 }
      let exchange = String(decoding: bytes[start..<index], as: UTF8.self).uppercased()
      guard Self.exchanges.contains(exchange) else { continue }
      var from = index + 1
      while from < bytes.count, bytes[from] == 0x20 { from += 1 }
      if let (symbol, range) = symbol(bytes, from: from, anyCase: false) {
        note(symbol, .exchange, start..<range.upperBound)
      }
    }
  }

  /// A listed symbol of one to five letters, perhaps with a class: `BRK.B`, `BRK-B`.
  private func symbol(_ bytes: [UInt8], from start: Int, anyCase: Bool) -> (String, Range<Int>)? {
    func letters(from start: Int, most: Int) -> Int {
      var end = start
      while end < bytes.count, end - start <= most, bytes[end] < 0x80, TextWords.isLetter(bytes[end]),
        anyCase || TextWords.isUpper(bytes[end]) { end += 1 }
      return end
    }
    let root = letters(from: start, most: 5)
    guard (1...5).contains(root - start) else { return nil }
    if root + 1 < bytes.count, bytes[root] == UInt8(ascii: ".") || bytes[root] == UInt8(ascii: "-") {
      let end = letters(from: root + 1, most: 2)
      if end > root + 1, end == bytes.count || !Self.isPartOfWord(bytes[end]) {
        let text = String(decoding: bytes[start..<root], as: UTF8.self).uppercased() + "."
          + String(decoding: bytes[root + 1..<end], as: UTF8.self).uppercased()
        if names.symbols.contains(text) { return (text, start..<end) }
      }
    }
    guard root == bytes.count || !Self.isPartOfWord(bytes[root]) else { return nil }
    let text = String(decoding: bytes[start..<root], as: UTF8.self).uppercased()
    return names.symbols.contains(text) ? (text, start..<root) : nil
  }

  private func name(at index: Int, _ words: [Word]) -> (CompanyNames.Name, Int)? {
    let lower = words[index].lower
    if let found = name(lower, index, words) { return found }
    return words[index].isPossessive ? name(lower + [0x73], index, words) : nil
  }

  private func name(_ first: [UInt8], _ index: Int, _ words: [Word]) -> (CompanyNames.Name, Int)? {
    for name in names.names(beginningWith: first) where index + name.words.count <= words.count {
      let rest = zip(name.words, words[index..<index + name.words.count]).dropFirst()
      if rest.allSatisfy({ $0 == $1.lower }) { return (name, name.words.count) }
    }
    return nil
  }

  /// A symbol in capitals: three letters or more, no abbreviation, and a sign of a company within six words.
  private func findTicker(
    _ word: Word, _ index: Int, _ cues: [Int], _ bytes: [UInt8], _ found: [String: [Mention.Rule: String]],
    _ note: (String, Mention.Rule, Range<Int>) -> Void
  ) {
    guard (3...5).contains(word.lower.count) else { return }
    let symbol = String(decoding: bytes[word.range], as: UTF8.self)
    guard names.symbols.contains(symbol), !Self.abbreviations.contains(symbol) else { return }
    if found[symbol] != nil || cues.contains(where: { abs($0 - index) <= 6 }) {
      note(symbol, .tickerWithCue, word.range)
    }
  }

  // MARK: Words

  private static func isPartOfWord(_ byte: UInt8) -> Bool {
    TextWords.isLetter(byte) || TextWords.isDigit(byte) || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "_")
  }

  /// Words as names have them: letters and digits, without the points and apostrophes inside. `'s` at the end is left
  /// out: registers write `McDonalds`, people `McDonald's`, so such a word is given in both forms by `name(at:)`.
  /// Cashtags, hashtags and handles are none.
  private static func words(of bytes: [UInt8]) -> [Word] {
    var words: [Word] = []
    var index = 0
    while index < bytes.count {
      let mark = TextWords.markLength(bytes, index)
      guard mark == 0 else {
        index += mark
        continue
      }
      let start = index
      var lower: [UInt8] = []
      var (hasLower, hasUpper, isPossessive) = (false, false, false)
      while index < bytes.count {
        let byte = bytes[index]
        let mark = TextWords.markLength(bytes, index)
        let next = index + mark
        if mark == 0 {
          if TextWords.isUpper(byte) { hasUpper = true } else { hasLower = true }
          lower.append(TextWords.isUpper(byte) ? byte | 0x20 : byte)
          index += 1
        } else if byte == 0x2e || TextWords.isApostrophe(bytes, index), next < bytes.count,
          TextWords.markLength(bytes, next) == 0 {
          isPossessive = byte != 0x2e && bytes[next] | 0x20 == 0x73
            && (next + 1 == bytes.count || TextWords.markLength(bytes, next + 1) > 0)
          if isPossessive { break }
          index = next
        } else {
          break
        }
      }
      let before = start > 0 ? bytes[start - 1] : 0x20
      if before != UInt8(ascii: "$"), before != UInt8(ascii: "#"), before != UInt8(ascii: "@") {
        words.append(Word(
          range: start..<index, lower: lower, isUpper: hasUpper && !hasLower,
          isCapitalised: hasUpper || bytes[start] > 0x7f, isPossessive: isPossessive))
      }
      if isPossessive { index += max(1, TextWords.markLength(bytes, index)) + 1 }
    }
    return words
  }

  private static let exchanges: Set<String> = [
    "NASDAQ", "NYSE", "AMEX", "NYSEARCA", "NYSEAMERICAN", "CBOE", "OTC", "BATS",
  ]

  /// Words of capitals that are hardly ever meant as the symbol that some of them are.
  private static let abbreviations: Set<String> = [
    "ALL", "ARE", "CAN", "FOR", "NOW", "ONE", "OUT", "NEW", "BIG", "ANY", "HAS", "SEE", "YOU", "AND", "THE", "CEO",
    "CFO", "COO", "CTO", "IPO", "ETF", "ETFS", "EPS", "FDA", "SEC", "FTC", "DOJ", "FED", "GDP", "CPI", "PPI", "USA",
    "USD", "EUR", "GBP", "YOLO", "FOMO", "ATH", "ATL", "DD", "IMO", "LOL", "WSB", "OTC", "NYSE", "ESG", "API", "EV",
    "EVS", "AI", "IT", "UK", "EU", "US", "UN", "ECB", "IMF", "OPEC", "NATO", "YTD", "QE", "PE", "PM", "AM", "EST",
    "EDT", "TV", "CES", "LLC", "INC", "NASA", "COVID", "WHO", "CDC", "IRS", "UPDATE", "HODL", "MOON", "EBITDA", "REIT",
    "REITS", "GAAP", "CAR",
  ]

  /// Words that stand beside the name of a company.
  private static let cues = WordTable([
    "share", "shares", "stock", "stocks", "earnings", "revenue", "revenues", "profit", "profits", "sales", "guidance",
    "quarter", "quarterly", "q1", "q2", "q3", "q4", "eps", "dividend", "buyback", "analyst", "analysts", "upgrade",
    "upgrades", "upgraded", "downgrade", "downgrades", "downgraded", "price", "target", "ceo", "cfo", "investors",
    "investor", "shareholder", "shareholders", "market", "markets", "nasdaq", "nyse", "acquires", "acquisition",
    "merger", "bid", "deal", "ipo", "lawsuit", "sues", "sued", "antitrust", "layoffs", "unveils", "launches",
    "announces", "reports", "posts", "forecast", "outlook", "rating", "bullish", "bearish", "calls", "puts", "trading",
    "traders", "wall", "valuation", "tops", "beats", "misses", "recall", "recalls", "results", "hires", "names",
    "fined", "supplier", "suppliers", "factory", "customers", "iphone", "quarterly", "filing", "chief", "executive",
  ])
}
