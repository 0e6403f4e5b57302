import Catalogue
import Core
import Feeds
import Logging
import Markets
import Messages
import Metrics
import Values

/// Bars by REST: those of the look-back that are new or changed. A known start replaces the earlier bar, with the next
/// revision; an equal one is not published again.
///
/// When a series was not asked about for longer than the look-back, it is asked about from its last bar on, for at most
/// `reach`; what lies further back is for a back-fill, and counted.
package struct BarsAdapter: FetchAdapter {
  private let store: any HistoryStore<BarHistory>
  private let calendar: NYSECalendar
  private let logger: Logger
  private let unreached = Counter(label: "souk_fetch_bars_unreached_total")
  private let lost = Counter(label: "souk_fetch_bars_lost_total")

  /// How far back a task asks at most.
  static let reach: [BarInterval: Duration] = [.day: .seconds(30 * 86_400)]
  static let usualReach = Duration.seconds(86_400)
  /// How far back it asks unless it says so: late trades change bars for a quarter of an hour.
  static let lookback: [BarInterval: Duration] = [.day: .seconds(5 * 86_400)]
  static let usualLookback = Duration.seconds(900)

  /// - Throws: a configuration `Failure` without the zone of New York.
  package init(store: any HistoryStore<BarHistory>, logger: Logger) throws(Failure) {
    self.store = store
    self.logger = logger
    calendar = try NYSECalendar()
  }

  static let descriptions = [
    MetricDescription(
      "souk_fetch_bars_unreached_total", .counter,
      "Series whose last bar is further back than a task asks: what is missing is for a back-fill."),
    MetricDescription("souk_fetch_bars_lost_total", .counter, "Rows of answers that cannot be read, left out."),
  ]

  package func fetch(_ task: FetchTask, from source: SourceClient, now: Timestamp) async throws -> Fetched {
    guard let feed = source.source.kind.feed else {
      throw FetchError(.noSource, "\(source.source.name) has no bars")
    }
    guard let interval = BarInterval(rawValue: task.interval ?? BarInterval.minute.rawValue) else {
      throw FetchError(.requestRefused, "no bars have the interval '\(task.interval ?? "")'")
    }
    let symbols = task.symbols.compactMap { SymbolNames.canonical($0, from: .alpaca) }
    guard !symbols.isEmpty, symbols.count == task.symbols.count else {
      throw FetchError(.symbolUnknown, "the task has no symbols, or one that is none")
    }
    let names = symbols.map { "\(feed.rawValue):\($0):\(interval.rawValue)" }
    let known = try await store.histories(of: names)
    let range = range(of: task, interval, known.map(\.history), now: now, source: source.source.name)
    let reading = Reading(feed, interval, range)
    var fetched = Fetched()
    let access = FeedAccess(
      feed, base: source.source.url, key: source.keys.key, secret: source.keys.secret)
    let isRecent = now.microseconds * 1_000 - range.lowerBound < FeedQuestion.recentBars * interval.nanoseconds
    for question in FeedQuestion.bars(feed, interval, of: symbols, in: range, isRecent: isRecent) {
      do {
        let result = try await FeedPages.read(question) { path in
          try await source.page(path, of: access, for: task) { try Reading.verify($0, question) }
        } read: { page, question, knownNs in
          try reading.read(page, question, knownNs)
        } waits: { failed in
          // The gate waits for all replicas together.
          throw failed.error
        }
        for (symbol, error) in result.refused {
          fetched.refused[symbol] = FetchError.meaning(of: error) as? any ClassifiedError ?? error
        }
      } catch let refusal as FeedRefusal {
        throw FetchError.meaning(of: refusal)
      }
    }
    lost.increment(by: reading.lost)
    publish(reading.bars, names, known, interval, into: &fetched)
    return fetched
  }

  /// The last minutes of the running session, or of the last one.
  package func testTask(of source: String, _ symbols: [String], now: Timestamp) -> FetchTask {
    let seconds = now.microseconds / 1_000_000
    let today = calendar.day(of: seconds)
    let session = (0..<14).lazy.compactMap { calendar.session(on: today - $0) }.first { $0.open + 900 < seconds }
    let due = Timestamp(microseconds: min(seconds, session?.close ?? seconds) * 1_000_000) ?? now
    return FetchTask(
      kind: .bars, source: source, symbols: symbols, interval: BarInterval.minute.rawValue, lookback: 900, dueAt: due)
  }

  /// From the look-back, or the last known bar, to the last bar that is whole when the task is due.
  private func range(
    of task: FetchTask, _ interval: BarInterval, _ known: [BarHistory], now: Timestamp, source: String
  ) -> Range<Int64> {
    // A task that waited asks about what it was due for; later bars are the next one's.
    let due = (task.dueAt ?? now).microseconds * 1_000
    let step = interval == .day ? BarInterval.minute.nanoseconds : interval.nanoseconds
    let end = due.flooredDivision(by: step).quotient * step
    let lookback = task.lookback.map { Duration.seconds($0) } ?? Self.lookback[interval] ?? Self.usualLookback
    let usual = (end - max(lookback.nanoseconds, step)).flooredDivision(by: step).quotient * step
    let limit = end - (Self.reach[interval] ?? Self.usualReach).nanoseconds
    var start = usual
    for latest in known.compactMap(\.latestNs) where latest + interval.nanoseconds < usual {
      let (from, to) = ((latest + interval.nanoseconds) / 1_000_000_000, usual / 1_000_000_000)
      // Nothing is missing of a night.
      guard calendar.isOpen(within: from..<to, .regular) else { continue }
      if latest < limit {
        unreached.increment()
        logger.warning("bars before the reach of the task are left to a back-fill", metadata: [
          "source": "\(source)", "schedule": "\(task.schedule ?? "")",
          "since": "\(Timestamp(microseconds: latest / 1_000) ?? .epoch)",
        ])
      }
      start = min(start, max(latest, limit))
    }
    return min(start, end - 1)..<end
  }

  private func publish(
    _ bars: [FeedBar], _ names: [String], _ known: [Remembered<BarHistory>], _ interval: BarInterval,
    into fetched: inout Fetched
  ) {
    var histories = Dictionary(zip(names, known), uniquingKeysWith: { first, _ in first })
    var changed: Set<String> = []
    // As many as a task asks about at most, and half a day more.
    let depth = Int((Self.reach[interval] ?? Self.usualReach).nanoseconds / interval.nanoseconds) / 2 * 3
    for var bar in bars {
      let name = "\(bar.feed):\(bar.symbol):\(bar.interval)"
      guard histories[name] != nil, let revision = histories[name]?.history.note(
        bar.values, depth: min(depth, 500)) else { continue }
      bar.values.revision = revision
      changed.insert(name)
      fetched.add(bar)
    }
    let (store, news) = (store, histories.filter { changed.contains($0.key) })
    fetched.remember = { try await store.keep(news) }
  }
}

/// What the pages of the answers to one task say.
private final class Reading {
  private var decoder: HistoryDecoder
  private var visitor: Visitor

  init(_ feed: Feed, _ interval: BarInterval, _ range: Range<Int64>) {
    decoder = HistoryDecoder(feed)
    visitor = Visitor(interval: interval.rawValue, range: range)
  }

  var bars: [FeedBar] { visitor.bars }
  var lost: Int { visitor.lost }

  func read(_ page: [UInt8], _ question: FeedQuestion, _ knownNs: Int64) throws -> String? {
    try decoder.page(page.span.bytes, of: question, knownNs: knownNs, to: &visitor)
  }

  /// Alpha Vantage refuses with status 200: its answer is read while the gate still counts the request.
  static func verify(_ page: [UInt8], _ question: FeedQuestion) throws {
    guard question.feed == .alphaVantage else { return }
    var decoder = HistoryDecoder(question.feed)
    var visitor = Visitor(interval: "", range: 0..<0)
    do {
      _ = try decoder.page(page.span.bytes, of: question, knownNs: 0, to: &visitor)
    } catch let failure as DecodingFailure {
      throw FeedRefusal(.unreadable, "the answer cannot be read: \(failure)")
    }
  }

  private struct Visitor: FeedVisitor {
    let interval: String
    let range: Range<Int64>
    var bars: [FeedBar] = []
    var lost = 0

    mutating func take(_ bar: FeedBarView) {
      guard range.contains(bar.fields.values.startNs) else { return }
      let found = FeedBar(
        symbol: text(bar.symbol), feed: text(bar.feed), interval: text(bar.interval), values: bar.fields.values)
      if found.interval == interval { bars.append(found) }
    }
    mutating func take(_ tick: FeedTickView) {}
    mutating func take(_ control: FeedControl) {}
    mutating func refuse(_ failure: DecodingFailure) { lost += 1 }
    mutating func ignore() {}

    private func text(_ span: RawSpan) -> String { span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
  }
}
