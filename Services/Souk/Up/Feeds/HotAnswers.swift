import Core
import Messages
import ServiceKit
import Values

/// The same numbers asked of the simulated market, of the hot store and of the archive.
struct HotAnswers: ComparedAnswers {
  let truth: FeedTruth
  let store: HotStoreSide
  /// nil where other runs archive, too.
  var archive: ArchiveSide?

  var differences: [String] {
    truth.series.keys.sorted().compactMap { symbol in
      guard let happened = truth.series[symbol] else { return nil }
      let held = store.series[symbol] ?? HotStoreSide.Series()
      let archived = archive.map { $0.series[symbol] ?? ArchiveSide.Series() }
      let isHeld = held.trades == happened.trades && held.price == happened.price
        && Self.minutes(held.closes, happened) == happened.closes
      let isArchived = archived.map {
        $0.trades == happened.trades && $0.price == happened.price
          && Self.minutes($0.closes, happened) == happened.closes
      } ?? true
      if isHeld, isArchived { return nil }
      return "\(symbol): \(happened.trades) trades, the last at \(happened.price), and \(happened.closes.count) bars "
        + "have happened; Redis has \(held.trades), \(Self.text(held.price)) and \(held.closes.count)"
        + (archived.map { ", the archive \($0.trades), \(Self.text($0.price)) and \($0.closes.count)" } ?? "")
    } + store.gaps.filter { $0.state != .filled }.map { "\($0.symbol): a gap is \($0.state.rawValue)" }
  }

  /// At most 80 columns.
  var lines: [String] {
    var table = TextTable([
      "SYMBOL", .right("PRICE"), .right("REDIS"), .right("ARCHIVE"), .right("TRADES"), .right("REDIS"),
      .right("ARCHIVE"), .right("BARS"), .right("REDIS"), .right("ARCHIVE"),
    ])
    for symbol in truth.series.keys.sorted() {
      guard let happened = truth.series[symbol] else { continue }
      let held = store.series[symbol] ?? HotStoreSide.Series()
      table.append([
        symbol, "\(happened.price)", Self.text(held.price), Self.text(archive?.series[symbol]?.price),
        grouped(happened.trades), grouped(held.trades), archive.map { grouped($0.series[symbol]?.trades ?? 0) } ?? "-",
        grouped(happened.closes.count), grouped(Self.minutes(held.closes, happened).count),
        archive.map { grouped(Self.minutes($0.series[symbol]?.closes ?? [:], happened).count) } ?? "-",
      ])
    }
    var lines = ["", "What has happened, and what do Redis and the archive hold?", ""] + table.lines
    if let (symbol, start, changes) = mostRevised {
      let close = Self.text(store.series[symbol]?.closes[start])
      lines += ["", "A revised bar: \(symbol) \(Self.minute(start)) closed at \(close) after \(changes) changes."]
    }
    if !store.gaps.isEmpty {
      var gaps = TextTable([
        "GAP OF", "FROM (UTC)", .right("SECONDS"), "WHY", "STATE", .right("ADDED"), .right("CLOSED AFTER"),
      ])
      for gap in store.gaps.prefix(20) { gaps.append(Self.row(gap)) }
      lines += ["", "Where was the feed not heard?", ""] + gaps.lines
    }
    if differences.isEmpty { lines += ["", "The last prices, all trades and all bars agree, and no gap is open."] }
    return lines
  }

  /// Those of the minutes of the run: a schedule or a back-fill may have brought others.
  private static func minutes(_ closes: [Int64: Double], _ happened: FeedTruth.Series) -> [Int64: Double] {
    closes.filter { happened.closes[$0.key] != nil }
  }

  private static func text(_ price: Double?) -> String { price.map { "\($0)" } ?? "-" }

  /// The bar with most changes.
  private var mostRevised: (symbol: String, start: Int64, changes: Int)? {
    store.series.flatMap { symbol, series in series.revisions.map { (symbol, $0.key, $0.value) } }
      .max { ($0.2, $1.0, $1.1) < ($1.2, $0.0, $0.1) }
  }

  private static func row(_ gap: FeedGap) -> [String] {
    let seconds = gap.toNs.map { "\(($0 - gap.fromNs) / 1_000_000_000)" } ?? "-"
    let took = gap.closedNs.map { "\(Double(($0 - gap.openedNs) / 100_000_000) / 10) s" } ?? "-"
    return [
      gap.symbol, clock(gap.fromNs / 1_000), seconds, gap.why.rawValue, gap.state.rawValue, grouped(Int(gap.added)),
      took,
    ]
  }

  /// `14:31` of milliseconds since 1970.
  private static func minute(_ milliseconds: Int64) -> String { String(clock(milliseconds * 1_000).prefix(5)) }

  /// `14:31:07` of microseconds since 1970.
  private static func clock(_ microseconds: Int64) -> String {
    LocalDateTime(microseconds: microseconds).map { String("\($0)".dropFirst(11).prefix(8)) } ?? "-"
  }

  /// While it runs: prices, as many as a line of 80 columns has, and what the feed's gaps are.
  static func live(_ prices: [(symbol: String, price: String?)], _ gaps: [FeedGap]) -> [String] {
    var lines = [""]
    for (symbol, price) in prices {
      let text = "\(symbol) \(price ?? "-")"
      if lines[lines.count - 1].count + text.count > 76 { lines.append("") }
      lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : "   ") + text
    }
    let open = gaps.filter { $0.state == .open }
    let closed = gaps.filter { $0.state != .open }
    if !open.isEmpty {
      let from = clock(open[0].fromNs / 1_000)
      lines.append("gap       open since \(from) UTC for \(open.count) symbols: \(open[0].why.rawValue)")
    } else if !closed.isEmpty {
      let added = closed.reduce(0) { $0 + $1.added }
      lines.append(
        "gap       closed for \(closed.count) symbols: \(closed[0].state.rawValue), \(grouped(Int(added))) events")
    }
    return [""] + lines
  }
}
