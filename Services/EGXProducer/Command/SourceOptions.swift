import ArgumentParser
import Core
import CSV
import Foundation
import HTTP
import HTTPFlags
import KafkaFlags
import Options
import WebSocket

extension BarInterval: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
}

extension JSONMapping.Shape: ExpressibleByArgument {}
extension CSVNumbers.Mark: ExpressibleByArgument {}

/// The flags about where bars come from and how their messages look.
struct SourceOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Where bars come from: tradingview://, https://host/path?symbol={symbol}, csv:<folder>, replay:<folder>.",
    valueName: "url"))
  var source = "tradingview://"

  @Option(help: ArgumentHelp(
    "Symbols to ask for. (default: of csv: and replay: all there are)", valueName: "COMI,ETEL,..."))
  var symbols: String?

  @Option(help: ArgumentHelp("File of symbols, one per line; of CSV the first column.", valueName: "path"))
  var symbolsFile: String?

  @Option(help: ArgumentHelp("Exchange of the symbols, as the source and the messages name it.", valueName: "name"))
  var exchange = "EGX"

  @Option(help: "How long a bar is.")
  var interval = BarInterval.daily

  @Flag(help: "Intraday messages carry the whole candle, and not only the close.")
  var intradayCandles = false

  @Option(help: ArgumentHelp("Most bars of one symbol that are asked for.", valueName: "count"))
  var maxBars = 5_000

  @Option(help: ArgumentHelp("Least time between two questions to the source.", valueName: "duration"))
  var requestGap = DurationSetting(.milliseconds(500))

  @Option(help: ArgumentHelp(
    "How long the source may take for one symbol.", valueName: "duration"))
  var answerTimeout = DurationSetting(.seconds(30))

  @Option(help: ArgumentHelp(
    "Largest answer of a source, or message of its WebSocket.", valueName: "size"))
  var maxAnswerSize = ByteSize.mib(16)

  @Option(help: ArgumentHelp("TradingView's auth token, or the bearer token of a JSON source.", valueName: "secret"))
  var sourceToken: String?

  @Option(help: ArgumentHelp("File with that token.", valueName: "path"))
  var sourceTokenFile: String?

  @Option(help: ArgumentHelp("Origin header of the WebSocket.", valueName: "url"))
  var sourceOrigin = "https://data.tradingview.com"

  @Option(help: ArgumentHelp("Seconds of a recording that are replayed in a second; 0: as fast as Kafka takes them.",
                             valueName: "factor"))
  var speed: Double = 60

  @Option(help: "How a JSON source writes bars.")
  var jsonShape = JSONMapping.Shape.objects

  @Option(help: ArgumentHelp("Way to the bars in the answer of a JSON source.", valueName: "data.bars"))
  var jsonRows = ""

  @Option(help: ArgumentHelp(
    "What a JSON source calls time, open, high, low, close, volume; of arrays, their places from 0.",
    valueName: "time=t,open=o,..."))
  var jsonFields = ""

  @Option(help: ArgumentHelp(
    "What CSV files call time, open, high, low, close, volume, clock (the time of day) and symbol, or their places "
      + "from 0.", valueName: "time=Day,close=Last,..."))
  var csvColumns = ""

  @Option(help: ArgumentHelp(
    "How CSV files write dates, when not as 2025-01-20: YYYY or YY, MM or MMM, DD, hh, mm, ss.",
    valueName: "MM/DD/YYYY"))
  var csvDates: String?

  @Option(help: "What begins the fraction of a number in CSV files. (default: point, where nothing contradicts it)")
  var csvDecimal: CSVNumbers.Mark?

  func validate() throws {
    if maxBars < 1 { throw ValidationError("--max-bars must be 1 or more") }
    if !(speed >= 0 && speed < 1e9) { throw ValidationError("--speed must be 0 or more") }
    if maxAnswerSize.bytes < 1_024 { throw ValidationError("--max-answer-size must be 1KiB or more") }
    if exchange.isEmpty { throw ValidationError("--exchange is empty") }
    if symbols != nil, symbolsFile != nil { throw ValidationError("--symbols and --symbols-file exclude each other") }
    if sourceToken != nil, sourceTokenFile != nil {
      throw ValidationError("--source-token and --source-token-file exclude each other")
    }
  }

  func location() throws(Failure) -> SourceLocation { try SourceLocation(source) }

  /// In the order given, each once.
  /// - Throws: `Failure(.configuration)` when there are none.
  func symbolList() throws(Failure) -> [String] {
    var texts: [Substring] = []
    if let symbols {
      texts = symbols.split(separator: ",")
    } else if let symbolsFile {
      var reader = CSVReader(try readFile(symbolsFile))
      while let line = reader.next() {
        if let defect = line.defect {
          throw Failure(.configuration, code: "bad_symbol", "\(symbolsFile), line \(line.number): \(defect)")
        }
        texts.append((line.text(0) ?? "").prefix { $0 != "#" })
      }
      if let first = texts.first?.lowercased(), ["symbol", "symbols", "ticker"].contains(first) { texts.removeFirst() }
    } else {
      switch try location() {
      case .csv(let path), .replay(let path): texts = try BarFolder(path: path).symbols().map { $0[...] }
      case .json, .tradingView: break
      }
    }
    var list: [String] = []
    var known: Set<String> = []
    for text in texts {
      var symbol = text.trimmingCharacters(in: .whitespaces.union(.init(charactersIn: "\"")))
      if symbol.hasPrefix("\(exchange):") { symbol = String(symbol.dropFirst(exchange.count + 1)) }
      if symbol.isEmpty { continue }
      guard symbol.utf8.count <= 64, symbol.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x22 }) else {
        throw Failure(.configuration, code: "bad_symbol", "\(quoted(symbol, limit: 64)) is not a symbol such as COMI")
      }
      if known.insert(symbol).inserted { list.append(symbol) }
    }
    guard !list.isEmpty else {
      throw Failure(.configuration, code: "no_symbols", "--symbols COMI,ETEL or --symbols-file <path> is needed")
    }
    return list
  }

  /// - Throws: `Failure(.configuration)` for an empty or unreadable file.
  func token() throws(Failure) -> String? {
    guard let sourceTokenFile else { return sourceToken.flatMap { $0.isEmpty ? nil : $0 } }
    let text = String(decoding: try readFile(sourceTokenFile, limit: 64 << 10), as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard !text.isEmpty else { throw Failure(.configuration, code: "no_token", "\(sourceTokenFile) is empty") }
    return text
  }

  /// - Parameter live: keeps a TradingView connection open for bars as they change.
  func makeSource(
    clock: ExchangeClock, http: HTTPOptions, live: Bool, drain: Interruption, now: @escaping @Sendable () -> Int64
  ) throws -> any BarSource {
    let pace = Pace(gap: requestGap.duration, drain: drain)
    let location = try location()
    // A folder that is not there would look like an exchange without trade, for ever.
    switch location {
    case .csv(let path), .replay(let path): _ = try BarFolder(path: path).symbols()
    case .json, .tradingView: break
    }
    switch location {
    case .csv(let path): return CSVSource(folder: try folder(path), clock: clock)
    case .replay(let path): return ReplaySource(folder: try folder(path), speed: speed, drain: drain)
    case .json(let template):
      var limits = http.limits(maxBodyBytes: maxAnswerSize.bytes)
      limits.totalTime = answerTimeout.duration
      return JSONSource(
        template: template, exchange: exchange,
        mapping: try JSONMapping(shape: jsonShape, rows: jsonRows, fields: jsonFields),
        client: try http.makeClient(name: "egx-producer"), limits: limits, token: try token(), pace: pace, now: now)
    case .tradingView(let address):
      var settings = TradingViewSettings(url: address)
      settings.origin = sourceOrigin
      settings.exchange = exchange
      if let token = try token() { settings.token = token }
      settings.socket.caFile = http.access.fetchCAFile
      settings.socket.connectTime = http.fetchConnectTimeout.duration
      settings.answerTime = answerTimeout.duration
      settings.socket.maxMessageBytes = maxAnswerSize.bytes
      settings.maxBars = maxBars
      settings.live = live
      return TradingViewSource(settings: settings, clock: clock, pace: pace, drain: drain)
    }
  }

  /// - Throws: `Failure(.configuration)` for flags about CSV that cannot be meant.
  func folder(_ path: String) throws(Failure) -> BarFolder {
    BarFolder(path: path, format: try CSVFormat(
      columns: csvColumns, dates: csvDates, mark: csvDecimal, isIntraday: interval.isIntraday))
  }

  var review: BarReview.Settings {
    BarReview.Settings(interval: interval, exchange: exchange, closeOnly: !intradayCandles)
  }
}

/// Where bars go.
struct KafkaTarget: ParsableArguments {
  @Option(help: ArgumentHelp("The same as --kafka-bootstrap-servers.", valueName: "host:port,..."))
  var bootstrap: String?

  @Option(help: ArgumentHelp("Topic of the bars.", valueName: "name"))
  var topic = "egx_market_data"

  func validate() throws {
    if topic.isEmpty { throw ValidationError("--topic is empty") }
    if bootstrap?.isEmpty == true { throw ValidationError("--bootstrap is empty") }
  }

  func apply(to kafka: KafkaOptions) -> KafkaOptions {
    var kafka = kafka
    if let bootstrap { kafka.kafkaBootstrapServers = bootstrap }
    return kafka
  }
}

/// The flags about when to ask and what to repeat.
struct PollOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Latest bars asked for at every poll.", valueName: "count"))
  var nBars = 10

  @Option(help: ArgumentHelp(
    "Time from one poll to the next, such as 5m; a bare number is seconds.", valueName: "duration"))
  var pollInterval = PollInterval(.seconds(300))

  @Flag(help: "Poll once and exit.")
  var once = false

  @Flag(help: "Keep the connection to TradingView open and publish bars as they change.")
  var live = false

  @Flag(help: "Do not exit at the end of a recording or a --once poll; wait for the signal to stop.")
  var stay = false

  @Flag(help: "Publish bars again that have not changed.")
  var republish = false

  @Flag(help: "Poll also when the exchange is closed.")
  var always = false

  @Option(help: ArgumentHelp("Days without trading.", valueName: "2026-01-07,..."))
  var holidays: String?

  @Option(help: ArgumentHelp("File of such days, one per line.", valueName: "path"))
  var holidaysFile: String?

  @Option(help: ArgumentHelp("How long polling goes on after the close, in minutes.", valueName: "minutes"))
  var afterClose = 20

  @Option(help: ArgumentHelp(
    "File that remembers what was published, so that a restart repeats nothing. (default: memory)",
    valueName: "path"))
  var state: String?

  @Option(help: ArgumentHelp("Bars of a symbol that are remembered; at least --n-bars.", valueName: "count"))
  var rememberBars = 1_024

  /// Of the memory of one symbol: a bar that is asked for and not remembered would never be published as changed.
  var memory: Int { max(rememberBars, nBars) }

  func validate() throws {
    for (flag, value) in [("--n-bars", nBars), ("--remember-bars", rememberBars)] where value < 1 {
      throw ValidationError("\(flag) must be 1 or more")
    }
    if afterClose < 0 { throw ValidationError("--after-close must be 0 or more") }
    if pollInterval.duration < .seconds(1) { throw ValidationError("--poll-interval must be 1s or more") }
  }

  func barState(_ source: SourceOptions) -> BarState? {
    state.map { path in
      BarState(
        path: path.hasPrefix("file://") ? String(path.dropFirst(7)) : path, interval: source.interval,
        closeOnly: !source.intradayCandles)
    }
  }

  /// Nil: at all hours.
  /// - Throws: `Failure(.configuration)` for a day that is none.
  func calendar(_ clock: ExchangeClock) throws(Failure) -> TradingCalendar? {
    var days: Set<Int64> = []
    for text in (holidays ?? "").split(separator: ",") {
      guard let day = CivilDate(text.filter { $0 != " " })?.daysSinceEpoch else {
        throw Failure(.configuration, code: "bad_holiday", "--holidays: '\(text)' is not a date such as 2026-01-07")
      }
      days.insert(day)
    }
    if let holidaysFile {
      days.formUnion(try TradingCalendar.holidays(
        String(decoding: try readFile(holidaysFile), as: UTF8.self), path: holidaysFile))
    }
    return always ? nil : TradingCalendar(clock: clock, holidays: days, afterClose: afterClose)
  }
}

/// A length of time with its unit, or a bare number of seconds, as users of the older producer write it.
package struct PollInterval: ExpressibleByArgument, Hashable, Sendable {
  package var duration: Duration

  package init(_ duration: Duration) { self.duration = duration }

  package init?(argument: String) {
    if let setting = DurationSetting(text: argument) {
      duration = setting.duration
    } else if let seconds = Int64(argument), (0...1_000_000_000).contains(seconds) {
      duration = .seconds(seconds)
    } else {
      return nil
    }
  }

  package var defaultValueDescription: String { "\(DurationSetting(duration))" }
}
