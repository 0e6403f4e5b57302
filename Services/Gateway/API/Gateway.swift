import Core
import Feeds
import Influx
import Logging
import Messages
import Redis
import ServiceKit

/// What the endpoints of the API answer with, out of the stores, of the live topics and of the batch layer.
///
/// Each part may be away. What has two sources is answered by the one that is there; what cannot be answered without
/// the missing one is 503; either way the answer names what was away, and nothing has to be started anew afterwards.
/// What this gateway was not given at all has no endpoints.
struct Gateway: Sendable {
  let store: HotStore
  let live: LiveState
  /// nil without Kafka.
  let topics: LiveTopics?
  let writer: ChangeWriter?
  /// nil without a batch layer.
  let views: BatchViews?
  /// nil without Dask.
  let dask: DaskWatch?
  /// nil without a database of the older systems.
  let database: Database?
  /// nil without a time series database of the exchange.
  let exchange: InfluxClient?
  /// By symbol; nil: those of `market-splits`.
  var splitsGiven: [String: [StockSplit]]?
  let knowledge: Knowledge
  let calendar: NYSECalendar
  let staleAfter: Duration
  let listenerBacklog: Int
  /// Milliseconds since 1970.
  let now: @Sendable () -> Int64
  let started = ContinuousClock.now

  var endpoints: [Endpoint] {
    systemEndpoints + tickEndpoints + [symbolEndpoint] + viewEndpoints + textEndpoints + knowledgeEndpoints
      + (topics == nil ? [] : streamEndpoints + jobEndpoints)
      + (database == nil ? [] : productEndpoints + priceEndpoints + seriesEndpoints + forecastEndpoints)
      + (exchange == nil ? [] : exchangeEndpoints)
  }

  // MARK: - what endpoints share

  static let symbol = Parameter("symbol", .symbol, in: .path, "A stock or an option, as any provider writes it.")
  static let range = [
    Parameter("start", .time, "From here on; default the oldest that is kept."),
    Parameter("end", .time, "Up to here, not included; default now. Behind 'start' the range is empty."),
    limit(1_000, 10_000), cursor,
  ]
  static let cursor = Parameter("cursor", .cursor, "next_cursor of the page before; start is passed over then.")

  static func limit(_ standard: Int, _ most: Int) -> Parameter {
    Parameter("limit", .count(standard: standard, most: most), "Most on one page.")
  }

  /// Milliseconds since 1970; empty when the end is before the start.
  func range(_ call: Call) -> Range<Int64> {
    let start = call.cursor("cursor")?.time ?? call.time("start") ?? 0
    return start..<max(start, call.time("end") ?? now() + 1)
  }

  func unknown(_ symbol: String) -> Problem {
    Problem(404, "unknown_symbol", "nothing is known of \(symbol)")
  }

  func note(_ away: [Part]) { for part in away { GatewayMetrics.degraded(part.rawValue) } }

  /// Gaps of a symbol's feeds, in order, and what was away.
  func known(gapsOf symbol: String) async throws -> (gaps: [FeedGap], away: [Part]) {
    let gaps: [FeedGap], away: [Part]
    if topics?.isFollowing == true {
      (gaps, away) = (live.gaps(of: symbol), [])
    } else {
      (gaps, away) = (try await store.gaps(of: symbol), topics == nil ? [] : [.kafka])
    }
    return (gaps.sorted { ($0.fromNs, $0.id) < ($1.fromNs, $1.id) }, away)
  }

  /// What the live topics know of the gaps of a symbol, where the store that has all is away.
  func gapsAtHand(of symbol: String, in range: Range<Int64>) async -> (gaps: [FeedGap], away: [Part]) {
    let (gaps, away) = (try? await known(gapsOf: symbol)) ?? (live.gaps(of: symbol), [.redis])
    return (gaps.filter { gap in
      gap.fromNs / 1_000_000 < range.upperBound && (gap.toNs ?? .max) / 1_000_000 >= range.lowerBound
    }, away)
  }
}

/// What every answer says of itself.
struct Truth: Sendable {
  /// Milliseconds since 1970: up to here rows are of the batch layer; nil when all are live.
  var batchUntil: Int64?
  /// Nanoseconds since 1970.
  var watermark: Int64?
  var feedGaps: [FeedGap] = []
  var viewGaps: [ViewGap] = []
  var away: [Part] = []
}

extension JSONWriter {
  /// The four members that every answer ends with.
  mutating func truth(_ truth: Truth) {
    time("batch_until", ms: truth.batchUntil)
    time("watermark", ns: truth.watermark)
    key("gaps")
    beginArray()
    for gap in truth.viewGaps {
      beginObject()
      time("from", ms: gap.range.lowerBound)
      time("to", ms: gap.range.upperBound)
      field("reason", gap.reason.rawValue)
      endObject()
    }
    for gap in truth.feedGaps {
      beginObject()
      field("id", gap.id)
      field("feed", gap.feed)
      field("symbol", gap.symbol)
      key("channels")
      strings(gap.channels)
      time("from", ns: gap.fromNs)
      time("to", ns: gap.toNs)
      field("why", gap.why.rawValue)
      field("state", gap.state.rawValue)
      if let reason = gap.reason { field("reason", reason) }
      endObject()
    }
    endArray()
    key("degraded")
    strings(truth.away.map(\.rawValue).unique)
  }

  /// A member that is a text or null.
  mutating func text(_ name: String, _ value: String?) {
    key(named: name)
    if let value { string(value) } else { null() }
  }

  mutating func cursor(_ cursor: Cursor?) { text("next_cursor", cursor?.text) }
}
