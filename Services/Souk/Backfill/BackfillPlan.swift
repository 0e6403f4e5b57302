import Core
import Feeds
import Messages

/// The bars that a back-fill is about, cut into the periods and lists of symbols that are asked for at once. Pure.
struct BackfillPlan: Sendable {
  let feed: Feed
  let interval: BarInterval
  /// Canonical, ascending, each once.
  let symbols: [String]
  /// Of the starts of bars, in nanoseconds since 1970.
  let range: Range<Int64>

  /// What one question is about.
  struct Chunk: Hashable, Sendable {
    var period: String
    var symbols: [String]
    var range: Range<Int64>
  }

  /// What is known of a period of a symbol, by `BackfillStatus.name`.
  typealias Known = [String: BackfillStatus]

  init(_ feed: Feed, _ interval: BarInterval, symbols: [String], range: Range<Int64>) {
    self.feed = feed
    self.interval = interval
    self.symbols = Set(symbols).sorted()
    self.range = range
  }

  /// - Returns: nil for a job of a feed or interval that this version does not know.
  init?(_ job: BackfillJob) {
    guard let feed = Feed(rawValue: job.feed), let interval = BarInterval(rawValue: job.interval),
      job.fromNs <= job.untilNs
    else { return nil }
    self.init(feed, interval, symbols: job.symbols, range: job.fromNs..<job.untilNs)
  }

  func job(startedNs: Int64) -> BackfillJob {
    var json = JSONWriter()
    json.strings([feed.rawValue, interval.rawValue, "\(range.lowerBound)", "\(range.upperBound)"] + symbols)
    return BackfillJob(
      jobID: String(SHA256.hash(json.array()).hex.prefix(16)), feed: feed.rawValue, interval: interval.rawValue,
      symbols: symbols, fromNs: range.lowerBound, untilNs: range.upperBound, startedNs: startedNs)
  }

  private var parts: [(name: String, range: Range<Int64>)] {
    let periods = BarPeriods(feed, interval)
    return periods.parts(of: range).map { (periods.period(of: $0.lowerBound).name, $0) }
  }

  /// Periods of symbols.
  var size: Int { parts.count * symbols.count }

  /// What is left to be asked, in lanes that may run at once: a lane has all of some symbols, the earliest first, since
  /// a series takes its samples many times faster in their order.
  /// - Parameter parallel: lanes that will run at once; where a question may be about many symbols, there are so many.
  func lanes(_ known: Known, parallel: Int) -> [[Chunk]] {
    let size = max(1, min(feed.symbolsAtOnce, (symbols.count + parallel - 1) / max(1, parallel)))
    let parts = parts
    return stride(from: 0, to: symbols.count, by: size).compactMap { start in
      let group = symbols[start..<min(symbols.count, start + size)]
      let lane = parts.flatMap { part -> [Chunk] in
        var wanted: [Range<Int64>: [String]] = [:]
        for symbol in group {
          let status = known[BackfillStatus.name(feed.rawValue, interval.rawValue, symbol, part.name)]
          if let missing = Self.missing(of: part.range, status) { wanted[missing, default: []].append(symbol) }
        }
        return wanted.sorted { $0.key.lowerBound < $1.key.lowerBound }
          .map { Chunk(period: part.name, symbols: $0.value, range: $0.key) }
      }
      return lane.isEmpty ? nil : lane
    }
  }

  /// Of a part of a period, what is still to be asked: all of it, what lies behind the known, or nothing.
  static func missing(of part: Range<Int64>, _ status: BackfillStatus?) -> Range<Int64>? {
    guard let status, status.fromNs <= part.lowerBound, status.untilNs >= part.lowerBound else { return part }
    return status.untilNs >= part.upperBound ? nil : max(part.lowerBound, status.untilNs)..<part.upperBound
  }

  /// What is known of a chunk's symbol once it was read: with what was known before where that is next to it.
  func status(
    _ chunk: Chunk, _ symbol: String, bars: Int64, knownNs: Int64, reason: String?, before: BackfillStatus?
  ) -> BackfillStatus {
    var status = BackfillStatus(
      feed: feed.rawValue, interval: interval.rawValue, symbol: symbol, period: chunk.period,
      state: reason == nil ? .done : .refused, fromNs: chunk.range.lowerBound, untilNs: chunk.range.upperBound,
      bars: bars, knownNs: knownNs, reason: reason)
    if let before, before.state == status.state, before.untilNs == status.fromNs {
      status.fromNs = before.fromNs
      status.bars += before.bars
    }
    return status
  }

  // MARK: - progress and cost

  struct Standing: Hashable, Sendable {
    var done = 0
    var refused = 0
    var bars: Int64 = 0
  }

  /// How much of the plan is settled.
  func standing(_ known: Known) -> Standing {
    var standing = Standing()
    for part in parts {
      for symbol in symbols {
        guard let status = known[BackfillStatus.name(feed.rawValue, interval.rawValue, symbol, part.name)] else {
          continue
        }
        standing.bars += status.bars
        guard Self.missing(of: part.range, status) == nil else { continue }
        if status.state == .done { standing.done += 1 } else { standing.refused += 1 }
      }
    }
    return standing
  }

  struct Cost: Hashable, Sendable {
    var chunks = 0
    var requests = 0
    /// At most: minutes without a trade have no bar.
    var bars = 0
  }

  /// What lanes cost at most, in requests and bars.
  func cost(_ lanes: [[Chunk]], _ calendar: NYSECalendar) -> Cost {
    var cost = Cost()
    var expected: [Range<Int64>: Int] = [:]
    for chunk in lanes.joined() {
      let each = expected[chunk.range] ?? bars(in: chunk.range, calendar)
      expected[chunk.range] = each
      cost.chunks += chunk.symbols.count
      cost.bars += each * chunk.symbols.count
      cost.requests += question(chunk).requests(ofBars: each * chunk.symbols.count)
    }
    return cost
  }

  func question(_ chunk: Chunk) -> FeedQuestion {
    FeedQuestion(
      feed: feed, channel: .bars, interval: interval, symbols: chunk.symbols,
      range: chunk.range.lowerBound...max(chunk.range.lowerBound, chunk.range.upperBound - 1))
  }

  /// Bars of one symbol that trades in every minute of the extended hours.
  private func bars(in range: Range<Int64>, _ calendar: NYSECalendar) -> Int {
    let seconds = range.lowerBound / 1_000_000_000..<range.upperBound / 1_000_000_000
    guard !seconds.isEmpty else { return 0 }
    return (calendar.day(of: seconds.lowerBound)...calendar.day(of: seconds.upperBound - 1)).reduce(0) { sum, day in
      guard let session = calendar.session(on: day) else { return sum }
      if interval == .day { return sum + 1 }
      let open = session.range(.extended).clamped(to: seconds)
      return sum + Int((Int64(open.count) + interval.minutes * 60 - 1) / (interval.minutes * 60))
    }
  }
}

/// How long requests take at least under an account's limits.
enum BudgetTime {
  /// - Returns: zero without limits. A day's limit takes whole days.
  static func least(_ requests: Int, _ limits: RateLimits) -> Duration {
    limits.limits.map { limit -> Duration in
      let beyond = requests - (limit.isDaily ? limit.count : limit.burst)
      guard beyond > 0 else { return .zero }
      if limit.isDaily { return .seconds(86_400) * ((beyond + limit.count - 1) / limit.count) }
      return limit.interval * (Double(beyond) / Double(limit.count))
    }.max() ?? .zero
  }
}
