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
  fileprivate struct Last {
    var eventNs = Int64.min
    var json: [UInt8] = []
    /// What `json` says, once it was asked for.
    var read: LastTick?
    /// Tells ticks of one time apart.
    var number = 0
  }
  fileprivate struct State {
    var trades: [String: Last] = [:]
    var quotes: [String: Last] = [:]
    /// By symbol, then by id.
    var gaps: [String: [String: FeedGap]] = [:]
    var subscriptions: Set<String> = []
    /// By symbol, then by date.
    var splits: [String: [String: StockSplit]] = [:]
    /// Events of signals as JSON, by symbol and interval, then by the bar's begin in milliseconds since 1970.
    var events: [String: [Int64: [UInt8]]] = [:]
    /// By id.
    var jobs: [String: BatchJob] = [:]
    var statuses: [String: BatchStatus] = [:]
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
          if let key = record.keyBytes { state.forget(String(decoding: key, as: UTF8.self), of: record.topic) }
          return
        }
        switch record.topic {
        case Topics.marketTicks.name: take(tick: record.value, by: &decoder, &state)
        case Topics.marketGaps.name:
          if let gap = try? FeedGap(decoding: record.value) { state.gaps[gap.symbol, default: [:]][gap.id] = gap }
        case Topics.subscriptions.name:
          if let key = record.keyBytes { state.subscriptions.insert(String(decoding: key, as: UTF8.self)) }
        case Topics.marketSplits.name:
          if let split = try? StockSplit(decoding: record.value) {
            state.splits[split.symbol, default: [:]][split.executionDate] = split
          }
        case Topics.technicalSignals.name: state.take(signal: record.value)
        case Topics.batchJobs.name:
          if let job = try? BatchJob(decoding: record.value) { state.jobs[job.jobID] = job }
        case Topics.batchStatus.name:
          if let status = try? BatchStatus(decoding: record.value) { state.statuses[status.jobID] = status }
        default: break
        }
        if isHeard, let kind = LiveEvent.kinds[record.topic], let key = record.keyBytes {
          events.append(LiveEvent(
            kind: kind, symbol: String(decoding: key, as: UTF8.self),
            json: record.valueBytes))
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
    last.read = nil
    last.number += 1
  }

  /// A job that was just written: known at once, not only when the topic brings it.
  func note(_ job: BatchJob) {
    state.withLock { state in
      if (state.jobs[job.jobID]?.submittedNs ?? .min) <= job.submittedNs { state.jobs[job.jobID] = job }
    }
  }

  // MARK: - asking

  /// A job and how far it is; nil for one that is not known.
  func job(_ id: String) -> (job: BatchJob, status: BatchStatus?)? {
    state.withLock { state in state.jobs[id].map { ($0, state.statuses[id]) } }
  }

  /// The newest first.
  func jobs(most: Int) -> [(job: BatchJob, status: BatchStatus?)] {
    state.withLock { state in
      state.jobs.values.sorted { ($1.submittedNs, $0.jobID) < ($0.submittedNs, $1.jobID) }.prefix(most)
        .map { ($0, state.statuses[$0.jobID]) }
    }
  }

  /// What fired on bars of a range, as JSON arrays by the bar's begin; times are milliseconds since 1970.
  func events(of symbol: String, interval: String, in range: Range<Int64>) -> [Int64: [UInt8]] {
    state.withLock { state in
      (state.events["\(symbol) \(interval)"] ?? [:]).filter { range.contains($0.key) }
    }
  }

  /// What has come since this process reads the topics.
  func latest(_ symbol: String) -> Latest {
    Latest(trade: last(symbol, \.trades), quote: last(symbol, \.quotes))
  }

  /// A tick is read when it is asked for, outside of the lock, and once: most are replaced before.
  private func last(_ symbol: String, _ ticks: WritableKeyPath<State, [String: Last]>) -> LastTick? {
    guard let last = state.withLock({ $0[keyPath: ticks][symbol] }) else { return nil }
    if let read = last.read { return read }
    guard let tick = try? FeedTick(decoding: last.json) else { return nil }
    let read = LastTick(tick)
    state.withLock { state in
      guard state[keyPath: ticks][symbol]?.number == last.number else { return }
      state[keyPath: ticks][symbol]?.read = read
    }
    return read
  }

  /// The gaps of the symbol, and of all at once.
  func gaps(of symbol: String) -> [FeedGap] {
    state.withLock { state in [symbol, "*"].flatMap { state.gaps[$0].map { Array($0.values) } ?? [] } }
  }

  /// Of all symbols.
  var allGaps: [FeedGap] { state.withLock { state in state.gaps.values.flatMap { Array($0.values) } } }

  func splits(of symbol: String) -> [StockSplit] {
    state.withLock { state in state.splits[symbol].map { Array($0.values) } ?? [] }
  }

  struct Tally: Sendable {
    var counts: [String: Int]
    /// Milliseconds since 1970, by topic.
    var arrivals: [String: Int64]
    /// Symbols that ticks came of or that were subscribed to at run time, in order.
    var symbols: [String]
    var jobs: Int
  }

  var tally: Tally {
    state.withLock { state in
      let asked = state.subscriptions.compactMap { $0.split(separator: "/").last.map(String.init) }
      let symbols = Set(state.trades.keys).union(state.quotes.keys).union(asked)
      return Tally(counts: state.counts, arrivals: state.arrivals, symbols: symbols.sorted(), jobs: state.jobs.count)
    }
  }

  /// The last time at which anything came of the symbol: nanoseconds since 1970 of the event.
  func lastEvent(of symbol: String) -> Int64? {
    let last = state.withLock { [$0.trades[symbol]?.eventNs, $0.quotes[symbol]?.eventNs] }.compactMap { $0 }.max()
    return last == .min ? nil : last
  }
}

extension LiveState.State {
  fileprivate mutating func forget(_ key: String, of topic: String) {
    switch topic {
    case Topics.subscriptions.name: subscriptions.remove(key)
    case Topics.marketSplits.name:
      guard let slash = key.lastIndex(of: "/") else { return }
      splits[String(key[..<slash])]?[String(key[key.index(after: slash)...])] = nil
    case Topics.batchJobs.name: jobs[key] = nil
    case Topics.batchStatus.name: statuses[key] = nil
    default: break
    }
  }

  /// Keeps the events of the last bars; a later record of a bar replaces what the earlier one said.
  fileprivate mutating func take(signal bytes: RawSpan) {
    guard let signal = try? TechnicalSignal(decoding: bytes) else { return }
    let (name, start) = ("\(signal.symbol) \(signal.interval)", signal.startNs / 1_000_000)
    guard !signal.events.isEmpty else {
      events[name]?[start] = nil
      return
    }
    var writer = JSONWriter()
    writer.beginArray()
    for event in signal.events { event.write(to: &writer) }
    writer.endArray()
    events[name, default: [:]][start] = writer.array()
    // Of each interval about as many as the topic keeps of minutes.
    if events[name]?.count ?? 0 > 200, let oldest = events[name]?.keys.min() { events[name]?[oldest] = nil }
  }
}

extension RecordBatch {
  fileprivate var topics: Set<String> { Set(leases.map(\.partition.topic)) }
}
