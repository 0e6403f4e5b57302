import ArgumentParser
import Core
import Feeds
import Markets

/// Symbols, of a file, of the command line, or of both.
struct TickersOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "A file of symbols, one a line; what follows # or the first blank is passed over.", valueName: "path"))
  var tickersFile: String?
  @Option(help: ArgumentHelp("Symbols, separated by commas.", valueName: "list"))
  var tickers: String?

  func require() throws {
    guard tickersFile != nil || tickers != nil else {
      throw ValidationError("name symbols with --tickers-file or --tickers")
    }
  }

  /// - Throws: a configuration `Failure`.
  func symbols() throws(Failure) -> [String] {
    let ofFile = try tickersFile.map { (path) throws(Failure) in try Tickers.load(file: path) } ?? []
    return ofFile + (try tickers.map { (text) throws(Failure) in try Tickers.list(text, flag: "--tickers") } ?? [])
  }
}

/// Who is asked.
struct ProviderOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "The source of --data-sources to ask (default: the first with a key).", valueName: "name"))
  var provider: String?
  @Option(help: ArgumentHelp(
    "File of providers, keys and limits (default: the free plans, keys by their usual variables).", valueName: "path"))
  var dataSources: String?

  /// - Throws: a configuration `Failure`.
  func source(needsKey: Bool = true) throws(Failure) -> (source: DataSource, feed: Feed) {
    let sources = try DataSource.load(file: dataSources).filter { $0.kind.feed != nil }
    let names = sources.map(\.name).joined(separator: ", ")
    guard let provider else {
      for source in sources where (try? source.key?.resolve()) != nil {
        if let feed = source.kind.feed { return (source, feed) }
      }
      throw Failure(.configuration, code: "no_provider", "none of \(names) has its key; see --data-sources")
    }
    guard let source = sources.first(where: { $0.name == provider }), let feed = source.kind.feed else {
      throw Failure(.configuration, code: "unknown_provider", "--provider: '\(provider)' is none of \(names)")
    }
    if needsKey { _ = try source.key?.resolve() }
    return (source, feed)
  }
}

/// Times as people write them on a command line, in nanoseconds since 1970.
struct MarketTimes {
  let calendar: NYSECalendar

  init(_ calendar: NYSECalendar) { self.calendar = calendar }

  /// When a day begins in New York. Its number may lie outside its month.
  func midnight(_ day: Int64) -> Int64 {
    let date = CivilDate(daysSinceEpoch: day)
    return calendar.zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds * 1_000_000_000
  }

  /// - Throws: a configuration `Failure` naming the flag.
  func instant(_ text: String, flag: String) throws(Failure) -> Int64 {
    if let date = CivilDate(text) { return midnight(date.daysSinceEpoch) }
    let bytes = Array(text.utf8)
    guard let instant = FeedStamp.nanoseconds(rfc3339: bytes.span.bytes) else {
      throw Failure(
        .configuration, code: "bad_time", "\(flag): '\(text)' is not like 2026-01-31 or 2026-01-31T14:30:00Z")
    }
    return instant
  }

  func date(_ nanoseconds: Int64) -> String {
    CivilDate(daysSinceEpoch: calendar.day(of: nanoseconds / 1_000_000_000)).description
  }
}
