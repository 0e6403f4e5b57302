import Core
import Feeds
import Values

/// One parameter of an endpoint: how its text is read, and what the OpenAPI document says of it. Both agree: what the
/// document allows is read, and what it does not allow is refused.
struct Parameter: Sendable {
  enum Kind: Sendable {
    /// A symbol as any provider writes it.
    case symbol
    case symbols(most: Int)
    /// RFC 3339 with a zone.
    case time
    case count(standard: Int, most: Int)
    /// A number from 0 to 1.
    case share(standard: Double)
    case choice([String], standard: String)
    /// `true` or `false`, which holds when it is not given.
    case flag
    /// Some of these, separated by commas.
    case choices([String], standard: String)
    /// Letters, digits and some other characters between them, at most so many.
    case word(most: Int, others: String = wordBytes)
    /// Some of these, separated by commas.
    case words(most: Int)
    /// Any text of 1 to so many characters.
    case text(most: Int)
    /// What an earlier page named as `next_cursor`.
    case cursor
  }
  static let wordBytes = "._:@-"
  enum Place: String, Sendable { case path, query }

  let name: String
  let kind: Kind
  let place: Place
  let isRequired: Bool
  let about: String

  init(_ name: String, _ kind: Kind, in place: Place = .query, isRequired: Bool = false, _ about: String) {
    (self.name, self.kind, self.about) = (name, kind, about)
    (self.place, self.isRequired) = (place, isRequired || place == .path)
  }

  enum Value: Sendable {
    case text(String)
    case texts([String])
    /// Milliseconds since 1970, UTC, within ``Parameter/times``.
    case time(Int64)
    case count(Int)
    case share(Double)
    case cursor(Cursor)
  }

  /// Times that are earlier or later are taken for these: 1970 and 2255, where nanoseconds still fit 64 bits.
  static let times: ClosedRange<Int64> = 0...9_000_000_000_000

  /// What holds when it is not given; nil for nothing.
  var standard: Value? {
    switch kind {
    case .count(let standard, _): .count(standard)
    case .share(let standard): .share(standard)
    case .choice(_, let standard): .text(standard)
    case .flag: .text("false")
    case .choices(_, let standard): .texts(Self.list(standard))
    case .symbol, .symbols, .time, .word, .words, .text, .cursor: nil
    }
  }

  func read(_ text: String) throws(Problem) -> Value {
    switch kind {
    case .symbol: return .text(try symbol(text))
    case .symbols(let most): return .texts(try several(text, most, "symbols", symbol))
    case .time:
      guard let time = Timestamp(parsing: text.utf8Span.span.bytes) else {
        throw .badParameter(name, "is no RFC 3339 time with a zone, such as 2026-03-02T14:30:00Z")
      }
      let milliseconds = time.microseconds.flooredDivision(by: 1_000).quotient
      return .time(min(max(milliseconds, Self.times.lowerBound), Self.times.upperBound))
    case .count(_, let most):
      guard let count = Int(text), (1...most).contains(count), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
        throw .badParameter(name, "is no number from 1 to \(most)")
      }
      return .count(count)
    case .share:
      guard let share = Double(text), (0...1).contains(share) else {
        throw .badParameter(name, "is no number from 0 to 1")
      }
      return .share(share)
    case .choice(let words, _):
      guard words.contains(text) else { throw unknown(text, words) }
      return .text(text)
    case .flag:
      guard ["true", "false"].contains(text) else { throw .badParameter(name, "is neither true nor false") }
      return .text(text)
    case .choices(let words, _):
      let chosen = Self.list(text)
      if let word = chosen.first(where: { !words.contains($0) }) { throw unknown(word, words) }
      guard !chosen.isEmpty else { throw unknown("", words) }
      return .texts(chosen)
    case .word(let most, let others): return .text(try word(text, most, others))
    case .words(let most):
      return .texts(try several(text, most, "names") { text throws(Problem) in try word(text, 64, Self.wordBytes) })
    case .text(let most):
      guard (1...most).contains(text.unicodeScalars.count), !text.utf8.contains(0) else {
        throw .badParameter(name, "has to have 1 to \(most) characters, none of them NUL")
      }
      return .text(text)
    case .cursor:
      guard let cursor = Cursor(text) else { throw .badParameter(name, "is no cursor of this API") }
      return .cursor(cursor)
    }
  }

  /// Each once.
  private func several(
    _ text: String, _ most: Int, _ what: String, _ read: (String) throws(Problem) -> String
  ) throws(Problem) -> [String] {
    var found: [String] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let word = try read(String(word))
      if !found.contains(word) { found.append(word) }
    }
    guard (1...most).contains(found.count) else { throw .badParameter(name, "has to name 1 to \(most) \(what)") }
    return found
  }

  /// A symbol outside of any parameter.
  static func symbol(_ text: String) throws(Problem) -> Value { try Parameter("symbol", .symbol, "").read(text) }

  private func symbol(_ text: String) throws(Problem) -> String {
    let dialect: SymbolNames.Dialect = text.contains("-") ? .dashed : text.hasPrefix("O:") ? .polygon : .alpaca
    guard Self.isNamed(text, 32, ".:-"), let symbol = SymbolNames.canonical(text, from: dialect) else {
      throw .badParameter(name, "is no symbol such as BRK.B, BRK-B or SPY251219C00650000")
    }
    return symbol
  }

  private func word(_ text: String, _ most: Int, _ others: String) throws(Problem) -> String {
    guard Self.isNamed(text, most, others) else {
      throw .badParameter(
        name, "is no word of 1 to \(most) letters, digits and any of \(others), a letter or digit at each end")
    }
    return text
  }

  /// Letters and digits of ASCII, and between them other characters.
  static func isNamed(_ text: String, _ most: Int, _ others: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool {
      UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte & 0xdf || 0x30...0x39 ~= byte
    }
    let bytes = text.utf8
    guard (1...most).contains(bytes.count), let first = bytes.first, let last = bytes.last else { return false }
    return isPlain(first) && isPlain(last) && bytes.allSatisfy { isPlain($0) || others.utf8.contains($0) }
  }

  /// The pattern of ``isNamed(_:_:_:)``, as JSON.
  static func pattern(_ most: Int, _ others: String) -> String {
    "\"^[A-Za-z0-9]([A-Za-z0-9\(others)]{0,\(most - 2)}[A-Za-z0-9])?$\""
  }

  private func unknown(_ word: String, _ words: [String]) -> Problem {
    .badParameter(name, "has '\(word)', which is none of \(words.joined(separator: ", "))")
  }

  private static func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
}

/// Where a page ended, as a word that clients hand back unread. It pins the batch run that the page was made of.
struct Cursor: Hashable, Sendable {
  /// Of the first row of the next page, milliseconds since 1970.
  var time: Int64
  /// The batch run and the splits, or the place among rows of that time; nil for none of them.
  var mark: String?

  init(time: Int64, mark: String? = nil) { (self.time, self.mark) = (time, mark) }

  /// As JSON.
  static let pattern = "\"^[0-9a-f]{11}(-[A-Za-z0-9._]{1,64})?$\""

  init?(_ text: String) {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts[0].utf8.count == 11, let time = Int64(parts[0], radix: 16),
      parts[0].utf8.allSatisfy({ 0x30...0x39 ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 })
    else { return nil }
    self.time = min(time, Parameter.times.upperBound)
    guard parts.count == 2 else { return }
    guard (1...64).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy(Self.isMarkByte) else { return nil }
    mark = String(parts[1])
  }

  /// Rows of the first moment of the page that earlier pages had; 0 where the mark says something else.
  var skipped: Int { mark.flatMap { Int($0) }.map { min(max($0, 0), 1_000_000_000) } ?? 0 }

  /// A page of a batch run, adjusted by splits of which only a hash is told.
  init(time: Int64, run: Int64?, splits: String?) {
    let mark = (run.map { "\($0)" } ?? "") + (splits.map { "_\($0)" } ?? "")
    self.init(time: time, mark: mark.isEmpty ? nil : mark)
  }

  /// The number of the batch run; nil where there is none.
  var run: Int64? { mark.flatMap { Int64($0.prefix { $0 != "_" }) } }
  /// The hash of the splits; nil where nothing was adjusted.
  var splits: String? {
    mark.flatMap { mark in mark.firstIndex(of: "_").map { String(mark[mark.index(after: $0)...]) } }
  }

  var text: String {
    let digits = String(max(0, time), radix: 16)
    return String(repeating: "0", count: max(0, 11 - digits.utf8.count)) + digits + (mark.map { "-\($0)" } ?? "")
  }

  static func isMarkByte(_ byte: UInt8) -> Bool {
    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte & 0xdf || 0x30...0x39 ~= byte || byte == 0x2e || byte == 0x5f
  }
}
