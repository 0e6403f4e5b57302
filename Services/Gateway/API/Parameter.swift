import Core
import Feeds
import Values

/// One parameter of an endpoint: how its text is read, and what the OpenAPI document says of it.
struct Parameter: Sendable {
  enum Kind: Sendable {
    /// A symbol as any provider writes it.
    case symbol
    case symbols(most: Int)
    /// RFC 3339 with a zone.
    case time
    case count(standard: Int, most: Int)
    case choice([String], standard: String)
    /// Some of these, separated by commas.
    case choices([String], standard: String)
    /// What an earlier page named as `next_cursor`.
    case cursor
  }
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
    /// Milliseconds since 1970, UTC.
    case time(Int64)
    case count(Int)
  }

  /// What holds when it is not given; nil for nothing.
  var standard: Value? {
    switch kind {
    case .count(let standard, _): .count(standard)
    case .choice(_, let standard): .text(standard)
    case .choices(_, let standard): .texts(Self.words(standard))
    case .symbol, .symbols, .time, .cursor: nil
    }
  }

  func read(_ text: String) throws(Problem) -> Value {
    switch kind {
    case .symbol: return .text(try symbol(text))
    case .symbols(let most):
      var symbols: [String] = []
      for word in Self.words(text) {
        let symbol = try symbol(word)
        if !symbols.contains(symbol) { symbols.append(symbol) }
      }
      guard (1...most).contains(symbols.count) else { throw .badParameter(name, "has to name 1 to \(most) symbols") }
      return .texts(symbols)
    case .time:
      guard let time = Timestamp(parsing: text.utf8Span.span.bytes) else {
        throw .badParameter(name, "is no RFC 3339 time with a zone, such as 2026-03-02T14:30:00Z")
      }
      return .time(time.microseconds.flooredDivision(by: 1_000).quotient)
    case .count(_, let most):
      guard let count = Int(text), (1...most).contains(count) else {
        throw .badParameter(name, "is no number from 1 to \(most)")
      }
      return .count(count)
    case .choice(let words, _):
      guard words.contains(text) else { throw unknown(text, words) }
      return .text(text)
    case .choices(let words, _):
      let chosen = Self.words(text)
      if let word = chosen.first(where: { !words.contains($0) }) { throw unknown(word, words) }
      guard !chosen.isEmpty else { throw unknown("", words) }
      return .texts(chosen)
    case .cursor:
      guard let time = Cursor.read(text) else { throw .badParameter(name, "is no cursor of this API") }
      return .time(time)
    }
  }

  private func symbol(_ text: String) throws(Problem) -> String {
    let dialect: SymbolNames.Dialect = text.contains("-") ? .dashed : text.hasPrefix("O:") ? .polygon : .alpaca
    guard let symbol = SymbolNames.canonical(text, from: dialect) else {
      throw .badParameter(name, "is no symbol such as BRK.B, BRK-B or SPY251219C00650000")
    }
    return symbol
  }

  private func unknown(_ word: String, _ words: [String]) -> Problem {
    .badParameter(name, "has '\(word)', which is none of \(words.joined(separator: ", "))")
  }

  private static func words(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
}

/// Where a page ended, as a word that clients hand back unread.
enum Cursor {
  /// - Parameter time: of the first sample of the next page, milliseconds since 1970.
  static func text(_ time: Int64) -> String {
    Base64.encode(Array("t\(time)".utf8)).replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_")
  }

  static func read(_ text: String) -> Int64? {
    guard text.utf8.count <= 64 else { return nil }
    var base = text.replacing("-", with: "+").replacing("_", with: "/")
    while base.utf8.count % 4 != 0 { base += "=" }
    guard let bytes = Base64.decode(base), bytes.first == UInt8(ascii: "t") else { return nil }
    return Int64(String(decoding: bytes.dropFirst(), as: UTF8.self))
  }
}
