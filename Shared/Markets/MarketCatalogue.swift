import Core
import Feeds
import StrictYAML

/// What is to be asked of whom when, for market data: `tickers.txt`, `data_sources.yaml` and `schedules.yaml`. A file
/// that is not given is the embedded one.
package struct MarketCatalogue: Sendable {
  /// Canonical, in the order of the file.
  package var tickers: [String]
  package var sources: [DataSource]
  package var schedules: [MarketSchedule]

  /// - Throws: a configuration `Failure` naming file and line.
  package init(
    tickers: [String], sources sourcesPath: String?, schedules schedulesPath: String?
  ) throws(Failure) {
    let sources = try DataSource.load(file: sourcesPath)
    let origin = schedulesPath ?? "the embedded schedules"
    let text = try schedulesPath.map { (path) throws(Failure) in try Self.read(path) } ?? Self.embeddedSchedules
    try self.init(tickers: tickers, sources: sources, schedules: text, origin: origin, isEmbedded: schedulesPath == nil)
  }

  /// - Parameter isEmbedded: a schedule without a source is left out.
  package init(
    tickers: [String], sources: [DataSource], schedules text: String, origin: String, isEmbedded: Bool = false
  ) throws(Failure) {
    self.tickers = tickers
    self.sources = sources
    schedules = []
    let calendar = try NYSECalendar()
    for row in try Self.rows(text, "schedules", origin) {
      guard let schedule = try MarketSchedule(
        row, origin: origin, tickers: tickers, sources: sources, calendar: calendar, mayLackSource: isEmbedded)
      else { continue }
      guard !schedules.contains(where: { $0.name == schedule.name }) else {
        throw YAMLFields.wrong(origin, row.line, "a second schedule '\(schedule.name)'")
      }
      schedules.append(schedule)
    }
  }

  static func read(_ path: String) throws(Failure) -> String {
    String(decoding: try readFile(path, limit: 16 << 20), as: UTF8.self)
  }

  static func rows(_ text: String, _ section: String, _ origin: String) throws(Failure) -> [YAMLValue] {
    guard let root = try YAMLValue.read(yaml: text, origin: origin), !root.isNull else { return [] }
    let fields = try YAMLFields(root, of: "file", known: [section], origin: origin)
    return try fields.list(section) ?? []
  }

  /// The cadences that users of the hot store know.
  static let embeddedSchedules = """
    schedules:
      - {name: bars-1m, kind: bars, interval: 1m, every: 1m, hours: regular, delay: 3s, deadline: 2m, lookback: 15m}
      - {name: news, kind: news, every: 15m, hours: always, deadline: 15m}
      - {name: chains, kind: chains, source: polygon, every: 15m, hours: regular, delay: 30s, deadline: 15m}
      - {name: reddit, kind: social, source: reddit, symbols: none, every: 2m, hours: always, deadline: 2m}
      - {name: x, kind: social, source: x, every: 2m, hours: always, deadline: 2m}
      - {name: filings, kind: filings, every: 1h, hours: always, deadline: 1h}
      - {name: transcripts, kind: transcripts, every: 1d, hours: always, deadline: 20h, spread: 12h}
    """
}

extension DataSource {
  /// - Parameter path: nil: the embedded ones.
  /// - Throws: a configuration `Failure` naming file and line.
  package static func load(file path: String?) throws(Failure) -> [DataSource] {
    guard let path else { return try read(yaml: embedded, origin: "the embedded sources", isEmbedded: true) }
    return try read(yaml: try MarketCatalogue.read(path), origin: path)
  }

  package static func read(
    yaml text: String, origin: String, isEmbedded: Bool = false
  ) throws(Failure) -> [DataSource] {
    var sources: [DataSource] = []
    for row in try MarketCatalogue.rows(text, "sources", origin) {
      var source = try DataSource(row, origin: origin)
      source.isEmbedded = isEmbedded
      guard !sources.contains(where: { $0.word == source.word }) else {
        throw YAMLFields.wrong(
          origin, row.line, "two sources have names like '\(source.name)', which metrics cannot tell apart")
      }
      sources.append(source)
    }
    return sources
  }

  /// The plans that cost nothing.
  static let embedded = """
    sources:
      - {name: alpaca, kind: alpaca, key: env:APCA_API_KEY_ID, secret: env:APCA_API_SECRET_KEY, rate: 200/m}
      - {name: polygon, kind: polygon, key: env:POLYGON_API_KEY, rate: 5/m}
      - name: alpha-vantage
        kind: alpha-vantage
        key: env:ALPHAVANTAGE_API_KEY
        rate: [1/s, 25/d]
        zone: America/New_York
      - {name: newsapi, kind: newsapi, key: env:NEWSAPI_KEY, rate: [1/s, 100/d]}
      - name: reddit
        kind: reddit
        key: env:REDDIT_CLIENT_ID
        secret: env:REDDIT_CLIENT_SECRET
        user-agent: env:REDDIT_USER_AGENT
        communities: [stocks, investing, StockMarket, wallstreetbets]
        rate: 100/m
      - {name: edgar, kind: edgar, user-agent: env:EDGAR_USER_AGENT, rate: 8/s, burst: 2, timeout: 60s}
      - {name: x, kind: x, key: env:X_BEARER_TOKEN, rate: [1/s, 60/m], monthly-reads: 10000}
      - {name: fmp, kind: fmp, key: env:FMP_API_KEY, rate: [5/s, 250/d]}
    """
}

/// Lists of symbols.
package enum Tickers {
  /// Reads a file: one symbol a line, in the form of any provider; what follows `#` or the first blank is passed over.
  /// - Throws: a configuration `Failure` naming file and line.
  package static func load(file path: String) throws(Failure) -> [String] {
    var symbols: [String] = []
    var seen: Set<String> = []
    let text = try MarketCatalogue.read(path)
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard let word = words.first else { continue }
      guard let symbol = canonical(String(word)) else {
        throw Failure(
          .configuration, code: "bad_symbol", "\(path), line \(number + 1): '\(word)' is no symbol such as BRK.B")
      }
      if seen.insert(symbol).inserted { symbols.append(symbol) }
    }
    guard !symbols.isEmpty else {
      throw Failure(.configuration, code: "no_symbols", "\(path) has no symbols; write one a line")
    }
    return symbols
  }

  /// A list separated by commas.
  /// - Throws: a configuration `Failure`.
  package static func list(_ text: String, flag: String) throws(Failure) -> [String] {
    var symbols: [String] = []
    for word in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      guard let symbol = canonical(String(word)) else {
        throw Failure(.configuration, code: "bad_symbol", "\(flag): '\(word)' is no symbol such as BRK.B")
      }
      if !symbols.contains(symbol) { symbols.append(symbol) }
    }
    guard !symbols.isEmpty else {
      throw Failure(.configuration, code: "no_symbols", "\(flag) has no symbols; write AAPL,BRK.B")
    }
    return symbols
  }

  /// - Returns: nil for what is no symbol of a stock.
  package static func canonical(_ text: String) -> String? {
    let symbol = SymbolNames.canonical(text, from: text.contains("-") ? .dashed : .polygon)
    return symbol.flatMap { SymbolNames.isOption($0) ? nil : $0 }
  }
}
