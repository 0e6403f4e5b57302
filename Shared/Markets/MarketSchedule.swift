import Core
import Feeds
import StrictYAML
import Values

/// When to ask a source of market data for what: one entry of `schedules.yaml`.
package struct MarketSchedule: Sendable {
  package var name: String
  package var kind: FetchKind
  package var source: DataSource
  /// Canonical; empty: one task without symbols.
  package var symbols: [String]
  /// Of bars.
  package var interval: BarInterval?
  package var times: RunTimes
  /// As `plan` shows them: `every 1m, regular hours`.
  package var pace: String
  /// How long after its run a task is due: providers need a moment until a minute's bar is there.
  package var delay: Duration
  /// How long after its due time a task is still useful; nil: for ever.
  package var deadline: Duration?
  package var missed: MissedRuns
  package var missedLimit: Int
  /// The tasks of one run are spread over this time.
  package var spread: Duration
  package var lookback: Duration?

  /// The symbols of each task of one run.
  package var tasks: [[String]] {
    guard !symbols.isEmpty else { return [[]] }
    let size = source.kind.symbolsAtOnce(kind) ?? symbols.count
    return stride(from: 0, to: symbols.count, by: size).map { Array(symbols[$0..<min(symbols.count, $0 + size)]) }
  }

  /// What it asks for, for people: `1m bars`.
  package var subject: String { "\(interval.map { "\($0.rawValue) " } ?? "")\(kind.rawValue)" }
}

/// As YAML:
///
///     schedules:
///       - name: bars-1m
///         kind: bars
///         source: alpaca          # of data_sources.yaml; else its first that has the kind
///         symbols: tickers        # tickers: all of tickers.txt | none | [AAPL, BRK.B]
///         interval: 1m            # of bars
///         every: 1m               # or cron: "*/5 9-16 * * mon-fri" with zone: America/New_York
///         hours: regular          # regular | extended | always: sessions of New York, half days included
///         delay: 3s               # after the minute
///         deadline: 2m            # after the due time; without it a task is wanted for ever
///         missed: latest          # catch_up | latest | skip
///         missed-limit: 24
///         spread: 20s             # the tasks of one run are due over this time
///         lookback: 15m           # how far back bars are asked for again, because late trades change them
extension MarketSchedule {
  static let keys = [
    "name", "kind", "source", "symbols", "interval", "every", "cron", "zone", "hours", "delay", "deadline", "missed",
    "missed-limit", "spread", "lookback",
  ]

  /// - Parameters:
  ///   - tickers: canonical symbols.
  ///   - mayLackSource: answers nil when no source has the kind.
  /// - Throws: a configuration `Failure` with the line and what is wrong there.
  init?(
    _ value: YAMLValue, origin: String, tickers: [String], sources: [DataSource], calendar: NYSECalendar,
    mayLackSource: Bool
  ) throws(Failure) {
    let fields = try YAMLFields(value, of: "schedule", known: Self.keys, origin: origin)
    name = try fields.required("name")
    guard RoutingKey.isWord(Array(name.utf8)) else {
      throw fields.wrong("name", "1 to 63 of a-z, 0-9, '-' and '_' are expected")
    }
    guard let kind = try fields.choice("kind", as: FetchKind.self) else { throw fields.wrong("kind is missing") }
    self.kind = kind
    guard let source = try Self.source(fields, kind, sources, mayLackSource) else { return nil }
    self.source = source
    symbols = try Self.symbols(fields, tickers)
    interval = try Self.interval(fields, kind)
    (times, pace) = try Self.times(fields, calendar)
    delay = try fields.duration("delay") ?? .zero
    guard delay < .seconds(3_600) else { throw fields.wrong("delay", "less than 1h is expected") }
    deadline = try fields.duration("deadline")
    if let deadline, deadline < .seconds(1) { throw fields.wrong("deadline", "1s or more is expected") }
    missed = try fields.choice("missed", as: MissedRuns.self) ?? .latest
    if missed != .catchUp, fields.value("missed-limit") != nil {
      throw fields.wrong("missed-limit", "it is for 'missed: catch_up' only")
    }
    missedLimit = try fields.count("missed-limit", in: 1...100_000) ?? 24
    spread = try fields.duration("spread") ?? .zero
    guard spread < .seconds(86_400) else { throw fields.wrong("spread", "less than 1d is expected") }
    lookback = try fields.duration("lookback")
  }

  private static func source(
    _ fields: YAMLFields, _ kind: FetchKind, _ sources: [DataSource], _ mayLackSource: Bool
  ) throws(Failure) -> DataSource? {
    guard let name = try fields.text("source") else {
      if let first = sources.first(where: { $0.kind.tasks.contains(kind) }) { return first }
      if mayLackSource { return nil }
      throw fields.wrong("source is missing, and no source of data_sources.yaml has \(kind.rawValue)")
    }
    guard let source = sources.first(where: { $0.name == name }) else {
      if mayLackSource { return nil }
      throw fields.wrong("source", "'\(name)' is none of \(sources.map(\.name).joined(separator: ", "))")
    }
    guard source.kind.tasks.contains(kind) else {
      throw fields.wrong("source", "\(name) (\(source.kind.rawValue)) has no \(kind.rawValue)")
    }
    return source
  }

  private static func symbols(_ fields: YAMLFields, _ tickers: [String]) throws(Failure) -> [String] {
    switch fields.value("symbols")?.text {
    case "none": return []
    case "tickers": break
    case nil where fields.value("symbols") == nil: break
    default:
      var symbols: [String] = []
      for text in try fields.texts("symbols") ?? [] {
        guard let symbol = Tickers.canonical(text) else { throw fields.wrong("symbols", "'\(text)' is no symbol") }
        if !symbols.contains(symbol) { symbols.append(symbol) }
      }
      guard !symbols.isEmpty else { throw fields.wrong("symbols", "tickers, none or a list is expected") }
      return symbols
    }
    guard !tickers.isEmpty else { throw fields.wrong("symbols", "there are no tickers: see --tickers-file") }
    return tickers
  }

  private static func interval(_ fields: YAMLFields, _ kind: FetchKind) throws(Failure) -> BarInterval? {
    let interval = try fields.choice("interval", as: BarInterval.self)
    guard kind == .bars || interval == nil else { throw fields.wrong("interval", "it is for bars only") }
    return kind == .bars ? interval ?? .minute : nil
  }

  private static func times(
    _ fields: YAMLFields, _ calendar: NYSECalendar
  ) throws(Failure) -> (times: RunTimes, pace: String) {
    let hours = try fields.choice("hours", as: NYSECalendar.Hours.self) ?? .regular
    let where_ = hours == .always ? "always" : "\(hours.rawValue) hours"
    if let every = try fields.duration("every") {
      guard fields.value("cron") == nil, fields.value("zone") == nil else {
        throw fields.wrong("every", "either every, or cron with its zone")
      }
      let seconds = every.components.seconds
      guard every == .seconds(seconds), (1...86_400).contains(seconds), 86_400 % seconds == 0 else {
        throw fields.wrong("every", "seconds that divide a day are expected, such as 30s, 1m or 2h")
      }
      return (RunTimes(.every(seconds), hours, of: calendar), "every \(DurationSetting(every)), \(where_)")
    }
    guard let text = try fields.text("cron") else { throw fields.wrong("every or cron is missing") }
    do {
      let zone = try fields.text("zone") ?? "UTC"
      let pace = RunTimes.Pace.cron(try CronExpression(text), try ZoneTable(identifier: zone))
      return (RunTimes(pace, hours, of: calendar), "cron \(text) \(zone), \(where_)")
    } catch let error as CronError {
      throw fields.wrong("cron", "\(error)")
    } catch let failure as Failure {
      throw fields.wrong("zone", failure.message)
    } catch {
      throw fields.wrong("cron", "\(error)")
    }
  }
}
