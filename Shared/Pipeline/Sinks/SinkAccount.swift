import Kafka

/// What a sink loop knows about the records it took in: where each partition stands and what became of each
/// record. A pure value; `SinkPipeline` acts on it.
package struct SinkAccount: Sendable {
  package struct Tally: Sendable, Hashable {
    package var kept = 0
    package var skipped: [String: Int] = [:]
    package var deadLettered: [String: Int] = [:]

    package var total: Int { kept + skipped.values.reduce(0, +) + deadLettered.values.reduce(0, +) }
  }

  fileprivate enum Outcome: Hashable {
    case kept
    case skipped(String)
    case deadLettered(String)
  }

  /// Records with consecutive offsets and the same outcome: a flush that got only half-way is accounted for to the
  /// record, at the cost of a few words for thousands of them.
  private struct Run {
    var outcome: Outcome
    var offsets: Range<Int64>
  }

  private struct Track {
    /// What waits, in offset order.
    var runs: [Run] = []
    /// Next offset known to be durable: where it was started, then what was flushed.
    var durable: Int64?
    /// Behind offsets that hold no records, and not durable yet.
    var end: Int64?
    var position: Int64? { [runs.last?.offsets.upperBound, end].compactMap { $0 }.max() }
    var count = 0

    mutating func add(_ outcome: Outcome, _ offsets: Range<Int64>) {
      count += offsets.count
      if let last = runs.last, last.outcome == outcome, last.offsets.upperBound == offsets.lowerBound {
        runs[runs.count - 1].offsets = last.offsets.lowerBound..<offsets.upperBound
      } else {
        runs.append(Run(outcome: outcome, offsets: offsets))
      }
    }

    /// Takes out what lies before `offset`.
    mutating func settle(before offset: Int64) -> Tally {
      var tally = Tally()
      let whole = runs.prefix { $0.offsets.upperBound <= offset }
      for run in whole { tally.add(run.outcome, run.offsets.count) }
      runs.removeFirst(whole.count)
      if let first = runs.first, first.offsets.contains(offset) {
        tally.add(first.outcome, Int(offset - first.offsets.lowerBound))
        runs[0].offsets = offset..<first.offsets.upperBound
      }
      count -= tally.total
      return tally
    }
  }

  private var tracks: [TopicPartition: Track] = [:]
  /// Records to dead-letter, instead of appending them, when they are read again.
  private var poison: [TopicPartition: [Int64: Rejection]] = [:]
  /// Codes of records whose dead letters are acknowledged and whose partition is read again: no second letter.
  private var lettered: [TopicPartition: [Int64: String]] = [:]
  /// When the oldest waiting record was taken in.
  package private(set) var oldest: ContinuousClock.Instant?

  package init() {}

  package var isEmpty: Bool { oldest == nil }
  package var partitions: Set<TopicPartition> { Set(tracks.keys) }
  /// Next offsets of everything that waits.
  package var positions: [TopicPartition: Int64] { tracks.compactMapValues(\.position) }
  package var inFlight: Int { tracks.values.reduce(0) { $0 + $1.count } }

  /// The reason for which a record is to be dead-lettered without another try.
  package func poison(_ partition: TopicPartition, _ offset: Int64) -> Rejection? { poison[partition]?[offset] }
  package var hasPoison: Bool { !poison.isEmpty }
  /// The code under which a record was dead-lettered before its partition was read again.
  package func lettered(_ partition: TopicPartition, _ offset: Int64) -> String? { lettered[partition]?[offset] }
  package var hasLettered: Bool { !lettered.isEmpty }

  /// These partitions are read from these offsets on: everything before is durable.
  package mutating func started(_ positions: [TopicPartition: Int64]) {
    for (partition, offset) in positions { tracks[partition, default: Track()].durable = offset }
  }

  package mutating func took(
    _ partition: TopicPartition, offset: Int64, disposition: Disposition, at now: ContinuousClock.Instant
  ) {
    let outcome: Outcome =
      switch disposition {
      case .keep: .kept
      case .skip(let reason): .skipped(reason)
      case .reject(let rejection): .deadLettered(rejection.code)
      }
    took(partition, outcome, offset..<(offset + 1), at: now)
  }

  /// Books consecutive kept records at once: the hot path books per batch and partition.
  package mutating func took(_ partition: TopicPartition, kept: Range<Int64>, at now: ContinuousClock.Instant) {
    took(partition, .kept, kept, at: now)
  }

  private mutating func took(
    _ partition: TopicPartition, _ outcome: Outcome, _ offsets: Range<Int64>, at now: ContinuousClock.Instant
  ) {
    guard !offsets.isEmpty else { return }
    tracks[partition, default: Track()].add(outcome, offsets)
    if oldest == nil { oldest = now }
  }

  /// No record lies between the last one that was taken in of these partitions and these offsets. They wait for a
  /// flush like records do.
  package mutating func passed(_ ends: [TopicPartition: Int64], at now: ContinuousClock.Instant) {
    for (partition, offset) in ends {
      guard let track = tracks[partition], offset > track.durable ?? -1 else { continue }
      tracks[partition]?.end = offset
      if oldest == nil { oldest = now }
    }
  }

  /// The sink has to keep these as its offsets, although it has written nothing of these partitions.
  package mutating func pinned(_ starts: [TopicPartition: Int64], at now: ContinuousClock.Instant) {
    for (partition, offset) in starts { tracks[partition, default: Track()].end = offset }
    if !starts.isEmpty, oldest == nil { oldest = now }
  }

  /// - Parameter durable: next offsets; what was taken in at or behind them goes on waiting.
  /// - Returns: what became of the records before them, partition by partition, for the metrics.
  package mutating func flushed(_ durable: [TopicPartition: Int64]) -> [TopicPartition: Tally] {
    var tallies: [TopicPartition: Tally] = [:]
    for (partition, offset) in durable {
      guard var track = tracks[partition] else { continue }
      tallies[partition] = track.settle(before: offset)
      track.durable = max(offset, track.durable ?? offset)
      if let end = track.end, end <= offset { track.end = nil }
      tracks[partition] = track
      poison[partition] = poison[partition]?.filter { $0.key >= offset }
      if poison[partition]?.isEmpty == true { poison[partition] = nil }
      lettered[partition] = lettered[partition]?.filter { $0.key >= offset }
      if lettered[partition]?.isEmpty == true { lettered[partition] = nil }
    }
    settle()
    return tallies
  }

  package func durable(in partitions: Set<TopicPartition>) -> [TopicPartition: Int64] {
    tracks.filter { partitions.contains($0.key) }.compactMapValues(\.durable)
  }

  /// Forgets what waits of these partitions; where they stand is unknown until they are started again.
  /// - Returns: how many records were given back undone.
  package mutating func forget(_ partitions: Set<TopicPartition>) -> Int {
    for partition in partitions { lettered[partition] = nil }
    return takeOut(partitions)
  }

  /// As `forget`, for partitions that are read again by this process: their dead letters are acknowledged, and what
  /// was dead-lettered is remembered.
  package mutating func rewind(_ partitions: Set<TopicPartition>) -> Int {
    for partition in partitions {
      for run in tracks[partition]?.runs ?? [] {
        guard case .deadLettered(let code) = run.outcome else { continue }
        for offset in run.offsets { lettered[partition, default: [:]][offset] = code }
      }
    }
    return takeOut(partitions)
  }

  private mutating func takeOut(_ partitions: Set<TopicPartition>) -> Int {
    var returned = 0
    for partition in partitions { returned += tracks.removeValue(forKey: partition)?.count ?? 0 }
    settle()
    return returned
  }

  package mutating func mark(_ records: [PoisonRecord]) {
    for record in records { poison[record.partition, default: [:]][record.offset] = record.rejection }
  }

  private mutating func settle() {
    if tracks.values.allSatisfy({ $0.position == nil }) { oldest = nil }
  }
}

extension SinkAccount.Tally {
  fileprivate mutating func add(_ outcome: SinkAccount.Outcome, _ count: Int) {
    switch outcome {
    case .kept: kept += count
    case .skipped(let reason): skipped[reason, default: 0] += count
    case .deadLettered(let code): deadLettered[code, default: 0] += count
    }
  }
}
