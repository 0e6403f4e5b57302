import Core
import Feeds
import Messages
import Redis
import ServiceKit

/// Last ticks, series of ticks, gaps, subscriptions, and live events.
extension Gateway {
  private static let fields = ["price", "size", "bid", "ask", "bid_size", "ask_size"]

  var tickEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/ticks/latest", "latestTicks", "The last trade and quote of several symbols.",
        [Parameter("symbols", .symbols(most: 200), isRequired: true, "Separated by commas.")], answer: .latestTicks
      ) { try await latest($0.texts("symbols")) },
      Endpoint(
        .get, "/ticks/{symbol}/latest", "latestTick", "The last trade and quote of a symbol.", [Self.symbol],
        answer: .latestTick, mayBeUnknown: true) { try await latest($0.text("symbol")) },
      Endpoint(
        .get, "/ticks/{symbol}", "ticks", "A series of trades or quotes by event time.",
        [Self.symbol, Parameter("field", .choice(Self.fields, standard: "price"), "What of them.")] + Self.range,
        answer: .samples, mayBeUnknown: true) { try await ticks($0) },
      Endpoint(
        .get, "/gaps/{symbol}", "gaps", "When a feed was not listened to, and what became of it.", [Self.symbol],
        answer: .gaps) { try await gaps($0.text("symbol")) },
    ]
  }

  var streamEndpoints: [Endpoint] {
    let feeds = ["all"] + Feed.streams.map(\.rawValue)
    let feed = Parameter("feed", .choice(feeds, standard: "all"), """
      The feed that is to listen; all: each that sends stocks, or options, as the symbol is.
      """)
    let channels = FeedChannel.allCases.map(\.rawValue)
    return [
      Endpoint(
        .get, "/streams/{symbol}", "stream", "Whether ticks of a symbol come.", [Self.symbol], answer: .stream
      ) { stream($0.text("symbol")) },
      Endpoint(
        .put, "/streams/{symbol}", "subscribe", "Have the streamers of a feed listen to a symbol besides.",
        scope: .write,
        [Self.symbol, feed, Parameter("channels", .choices(channels, standard: "trades,quotes,bars"), "What of it.")],
        answer: .nothing) { try await subscribe($0) },
      Endpoint(
        .delete, "/streams/{symbol}", "unsubscribe", "Take back what was subscribed to at run time.", scope: .write,
        [Self.symbol, feed], answer: .nothing) { try await unsubscribe($0) },
      Endpoint(
        .get, "/live", "live", "Records as they come: server-sent events, one for each, with the record as data.",
        [
          Parameter("symbols", .symbols(most: 1_000), "Of these only."),
          Parameter("kinds", .choices(LiveEvent.listed, standard: LiveEvent.standard), "Of these only."),
        ], answer: .events) { try listen($0) },
    ]
  }

  // MARK: - the last ones

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
    writer.truth(Truth(watermark: answer.watermark, away: answer.away))
    writer.endObject()
    return .json(writer.array())
  }

  private typealias Ticks = (ticks: [[UInt8]], unknown: [String], watermark: Int64?, away: [Part])

  /// What came on the topics since this process reads them, and else what the store has. Both are asked of a symbol
  /// that lacks one of trade and quote, and the later of two counts.
  private func latest(of symbols: [String]) async throws -> Ticks {
    let isLive = topics?.isFollowing == true
    var found = symbols.map { topics == nil ? LiveState.Latest() : live.latest($0) }
    var away: [Part] = topics == nil || isLive ? [] : [.kafka]
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
        away.append(.redis)
      }
    }
    note(away)
    var answer: Ticks = ([], [], nil, away)
    for (symbol, latest) in zip(symbols, found) {
      guard let newest = [latest.trade?.eventNs, latest.quote?.eventNs].compactMap({ $0 }).max() else {
        answer.unknown.append(symbol)
        continue
      }
      answer.watermark = max(answer.watermark ?? newest, newest)
      answer.ticks.append(written(symbol, latest, newest: newest, away))
    }
    return answer
  }

  private func stored(_ symbols: [String]) async -> Result<[LiveState.Latest], RedisError> {
    do { return .success(try await store.latest(symbols)) } catch { return .failure(error) }
  }

  private func later(_ first: LastTick?, _ second: LastTick?) -> LastTick? {
    guard let first, let second else { return first ?? second }
    return second.eventNs >= first.eventNs ? second : first
  }

  private func written(_ symbol: String, _ latest: LiveState.Latest, newest: Int64, _ away: [Part]) -> [UInt8] {
    let age = max(0, now() - newest / 1_000_000)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    for (name, tick) in [("trade", latest.trade), ("quote", latest.quote)] {
      writer.key(named: name)
      if let tick { tick.write(to: &writer) } else { writer.null() }
    }
    writer.key("age_seconds")
    writer.raw("\(age / 1_000).\(zeroPadded(age % 1_000, 3))")
    writer.key("stale")
    writer.bool(age > Int64(staleAfter / .milliseconds(1)))
    writer.truth(Truth(
      watermark: newest, feedGaps: live.gaps(of: symbol).filter { $0.state == .open }, away: away))
    writer.endObject()
    return writer.array()
  }

  // MARK: - series

  private func ticks(_ call: Call) async throws -> Reply {
    let (symbol, field, range) = (call.text("symbol"), call.text("field"), range(call))
    let samples = try await store.samples(["ts:\(symbol):\(field)"], range, most: call.count("limit"))
    guard let oldest = samples.reach.oldest else { throw unknown(symbol) }
    let (gaps, away) = await gapsAtHand(of: symbol, in: range)
    note(away)
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
    writer.cursor(samples.next.map { Cursor(time: $0) })
    writer.time("available_from", ms: oldest)
    writer.truth(Truth(watermark: samples.reach.newest.map { $0 * 1_000_000 }, feedGaps: gaps, away: away))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func gaps(_ symbol: String) async throws -> Reply {
    let (gaps, away) = try await known(gapsOf: symbol)
    note(away)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.truth(Truth(watermark: gaps.map(\.fromNs).max(), feedGaps: gaps, away: away))
    writer.endObject()
    return .json(writer.array())
  }

  // MARK: - streams

  private func stream(_ symbol: String) -> Reply {
    let last = live.lastEvent(of: symbol)
    let away: [Part] = topics?.isFollowing == true ? [] : [.kafka]
    note(away)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", symbol)
    writer.key("is_streaming")
    writer.bool(last.map { now() - $0 / 1_000_000 <= Int64(staleAfter / .milliseconds(1)) } ?? false)
    writer.time("last_event", ns: last)
    writer.truth(Truth(
      watermark: last, feedGaps: live.gaps(of: symbol).filter { $0.state == .open }, away: away))
    writer.endObject()
    return .json(writer.array())
  }

  private func subscribe(_ call: Call) async throws -> Reply {
    let (feeds, symbol) = try subscribed(call)
    let channels = Set(call.texts("channels").compactMap(FeedChannel.init(rawValue:)))
    let subscriptions = feeds.compactMap { feed -> FeedSubscription? in
      let sent = channels.intersection(feed.channels).sorted().map(\.rawValue)
      return sent.isEmpty ? nil : FeedSubscription(feed: feed.rawValue, symbol: symbol, channels: sent)
    }
    guard !subscriptions.isEmpty else {
      throw Problem(409, "not_sent", "\(call.text("feed")) sends none of 'channels'")
    }
    try await changes.subscribe(subscriptions)
    return .nothing
  }

  private func unsubscribe(_ call: Call) async throws -> Reply {
    let (feeds, symbol) = try subscribed(call)
    try await changes.unsubscribe(feeds: feeds.map(\.rawValue), symbol: symbol)
    return .nothing
  }

  private func subscribed(_ call: Call) throws -> ([Feed], String) {
    let (symbol, name) = (call.text("symbol"), call.text("feed"))
    let feeds = Feed.streams.filter {
      (name == "all" || name == $0.rawValue) && $0.hasOptions == SymbolNames.isOption(symbol)
    }
    guard !feeds.isEmpty else { throw Problem(409, "not_sent", "\(name) does not send \(symbol)") }
    return (feeds, symbol)
  }

  var changes: ChangeWriter {
    get throws {
      guard let writer else { throw Problem(503, "no_kafka", "this gateway runs without Kafka") }
      return writer
    }
  }

  // MARK: - live

  private func listen(_ call: Call) throws -> Reply {
    try live.hub.admit()
    let listener = LiveListener(
      symbols: call.texts("symbols"), kinds: call.texts("kinds"), most: listenerBacklog)
    let last = call.request?.header("last-event-id")
    return .events { [hub = live.hub] writer in try await hub.serve(listener, after: last, to: writer) }
  }
}
