import Catalogue
import Core
import Kafka
import Messages
import Synchronization

/// What the live topics say, in memory: the last tick of each symbol, the gaps, counts, and who listens.
final class LiveState: Sendable {
  struct Latest: Sendable {
    var trade: LastTick?
    var quote: LastTick?
  }
  private struct Last {
    var eventNs = Int64.min
    var json: [UInt8] = []
  }
  private struct State {
    var trades: [String: Last] = [:]
    var quotes: [String: Last] = [:]
    /// By symbol, then by id.
    var gaps: [String: [String: FeedGap]] = [:]
    var subscriptions: Set<String> = []
    var counts: [String: Int] = [:]
    /// Milliseconds since 1970, by topic.
    var arrivals: [String: Int64] = [:]
  }
  private let state = Mutex(State())
  let hub: LiveHub
  private let now: @Sendable () -> Int64

  init(hub: LiveHub, now: @escaping @Sendable () -> Int64 = WallClock.milliseconds) {
    (self.hub, self.now) = (hub, now)
  }

  // MARK: - taking

  func take(_ batch: RecordBatch) {
    var events: [LiveEvent] = []
    var decoder = FeedTickDecoder()
    let isHeard = hub.isHeard
    state.withLock { state in
      batch.forEach { record in
        state.counts[record.topic, default: 0] += 1
        if record.isTombstone {
          if record.topic == Topics.subscriptions.name, let key = record.keyBytes {
            state.subscriptions.remove(String(decoding: key, as: UTF8.self))
          }
          return
        }
        switch record.topic {
        case Topics.marketTicks.name: take(tick: record.value, by: &decoder, &state)
        case Topics.marketGaps.name:
          if let gap = try? FeedGap(decoding: record.value) { state.gaps[gap.symbol, default: [:]][gap.id] = gap }
        case Topics.subscriptions.name:
          if let key = record.keyBytes { state.subscriptions.insert(String(decoding: key, as: UTF8.self)) }
        default: break
        }
        if isHeard, let kind = LiveEvent.kinds[record.topic], let key = record.keyBytes {
          events.append(LiveEvent(
            kind: kind, symbol: String(decoding: key, as: UTF8.self),
            json: record.value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }))
        }
      }
      for topic in batch.topics { state.arrivals[topic] = now() }
    }
    hub.publish(events)
  }

  private func take(tick: RawSpan, by decoder: inout FeedTickDecoder, _ state: inout State) {
    do throws(DecodingFailure) {
      let view = try decoder.decode(tick)
      let symbol = view.symbol.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      switch view.fields.kind {
      case .trade: Self.keep(tick, view.fields.eventNs, &state.trades[symbol, default: Last()])
      case .quote: Self.keep(tick, view.fields.eventNs, &state.quotes[symbol, default: Last()])
      // The store knows how the last trade was changed.
      case .correction, .cancel: state.trades[symbol] = nil
      case .status, .luld: break
      }
    } catch {
      // hot-writer moves it to the dead letters.
    }
  }

  private static func keep(_ tick: RawSpan, _ eventNs: Int64, _ last: inout Last) {
    guard eventNs >= last.eventNs else { return }
    last.eventNs = eventNs
    last.json = tick.withUnsafeBytes { Array($0) }
  }

  // MARK: - asking

  /// What has come since this process reads the topics.
  func latest(_ symbol: String) -> Latest {
    let (trade, quote) = state.withLock { ($0.trades[symbol], $0.quotes[symbol]) }
    func tick(_ last: Last?) -> LastTick? {
      guard let last, let tick = try? FeedTick(decoding: last.json) else { return nil }
      return LastTick(tick)
    }
    return Latest(trade: tick(trade), quote: tick(quote))
  }

  /// The gaps of the symbol, and of all at once.
  func gaps(of symbol: String) -> [FeedGap] {
    state.withLock { state in [symbol, "*"].flatMap { state.gaps[$0].map { Array($0.values) } ?? [] } }
  }

  struct Tally: Sendable {
    var counts: [String: Int]
    /// Milliseconds since 1970, by topic.
    var arrivals: [String: Int64]
    /// Symbols that ticks came of or that were subscribed to at run time, in order.
    var symbols: [String]
  }

  var tally: Tally {
    state.withLock { state in
      let asked = state.subscriptions.compactMap { $0.split(separator: "/").last.map(String.init) }
      let symbols = Set(state.trades.keys).union(state.quotes.keys).union(asked)
      return Tally(counts: state.counts, arrivals: state.arrivals, symbols: symbols.sorted())
    }
  }

  /// The last time at which anything came of the symbol: nanoseconds since 1970 of the event.
  func lastEvent(of symbol: String) -> Int64? {
    let last = state.withLock { [$0.trades[symbol]?.eventNs, $0.quotes[symbol]?.eventNs] }.compactMap { $0 }.max()
    return last == .min ? nil : last
  }
}

extension RecordBatch {
  fileprivate var topics: Set<String> { Set(leases.map(\.partition.topic)) }
}
