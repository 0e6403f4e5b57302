import Catalogue
import Core
import Indicators
import Kafka
import Logging
import Messages
import Pipeline

/// A sink that computes: minutes in, signals and states out.
///
/// `append` takes a minute into the series of its symbol, `flush` produces what followed from it. The signals are
/// acknowledged before the states that say they were made, the states before the offsets are committed. So whatever is
/// read again is either computed again from the state before it, to the same records, or is known to the state already.
package final class SignalSink: Sink {
  private let plan: SignalPlan
  private let group: String
  private let maxSymbols: Int
  private let identity: ServiceIdentity
  private let source: any StateSource
  private let output: any SinkOutput
  private let logger: Logger
  private let metrics = SignalMetrics()
  private var reader: BarReader
  private var clock: SessionClock
  private var partitions: [TopicPartition: Partition] = [:]
  private var pendingBytes = 0
  private var tooOld = 0

  /// The symbols of a partition, and what waits to be produced.
  fileprivate struct Partition {
    var series: [SymbolName: SymbolSeries] = [:]
    var changed: Set<SymbolName> = []
    var signals: [TechnicalSignal] = []
  }

  package struct Settings: Sendable {
    package var group: String
    /// Those whose bars count; all when empty.
    package var feeds: Set<String> = []
    /// How far a bar may begin behind the time at which it was known.
    package var maxAhead: Duration = .seconds(60)
    /// The records of further ones are refused.
    package var maxSymbols = 20_000

    package init(group: String) { self.group = group }
  }

  package init(
    _ plan: SignalPlan, _ settings: Settings, identity: ServiceIdentity, source: any StateSource,
    output: any SinkOutput, logger: Logger
  ) {
    self.plan = plan
    group = settings.group
    maxSymbols = settings.maxSymbols
    reader = BarReader(feeds: settings.feeds, maxAhead: settings.maxAhead)
    clock = plan.clock
    self.identity = identity
    self.source = source
    self.output = output
    self.logger = logger
  }

  /// Reads the states of the partitions. Reading resumes at the group's committed offsets.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    let states = try await source.states(Set(partitions.map(\.partition)), plan)
    for partition in partitions {
      self.partitions[partition] = Partition(series: states[partition.partition] ?? [:])
    }
    noteSeries()
    return [:]
  }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    return append(record.value, of: record.topicPartition)
  }

  /// Takes one record of `market-bars` in.
  package func append(_ value: RawSpan, of partition: TopicPartition) -> Disposition {
    let minute: BarReader.Minute
    switch reader.read(value) {
    case .minute(let read): minute = read
    case .other(let disposition): return disposition
    }
    guard partitions[partition]?.series[minute.name] != nil || symbols < maxSymbols else {
      return .reject(Rejection(
        code: "too_many_symbols", stage: "check", "there are \(maxSymbols) symbols already: --max-symbols"))
    }
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

  private var symbols: Int { partitions.values.reduce(0) { $0 + $1.series.count } }

  package var load: SinkLoad {
    SinkLoad(rows: partitions.values.reduce(0) { $0 + $1.signals.count }, bytes: pendingBytes)
  }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    let signals = partitions.values.flatMap(\.signals)
    try await output.send([batch(of: signals), stateBatch()], for: positions)
    metrics.made(signals)
    if tooOld > 0 {
      logger.warning("bars are too old to be revised and change nothing", metadata: ["bars": "\(tooOld)"])
      tooOld = 0
    }
    for partition in partitions.keys { partitions[partition]?.settle() }
    pendingBytes = 0
    noteSeries()
    return FlushReport(durable: positions, rows: signals.count)
  }

  private func batch(of signals: [TechnicalSignal]) -> OutgoingBatch {
    var batch = OutgoingBatch()
    var writer = JSONWriter()
    let headers = identity.headers(schema: TechnicalSignal.topic.schema)
    for signal in signals {
      writer.clear()
      signal.encode(into: &writer)
      batch.append(topic: TechnicalSignal.topic.name, key: signal.key, value: writer.bytes, headers: headers)
    }
    return batch
  }

  private func stateBatch() -> OutgoingBatch {
    var batch = OutgoingBatch()
    var writer = JSONWriter()
    let headers = identity.headers(schema: SignalState.topic.schema)
    for partition in partitions.values {
      for name in partition.changed {
        guard let series = partition.series[name] else { continue }
        let state = SignalState(
          group: group, feed: name.feed, symbol: name.symbol, state: Base64.encode(series.encoded()))
        writer.clear()
        state.encode(into: &writer)
        batch.append(
          topic: SignalState.topic.name, key: state.key, value: writer.bytes, headers: headers,
          partitionBy: state.partitionKey)
      }
    }
    return batch
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    for partition in partitions { self.partitions[partition] = nil }
    if self.partitions.isEmpty { pendingBytes = 0 }
    noteSeries()
  }

  private func noteSeries() { metrics.knows(symbols) }
}

extension SignalSink.Partition {
  fileprivate mutating func take(
    _ minute: BarReader.Minute, _ plan: SignalPlan, _ clock: inout SessionClock
  ) -> SymbolSeries.Outcome {
    var made: [TechnicalSignal] = []
    swap(&made, &signals)
    let outcome = series[minute.name, default: SymbolSeries(plan)].take(
      minute.bar, knownNs: minute.knownNs, &clock
    ) { interval, row in
      made.append(TechnicalSignal(minute, plan, interval, row))
    }
    swap(&made, &signals)
    if outcome == .appended || outcome == .revised { changed.insert(minute.name) }
    return outcome
  }

  fileprivate mutating func settle() {
    changed.removeAll(keepingCapacity: true)
    signals.removeAll(keepingCapacity: true)
  }
}

extension TechnicalSignal {
  init(_ minute: BarReader.Minute, _ plan: SignalPlan, _ interval: Int, _ row: SignalRow) {
    var events: [Event] = []
    for (index, rule) in plan.set.rules.enumerated() where row.fired & (1 << UInt64(index)) != 0 {
      let sides = plan.set.sides(of: index, row)
      events.append(Event(rule: rule.name, condition: rule.condition, left: sides.left, right: sides.right))
    }
    self.init(
      symbol: minute.name.symbol, feed: minute.name.feed, interval: plan.intervals[interval].description,
      startNs: row.start * 1_000_000_000, knownNs: minute.knownNs, bars: Int64(row.ordinal + 1),
      values: SignalValues(names: plan.set.outputs, numbers: Array(row.values)), events: events)
  }
}
