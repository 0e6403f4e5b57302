import Values

/// A fiscal quarter as companies count them: `2025Q4`.
package struct FiscalQuarter: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var year: Int
  /// 1 to 4.
  package var number: Int

  package init(year: Int, number: Int) { (self.year, self.number) = (year, number) }

  /// - Returns: nil for a text of another form.
  package init?(_ text: some StringProtocol) {
    let parts = text.uppercased().split(separator: "Q", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == 4, let year = Int(parts[0]), let number = Int(parts[1]),
      (1_980...2_200).contains(year), (1...4).contains(number)
    else { return nil }
    self.init(year: year, number: number)
  }

  /// The last quarter of the calendar that has ended. Fiscal years may be ahead of it or behind.
  package init(endedBefore time: Timestamp) {
    let civil = time.civil
    self = FiscalQuarter(year: civil.year, number: (civil.month + 2) / 3).advanced(by: -1)
  }

  package func advanced(by count: Int) -> FiscalQuarter {
    let quarters = year * 4 + number - 1 + count
    return FiscalQuarter(year: quarters / 4, number: quarters % 4 + 1)
  }

  package var description: String { "\(year)Q\(number)" }

  package static func < (left: FiscalQuarter, right: FiscalQuarter) -> Bool {
    (left.year, left.number) < (right.year, right.number)
  }
}

/// The transcripts of a symbol, or of a folder, that were published, as one text: a line for each with its id, its hash
/// and its times.
package struct TranscriptHistory: Hashable, Sendable {
  struct Known: Hashable, Sendable {
    /// Of its bytes.
    var sha256: String
    /// Microseconds since 1970.
    var publishedAt: Int64
    var knownAt: Int64
  }

  /// By id: `AAPL-2025Q4`.
  var calls: [String: Known] = [:]

  package init() {}

  /// - Returns: nil for a text of another form: what it remembered is published again.
  package init?(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 4, let published = Int64(words[2]), let known = Int64(words[3]) else { return nil }
      calls[String(words[0])] = Known(sha256: String(words[1]), publishedAt: published, knownAt: known)
    }
  }

  package var text: String {
    calls.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.sha256) \($0.value.publishedAt) \($0.value.knownAt)" }
      .joined(separator: "\n")
  }

  /// The latest quarter of a symbol.
  func latest(of symbol: String) -> FiscalQuarter? {
    calls.keys.compactMap { id in
      id.hasPrefix(symbol + "-") ? FiscalQuarter(id.dropFirst(symbol.count + 1)) : nil
    }.max()
  }
}
