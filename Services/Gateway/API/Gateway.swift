import Core
import Feeds
import Logging
import Messages
import Redis
import ServiceKit
import Synchronization

/// What the endpoints of the API answer with, out of the store and of the live topics.
///
/// Each part may be away. What has both sources is answered by the one that is there; what cannot be answered without
/// the missing one is 503; either way the answer names what was away, and nothing has to be started anew afterwards.
struct Gateway: Sendable {
  let store: HotStore
  let live: LiveState
  /// nil without Kafka.
  let topics: LiveTopics?
  let subscriptions: SubscriptionWriter?
  let staleAfter: Duration
  let listenerBacklog: Int
  /// Milliseconds since 1970.
  let now: @Sendable () -> Int64
  let started = ContinuousClock.now

  private static let tickFields = ["price", "size", "bid", "ask", "bid_size", "ask_size"]
  private static let barFields = ["open", "high", "low", "close", "volume", "vwap", "trades"]

  // MARK: - endpoints

  var endpoints: [Endpoint] {
    let symbol = Parameter("symbol", .symbol, in: .path, "A stock or an option, as any provider writes it.")
    let range = [
      Parameter("start", .time, "From here on; default the oldest that is kept."),
      Parameter("end", .time, "Up to here, not included; default now."),
      Parameter("limit", .count(standard: 1_000, most: 10_000), "Most on one page."),
      Parameter("cursor", .cursor, "next_cursor of the page before; start is passed over then."),
    ]
    let feeds = Feed.allCases.filter { !$0.channels.isEmpty }.map(\.rawValue)
    let feed = Parameter("feed", .choice(feeds, standard: Feed.polygonStocks.rawValue), "The feed that is to listen.")
    let channels = FeedChannel.allCases.map(\.rawValue)
    return [
      Endpoint(
        .get, "/system/ingestion/status", "ingestionStatus", "What the ingestion layer does.",
        answer: .ingestionStatus) { _ in await status() },
      Endpoint(
        .get, "/system/ingestion/health", "ingestionHealth", "Whether each part of the ingestion layer works.",
        answer: .ingestionHealth) { _ in await health() },
      Endpoint(
        .get, "/ticks/latest", "latestTicks", "The last trade and quote of several symbols.",
        [Parameter("symbols", .symbols(most: 200), isRequired: true, "Separated by commas.")], answer: .latestTicks
      ) { try await latest($0.texts("symbols")) },
      Endpoint(
        .get, "/ticks/{symbol}/latest", "latestTick", "The last trade and quote of a symbol.", [symbol],
        answer: .latestTick, mayBeUnknown: true) { try await latest($0.text("symbol")) },
      Endpoint(
        .get, "/ticks/{symbol}", "ticks", "A series of trades or quotes by event time.",
        [symbol, Parameter("field", .choice(Self.tickFields, standard: "price"), "What of them.")] + range,
        answer: .samples, mayBeUnknown: true) { try await ticks($0) },
      Endpoint(
        .get, "/bars/{symbol}", "bars", "Bars by their start, as the provider last revised them; not split-adjusted.",
        [symbol, Parameter("interval", .choice(["1s", "1m", "1d"], standard: "1m"), "Their length.")] + range,
        answer: .bars, mayBeUnknown: true) { try await bars($0) },
      Endpoint(
        .get, "/gaps/{symbol}", "gaps", "When a feed was not listened to, and what became of it.", [symbol],
        answer: .gaps) { try await gaps($0.text("symbol")) },
      Endpoint(
        .get, "/streams/{symbol}", "stream", "Whether ticks of a symbol come.", [symbol], answer: .stream
      ) { try await stream($0.text("symbol")) },
      Endpoint(
        .put, "/streams/{symbol}", "subscribe", "Have the streamers of a feed listen to a symbol besides.",
        scope: .write,
        [symbol, feed, Parameter("channels", .choices(channels, standard: "trades,quotes,bars"), "What of it.")],
        answer: .nothing) { try await subscribe($0) },
      Endpoint(
        .delete, "/streams/{symbol}", "unsubscribe", "Take back what was subscribed to at run time.", scope: .write,
        [symbol, feed], answer: .nothing) { try await unsubscribe($0) },
      Endpoint(
        .get, "/live", "live", "Records as they come: server-sent events, one for each, with the record as data.",
        [
          Parameter("symbols", .symbols(most: 1_000), "Of these only."),
          Parameter("kinds", .choices(LiveEvent.kinds.values.sorted(), standard: "tick,bar,gap"), "Of these only."),
        ], answer: .events) { try listen($0) },
    ]
  }

  // MARK: - ticks

  private func latest(_ symbol: String) async throws -> Reply {
    var answer = try await latest(of: [symbol])
    guard let tick = answer.ticks.popLast() else { throw unknown(symbol) }
    return .json(tick)
  }

  private func latest(_ symbols: [String]) async throws -> Reply {
    let answer = try await latest(of: symbols)
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("ticks")
    writer.beginArray()
    for tick in answer.ticks { writer.raw(tick.span.bytes) }
    writer.endArray()
    writer.key("unknown")
    writer.strings(answer.unknown)
    writer.endObject()
    return .json(writer.array())
  }

  /// What came on the topics since this process reads them, and else what the store has. Both are asked of a symbol
  /// that lacks one of trade and quote, and the later of two counts.
  private func latest(of symbols: [String]) async throws -> (ticks: [[UInt8]], unknown: [String]) {
    let isLive = topics?.isFollowing == true
    var found = symbols.map { topics == nil ? LiveState.Latest() : live.latest($0) }
    var away: [String] = topics == nil || isLive ? [] : ["kafka"]
    let asked = symbols.indices.filter { !isLive || found[$0].trade == nil || found[$0].quote == nil }
    if !asked.isEmpty {
      switch await stored(asked.map { symbols[$0] }) {
      case .success(let stored):
        for (index, latest) in zip(asked, stored) {
          found[index].trade = later(found[index].trade, latest.trade)
          found[index].quote = later(found[index].quote, latest.quote)
        }
      case .failure(let error):
        // Of a symbol that nothing is known of the store may know something.
        guard error.errorClass == .transient, !found.contains(where: { $0.trade == nil && $0.quote == nil }) else {
          throw error
        }
        away.append("redis")
      }
    }
    note(away)
    var (ticks, unknown): ([[UInt8]], [String]) = ([], [])
    for (symbol, latest) in zip(symbols, found) {
      guard let newest = [latest.trade?.eventNs, latest.quote?.eventNs].compactMap({ $0 }).max() else {
        unknown.append(symbol)
        continue
      }
      ticks.append(written(symbol, latest, newest: newest, away))
    }
    return (ticks, unknown)
  }

  private func stored(_ symbols: [String]) async -> Result<[LiveState.Latest], RedisError> {
    do { return .success(try await store.latest(symbols)) } catch { return .failure(error) }
  }

  private func later(_ first: LastTick?, _ second: LastTick?) -> LastTick? {
    guard let first, let second else { return first ?? second }
    return second.eventNs >= first.eventNs ? second : first
  }

  private func written(_ symbol: String, _ latest: LiveState.Latest, newest: Int64, _ away: [String]) -> [UInt8] {
    let age = max(0, now() - newest / 1_000_000)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    for (name, tick) in [("trade", latest.trade), ("quote", latest.quote)] {
      writer.key(named: name)
      if let tick { tick.write(to: &writer) } else { writer.null() }
    }
    writer.time("watermark", ns: newest)
    writer.key("age_seconds")
    writer.raw("\(age / 1_000).\(zeroPadded(age % 1_000, 3))")
    writer.key("stale")
    writer.bool(age > Int64(staleAfter / .milliseconds(1)))
    write(live.gaps(of: symbol).filter { $0.state == .open }, away, to: &writer)
    writer.endObject()
    return writer.array()
  }

  private func unknown(_ symbol: String) -> Problem {
    Problem(404, "unknown_symbol", "nothing is known of \(symbol)")
  }

  // MARK: - ranges

  private func ticks(_ call: Call) async throws -> Reply {
    let (symbol, field) = (call.text("symbol"), call.text("field"))
    let (samples, gaps, range, away) = try await page(call, ["ts:\(symbol):\(field)"])
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.field("field", field)
    writer.key("samples")
    writer.beginArray()
    for stamp in samples.stamps {
      guard let value = samples.values[0][stamp] else { continue }
      writer.beginObject()
      writer.time("time", ms: stamp)
      writer.key("value")
      writer.raw(value)
      writer.endObject()
    }
    writer.endArray()
    end(samples, gaps, range, away, to: &writer)
    return .json(writer.array(), keptFor: 0)
  }

  private func bars(_ call: Call) async throws -> Reply {
    let (symbol, interval) = (call.text("symbol"), call.text("interval"))
    // The close comes first: every bar has one, and hot-writer may be told to leave others out.
    let fields = ["close"] + Self.barFields.filter { $0 != "close" }
    let (samples, gaps, range, away) = try await page(call, fields.map { "ts:\(symbol):\(interval):\($0)" })
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.field("interval", interval)
    writer.key("bars")
    writer.beginArray()
    for stamp in samples.stamps {
      writer.beginObject()
      writer.time("start", ms: stamp)
      for field in Self.barFields {
        writer.key(named: field)
        let place = fields.firstIndex(of: field) ?? 0
        if let value = samples.values[place][stamp] { writer.raw(value) } else { writer.null() }
      }
      writer.endObject()
    }
    writer.endArray()
    end(samples, gaps, range, away, to: &writer)
    return .json(writer.array(), keptFor: 0)
  }

  private typealias Page = (samples: HotStore.Samples, gaps: [FeedGap], range: Range<Int64>, away: [String])

  private func page(_ call: Call, _ keys: [String]) async throws -> Page {
    let end = call.time("end") ?? now() + 1
    let start = call.time("cursor") ?? call.time("start") ?? 0
    guard start <= end else { throw Problem.badParameter("start", "is behind 'end'") }
    let range = max(0, start)..<max(0, end)
    let samples = try await store.samples(keys, range, most: call.count("limit"))
    guard samples.oldest != nil else { throw unknown(call.text("symbol")) }
    let (gaps, away) = try await known(gapsOf: call.text("symbol"))
    let overlapping = gaps.filter { gap in
      gap.fromNs / 1_000_000 < range.upperBound && (gap.toNs ?? .max) / 1_000_000 >= range.lowerBound
    }
    return (samples, overlapping, range, away)
  }

  private func end(
    _ samples: HotStore.Samples, _ gaps: [FeedGap], _ range: Range<Int64>, _ away: [String],
    to writer: inout JSONWriter
  ) {
    writer.key("next_cursor")
    if let next = samples.next { writer.string(Cursor.text(next)) } else { writer.null() }
    writer.key("batch_until")
    writer.null()
    writer.time("available_from", ms: samples.oldest)
    writer.time("watermark", ms: samples.newest)
    write(gaps, away, to: &writer)
    writer.endObject()
  }

  // MARK: - gaps

  private func gaps(_ symbol: String) async throws -> Reply {
    let (gaps, away) = try await known(gapsOf: symbol)
    note(away)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    write(gaps, away, to: &writer)
    writer.endObject()
    return .json(writer.array())
  }

  private func known(gapsOf symbol: String) async throws -> (gaps: [FeedGap], away: [String]) {
    let gaps: [FeedGap], away: [String]
    if topics?.isFollowing == true {
      (gaps, away) = (live.gaps(of: symbol), [])
    } else {
      (gaps, away) = (try await store.gaps(of: symbol), topics == nil ? [] : ["kafka"])
    }
    return (gaps.sorted { ($0.fromNs, $0.id) < ($1.fromNs, $1.id) }, away)
  }

  private func write(_ gaps: [FeedGap], _ away: [String], to writer: inout JSONWriter) {
    writer.key("gaps")
    writer.beginArray()
    for gap in gaps {
      writer.beginObject()
      writer.field("id", gap.id)
      writer.field("feed", gap.feed)
      writer.field("symbol", gap.symbol)
      writer.key("channels")
      writer.strings(gap.channels)
      writer.time("from", ns: gap.fromNs)
      writer.time("to", ns: gap.toNs)
      writer.field("why", gap.why.rawValue)
      writer.field("state", gap.state.rawValue)
      if let reason = gap.reason { writer.field("reason", reason) }
      writer.endObject()
    }
    writer.endArray()
    writer.key("degraded")
    writer.strings(away)
  }

  private func note(_ away: [String]) { for part in away { GatewayMetrics.degraded(part) } }

  // MARK: - streams

  private func stream(_ symbol: String) async throws -> Reply {
    guard topics != nil else { throw noKafka }
    let last = live.lastEvent(of: symbol)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.key("is_streaming")
    writer.bool(last.map { now() - $0 / 1_000_000 <= Int64(staleAfter / .milliseconds(1)) } ?? false)
    writer.time("last_event", ns: last)
    writer.endObject()
    return .json(writer.array())
  }

  private func subscribe(_ call: Call) async throws -> Reply {
    let (feed, symbol) = try subscribed(call)
    let channels = Set(call.texts("channels").compactMap(FeedChannel.init(rawValue:))).intersection(feed.channels)
    guard !channels.isEmpty else {
      throw Problem.badParameter("channels", "has nothing that \(feed.rawValue) sends")
    }
    try await changes.subscribe(FeedSubscription(
      feed: feed.rawValue, symbol: symbol, channels: channels.sorted().map(\.rawValue)))
    return .nothing
  }

  private func unsubscribe(_ call: Call) async throws -> Reply {
    let (feed, symbol) = try subscribed(call)
    try await changes.unsubscribe(feed: feed.rawValue, symbol: symbol)
    return .nothing
  }

  private func subscribed(_ call: Call) throws -> (Feed, String) {
    let symbol = call.text("symbol")
    guard let feed = Feed(rawValue: call.text("feed")), SymbolNames.isOption(symbol) == feed.hasOptions else {
      throw Problem.badParameter("feed", "does not send \(symbol)")
    }
    return (feed, symbol)
  }

  private var changes: SubscriptionWriter {
    get throws {
      guard let subscriptions else { throw noKafka }
      return subscriptions
    }
  }

  private var noKafka: Problem {
    Problem(503, "no_kafka", "this gateway runs without Kafka (--kafka-enabled false)")
  }

  // MARK: - live

  private func listen(_ call: Call) throws -> Reply {
    guard topics != nil else { throw noKafka }
    let listener = LiveListener(
      symbols: call.texts("symbols"), kinds: call.texts("kinds"), most: listenerBacklog)
    let last = call.request.header("last-event-id")
    return .events { [hub = live.hub] writer in try await hub.serve(listener, after: last, to: writer) }
  }
}
