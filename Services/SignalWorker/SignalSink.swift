import Catalogue
import Core
import Features
import Indicators
import Kafka
import Logging
import Messages
import Pipeline

/// A sink that computes: minutes and events in, signals and states out.
///
/// All inputs have the symbol as key and as many partitions, and a process owns the same partitions of all. `append`
/// takes a minute into the series of its symbol, or an event into its windows, `flush` produces what followed from it.
/// The signals are
/// acknowledged before the states that say they were made, the states before the offsets are committed. So whatever is
/// read again is either computed again from the state before it, to the same records, or is known to the state already.
package final class SignalSink: Sink {
  private let plan: SignalPlan
  private let windows: WindowPlan
  private let group: String
  private let maxSymbols: Int
  private let identity: ServiceIdentity
  private let source: any StateSource
  private let output: any SinkOutput
  private let logger: Logger
  private let metrics = SignalMetrics()
  private var reader: BarReader
  private let events: EventReader
  private var clock: SessionClock
  private var partitions: [Int32: Partition] = [:]
  private var pendingBytes = 0
  private var tooOld = 0

  /// The symbols of a partition, and what waits to be produced.
  fileprivate struct Partition {
    var members: [SymbolName: Member] = [:]
    var changed: Set<SymbolName> = []
    /// Rows that wait, of all members.
    var rows = 0
    var book = WindowBook()
  }

  fileprivate struct Member {
    var series: SymbolSeries
    /// By interval.
    var waiting: [WaitingRows]

    init(_ series: SymbolSeries, _ plan: SignalPlan) {
      self.series = series
      waiting = plan.intervals.map { _ in WaitingRows(plan.set) }
    }
  }

  package struct Settings: Sendable {
    package var group: String
    /// Those whose bars count; all when empty.
    package var feeds: Set<String> = []
    /// How far a bar may begin behind the time at which it was known.
    package var maxAhead: Duration = .seconds(60)
    /// The records of further ones are refused.
    package var maxSymbols = 20_000
  }

  package init(
    _ plan: SignalPlan, _ windows: WindowPlan, _ settings: Settings, identity: ServiceIdentity, source: any StateSource,
    output: any SinkOutput, logger: Logger
  ) {
    (self.plan, self.windows) = (plan, windows)
    group = settings.group
    maxSymbols = settings.maxSymbols
    reader = BarReader(feeds: settings.feeds, maxAhead: settings.maxAhead)
    events = EventReader(feeds: settings.feeds, maxAhead: Int64(settings.maxAhead / .nanoseconds(1)))
    clock = plan.clock
    self.identity = identity
    self.source = source
    self.output = output
    self.logger = logger
  }

  package static let inputs = [Topics.marketBars, Topics.optionsFlow, Topics.sentimentEvents]

  /// Reads the states of the partitions. Reading resumes at the group's committed offsets.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    let topics = Dictionary(grouping: partitions, by: \.partition)
    guard topics.values.allSatisfy({ $0.count == Self.inputs.count }) else {
      throw Failure(
        .configuration, code: "not_co_partitioned",
        "a partition of one of \(Self.inputs.map(\.name).joined(separator: ", ")) came without that of the others: "
          + "all need the same number of partitions, and every member of the group this program")
    }
    let begin = ContinuousClock.now
    let states = try await source.states(Set(topics.keys))
    for partition in topics.keys {
      var read = Partition()
      for state in states[partition] ?? [] {
        if state.part != nil {
          if !read.book.restore(state, windows) { metrics.unreadableState() }
          continue
        }
        guard let bytes = state.bytes, let series = try? SymbolSeries(plan, decoding: bytes) else {
          metrics.unreadableState()
          continue
        }
        if !series.isContinued { metrics.begunAnew() }
        read.members[SymbolName(feed: state.feed, symbol: state.symbol)] = Member(series, plan)
      }
      self.partitions[partition] = read
    }
    metrics.restored(in: .now - begin)
    noteSeries()
    return [:]
  }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    return append(record.value, of: record.topicPartition)
  }

  /// Takes one record in.
  package func append(_ value: RawSpan, of partition: TopicPartition) -> Disposition {
    switch partition.topic {
    case Topics.optionsFlow.name: take(value, .flow, partition.partition)
    case Topics.sentimentEvents.name: take(value, .sentiment, partition.partition)
    default: take(value, partition.partition)
    }
  }

  private func take(_ value: RawSpan, _ partition: Int32) -> Disposition {
    let minute: BarReader.Minute
    switch reader.read(value) {
    case .minute(let read): minute = read
    case .other(let disposition): return disposition
    }
    guard partitions[partition]?.members[minute.name] != nil || symbols < maxSymbols else { return tooMany }
    switch partitions[partition, default: Partition()].take(minute, plan, &clock) {
    case .appended, .revised:
      pendingBytes += value.byteCount
      return .keep
    case .unchanged: return .skip(reason: "unchanged")
    case .outsideHours: return .skip(reason: "outside_hours")
    case .tooOld:
      tooOld += 1
      return .skip(reason: "too_old")
    }
  }

  private func take(_ value: RawSpan, _ kind: WindowPlan.Kind, _ partition: Int32) -> Disposition {
    let (name, event): (WindowBook.Name, FeatureEvent)
    switch events.read(value, kind) {
    case .event(let read): (name, event) = read
    case .other(let disposition): return disposition
    }
    guard partitions[partition]?.book.knows(name) == true
      || partitions.values.reduce(0, { $0 + $1.book.count }) < 2 * maxSymbols
    else { return tooMany }
    switch partitions[partition, default: Partition()].book.take(event, of: name, windows) {
    case .taken:
      pendingBytes += value.byteCount
      return .keep
    case .unchanged: return .skip(reason: "unchanged")
    case .outsideHours: return .skip(reason: "outside_hours")
    case .tooOld: return .skip(reason: "too_old")
    }
  }

  private var tooMany: Disposition {
    .reject(Rejection(
      code: "too_many_symbols", stage: "check", "there are \(maxSymbols) symbols already: --max-symbols"))
  }

  private var symbols: Int { partitions.values.reduce(0) { $0 + $1.members.count } }

  package var load: SinkLoad {
    SinkLoad(rows: partitions.values.reduce(0) { $0 + $1.rows + $1.book.rows }, bytes: pendingBytes)
  }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    var tally = SignalMetrics.Tally()
    try await output.send([signalBatch(&tally), stateBatch()], for: positions)
    metrics.made(tally)
    if tooOld > 0 {
      logger.warning("bars are too old to be revised and change nothing", metadata: [
        "bars": .stringConvertible(tooOld),
      ])
      tooOld = 0
    }
    for partition in partitions.keys { partitions[partition]?.settle() }
    pendingBytes = 0
    noteSeries()
    return FlushReport(durable: positions, rows: tally.count)
  }

  /// The last signal of each id: a bar that was revised several times since the flush before is published once.
  private func signalBatch(_ tally: inout SignalMetrics.Tally) -> OutgoingBatch {
    var batch = OutgoingBatch()
    var writer = JSONWriter()
    let headers = identity.headers(schema: TechnicalSignal.topic.schema)
    func add(_ signal: TechnicalSignal) {
      tally.add(signal)
      writer.clear()
      signal.encode(into: &writer)
      batch.append(topic: TechnicalSignal.topic.name, key: signal.key, value: writer.bytes, headers: headers)
    }
    for partition in partitions.values {
      for name in partition.changed {
        guard let member = partition.members[name] else { continue }
        for (interval, rows) in zip(plan.intervals, member.waiting) {
          rows.forEach { row, knownNs in
            add(TechnicalSignal(name, plan.set, interval, row, knownNs: knownNs))
          }
        }
      }
      partition.book.forEachChanged(windows) { add($0) }
    }
    return batch
  }

  private func stateBatch() -> OutgoingBatch {
    var batch = OutgoingBatch()
    var writer = JSONWriter()
    let headers = identity.headers(schema: Topics.signalStates.schema)
    for partition in partitions.values {
      for name in partition.changed {
        guard let series = partition.members[name]?.series else { continue }
        let state = SymbolState(group: group, feed: name.feed, symbol: name.symbol, bytes: series.encoded())
        batch.append(state, to: Topics.signalStates, headers: headers, writer: &writer)
      }
      partition.book.appendStates(of: group, to: &batch, headers: headers, writer: &writer)
    }
    return batch
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    for partition in partitions { self.partitions[partition.partition] = nil }
    if self.partitions.isEmpty { pendingBytes = 0 }
    noteSeries()
  }

  private func noteSeries() { metrics.knows(symbols) }
}

extension SignalSink.Partition {
  fileprivate mutating func take(
    _ minute: BarReader.Minute, _ plan: SignalPlan, _ clock: inout SessionClock
  ) -> SymbolSeries.Outcome {
    let (outcome, added) = members[minute.name, default: .init(SymbolSeries(plan), plan)].take(minute, &clock)
    rows += added
    if outcome == .appended || outcome == .revised { changed.insert(minute.name) }
    return outcome
  }

  fileprivate mutating func settle() {
    for name in changed {
      guard let index = members.index(forKey: name) else { continue }
      for interval in members.values[index].waiting.indices { members.values[index].waiting[interval].clear() }
    }
    changed.removeAll(keepingCapacity: true)
    rows = 0
    book.settle()
  }
}

extension SignalSink.Member {
  /// - Returns: what became of the minute, and how many more rows wait.
  fileprivate mutating func take(
    _ minute: BarReader.Minute, _ clock: inout SessionClock
  ) -> (SymbolSeries.Outcome, Int) {
    var rows: [WaitingRows] = []
    swap(&rows, &waiting)
    var added = 0
    let outcome = series.take(minute.bar, knownNs: minute.knownNs, &clock) { interval, row in
      if rows[interval].put(row, knownNs: minute.knownNs) { added += 1 }
    }
    swap(&rows, &waiting)
    return (outcome, added)
  }
}

/// The rows of one series that wait to be produced, in the order of their bars: of each bar the last one.
struct WaitingRows {
  private let outputs: Int
  private var heads: [(start: Int64, ordinal: Int, fired: UInt64, knownNs: Int64)] = []
  /// The bar and the values of each row in turn.
  private var numbers: [Double] = []
  private var width: Int { 4 + outputs }

  init(_ set: IndicatorSet) { outputs = set.outputs.count }

  var count: Int { heads.count }

  /// - Returns: whether no row of this bar waited.
  mutating func put(_ row: SignalRow, knownNs: Int64) -> Bool {
    var place = heads.count
    // Rows come in the order of their bars, of a revision from some bar on.
    if place > 0, heads[place - 1].start >= row.start {
      var low = 0
      while low < place {
        let middle = (low + place) / 2
        if heads[middle].start < row.start { low = middle + 1 } else { place = middle }
      }
    }
    let head = (start: row.start, ordinal: row.ordinal, fired: row.fired, knownNs: knownNs)
    guard place < heads.count, heads[place].start == row.start else {
      heads.insert(head, at: place)
      if place == heads.count - 1 {
        numbers += row.bar
        numbers += row.values
      } else {
        numbers.insert(contentsOf: Array(row.bar) + Array(row.values), at: place * width)
      }
      return true
    }
    heads[place] = head
    let base = place * width
    for index in 0..<4 { numbers[base + index] = row.bar[index] }
    for index in 0..<outputs { numbers[base + 4 + index] = row.values[index] }
    return false
  }

  func forEach(_ body: (SignalRow, _ knownNs: Int64) -> Void) {
    numbers.withUnsafeBufferPointer { numbers in
      for (place, head) in heads.enumerated() {
        let base = place * width
        body(
          SignalRow(
            start: head.start, ordinal: head.ordinal,
            bar: UnsafeBufferPointer(rebasing: numbers[base..<base + 4]),
            values: UnsafeBufferPointer(rebasing: numbers[base + 4..<base + width]), fired: head.fired),
          head.knownNs)
      }
    }
  }

  mutating func clear() {
    heads.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
  }
}

extension TechnicalSignal {
  init(
    _ name: SymbolName, _ set: IndicatorSet, _ interval: BarInterval, _ row: SignalRow, knownNs: Int64
  ) {
    var events: [Event] = []
    for (index, rule) in set.rules.enumerated() where row.fired & (1 << UInt64(index)) != 0 {
      let sides = set.sides(of: index, row)
      events.append(Event(rule: rule.name, condition: rule.condition, left: sides.left, right: sides.right))
    }
    self.init(
      symbol: name.symbol, feed: name.feed, interval: interval.description, startNs: row.start * 1_000_000_000,
      knownNs: knownNs, bars: Int64(row.ordinal + 1),
      values: SignalValues(names: set.outputs, numbers: Array(row.values)), events: events)
  }
}
