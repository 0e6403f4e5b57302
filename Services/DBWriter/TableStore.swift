import Catalogue
import Core
import Kafka
import Messages
import Pipeline
import Postgres
import Synchronization

/// The core of db-writer: messages in, rows and offsets in PostgreSQL out.
///
/// One task at a time drives it: `start`, many `append`, `flush`, and again. `append` decodes a message directly to the
/// bytes that COPY sends; `flush` writes all staged rows, of every topic, and the next offsets in one transaction.
/// After a failure, rows stay staged until they are durable or dropped.
package final class TableStore: Sendable {
  fileprivate struct State: ~Copyable {
    var partitions: [TopicPartition: StagedPartition] = [:]
    /// By target.
    var readers: [String: WriteTarget.Reader] = [:]
    /// Numbers messages in their order of arrival; starts again when nothing is staged.
    var nextBatch: Int32 = 0
    /// Work not yet reported, because a flush that has done part of its work may throw.
    var report = StoreReport()
    /// Records that the database refuses, until the offset has passed them.
    var refused: [TopicPartition: [Int64: RefusedRecord]] = [:]
  }
  private let state = Mutex(State())
  private let scope: OffsetScope
  private let staging: StagingArea
  private let targets: [String: WriteTarget]
  private let database: DatabaseSlot
  private let metrics = DBWriterMetrics()

  package init(configuration: PostgresConfiguration, scope: OffsetScope, staging: StagingArea) {
    self.scope = scope
    self.staging = staging
    targets = Dictionary(
      uniqueKeysWithValues: staging.targets.flatMap { target in target.topics.map { ($0.name, target) } })
    database = DatabaseSlot(configuration, prepare: staging.prepareSession)
  }

  /// Starts partitions: gives each a row in `kafka_offsets` and discards its staged rows.
  ///
  /// - Returns: the offsets to resume at; a partition that was never written is missing.
  /// - Throws: `PostgresError`; `Failure(.fatal)` for a topic without a target.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    let ordered = partitions.sorted()
    for source in ordered where targets[source.topic] == nil {
      throw Failure(.fatal, code: "unknown_topic", "there is no table for \(source)")
    }
    let scope = scope
    let offsets = try await database.use { connection in
      let answers = try connection.pipeline(OffsetSQL.register(ordered, scope))
      return try OffsetSQL.read(answers[1])
    }
    state.withLock { state in
      for partition in ordered {
        guard let target = targets[partition.topic] else { continue }
        let offset = offsets[partition] ?? -1
        state.partitions[partition] = StagedPartition(target, expected: offset)
        state.forgetRefused(partition, below: offset)
      }
    }
    return offsets.filter { $0.value >= 0 }
  }

  /// Stages one message. Never waits.
  ///
  /// - Parameter value: nil for a tombstone.
  /// - Throws: `Failure(.fatal)` when the partition was not started.
  package func append(_ source: TopicPartition, offset: Int64, value: RawSpan?) throws -> Disposition {
    try state.withLock { state throws -> Disposition in
      guard let target = state.partitions[source]?.target else {
        throw Failure(.fatal, code: "partition_not_started", "\(source) gave a record before it was started")
      }
      if state.partitions[source]?.knows(offset) == true { return .skip(reason: "written_before") }
      guard let value else {
        state.partitions[source]?.see(offset)
        return .skip(reason: "tombstone")
      }
      let batch = state.nextBatch
      state.nextBatch += 1
      do throws(DecodingFailure) {
        let rows = try state.stage(source, target, offset: offset, batch: batch, value)
        let refused = state.refused[source]?[offset]
        if let refused { state.partitions[source]?.remove(refused) }
        let refusedByDatabase = refused?.elements.count ?? 0
        metrics.refused(rows.refusals.count + refusedByDatabase)
        let rejection = Rejection(
          unreadable: rows.refusals, record: refused, kept: rows.kept - refusedByDatabase, of: value, target: target)
        if let rejection { return .reject(rejection) }
        return rows.kept == 0 && !rows.headerCounts ? .skip(reason: "empty") : .keep
      } catch {
        return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
      }
    }
  }

  /// The staged rows and bytes.
  package var load: SinkLoad {
    state.withLock { state in
      state.partitions.values.reduce(into: SinkLoad()) { load, partition in
        load.rows += partition.rowCount
        load.bytes += partition.byteCount
      }
    }
  }

  /// Discards partitions that were revoked, with their staged rows.
  package func drop(_ partitions: Set<TopicPartition>) {
    state.withLock { state in
      for partition in partitions { state.partitions[partition] = nil }
    }
  }

  /// Writes all staged rows.
  ///
  /// - Parameter positions: next offsets of the partitions, also behind records that never reached the store; the
  ///   offsets in the table move that far.
  /// - Returns: the work of this call and of earlier, failed ones.
  /// - Throws: `PostgresError`; rows that are not durable stay staged for the next call.
  package func flushStaged(to positions: [TopicPartition: Int64] = [:]) async throws -> StoreReport {
    let staged = state.withLock { state in
      for (source, offset) in positions { state.settleOrAdvance(source, to: offset) }
      return state.partitions.filter { $0.value.hasWork }
    }
    do {
      if !staged.isEmpty { try await write(staged.map { $0.value.part($0.key) }) }
    } catch let error as PostgresError where error.errorClass == .data {
      for source in staged.keys.sorted() { try await writeAround(source) }
    }
    let report = state.withLock { state in
      if state.partitions.values.allSatisfy(\.records.isEmpty) { state.nextBatch = 0 }
      defer { state.report = StoreReport() }
      return state.report
    }
    metrics.flushed(report)
    return report
  }
}

extension TableStore: Sink {
  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    try append(
      TopicPartition(record.topic, record.partition), offset: record.offset,
      value: record.isTombstone ? nil : record.value)
  }

  package func salvage(_ record: borrowing RecordBatch.Record, refusedFor reason: Rejection) throws -> Rejection {
    guard case .reject(var rejection) = try append(record) else { return reason }
    rejection.stage = reason.stage
    return rejection
  }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    let report = try await flushStaged(to: positions)
    return FlushReport(
      durable: report.positions, fenced: Set(report.fenced.keys),
      poison: report.refused.map { record in
        PoisonRecord(
          partition: record.source, offset: record.offset,
          rejection: Rejection(code: record.error.code, stage: "write", "\(record.error)"))
      })
  }
}

extension TableStore {
  /// Runs one transaction, and settles its partitions or marks them as fenced.
  private func write(_ parts: [FlushPart]) async throws {
    let parts = parts.sorted { $0.source < $1.source }
    let transaction = FlushTransaction(scope: scope, staging: staging, parts: parts)
    let outcome: FlushTransaction.Outcome
    do {
      outcome = try await database.use { try transaction.run(on: $0) }
    } catch let error as PostgresError where error.operation == "commit" && error.leavesOutcomeUnknown {
      // The outcome is unknown until the offsets can be read again.
      state.withLock { state in
        for part in parts { state.partitions[part.source]?.unanswered = part.next }
      }
      throw error
    }
    state.withLock { state in
      for part in parts {
        if let found = outcome.fenced[part.source] {
          state.fenced(part.source, at: found)
        } else {
          state.settle(part.source, through: part.next)
        }
      }
      state.report.add(outcome, rows: parts.filter { outcome.fenced[$0.source] == nil })
    }
  }

  /// Writes one partition's records up to the first one that the database refuses, and notes that one.
  private func writeAround(_ source: TopicPartition) async throws {
    guard let staged = partition(source), staged.hasWork else { return }
    guard !staged.records.isEmpty else { return try await write([staged.part(source)]) }
    // Written records leave the front.
    let written = { (now: StagedPartition) in staged.records.count - now.records.count }
    try await bisect(staged.records.count) { range in
      guard let now = partition(source) else { return }
      let shift = written(now)
      try await write([now.part(source, records: (range.lowerBound - shift)..<(range.upperBound - shift))])
    } isOver: { refused, error in
      if let now = partition(source) { try await refuse(source, now, record: refused - written(now), error) }
      return true
    }
  }

  /// Moves the offset up to the record, so that the next reader of the partition starts with it, and finds the record's
  /// refused elements.
  private func refuse(
    _ source: TopicPartition, _ staged: StagedPartition, record index: Int, _ error: PostgresError
  ) async throws {
    let offset = staged.records[index]
    if staged.expected < offset {
      try await write([
        FlushPart(source: source, expected: staged.expected, next: offset, target: staged.target)
      ])
    }
    guard var now = partition(source) else { return }
    now.expected = offset
    let found = try await findRefusedElements(source, now, record: now.records.firstIndex(of: offset) ?? 0, error)
    state.withLock { state in
      state.partitions[source] = nil
      state.report.positions[source] = nil
      // Elements found earlier were not part of this attempt: adds them again.
      let before = state.refused[source]?[offset]?.elements ?? []
      var record = found
      record.elements = before.union(Self.renumber(found.elements, without: before))
      state.report.refused.append(record)
      state.refused[source, default: [:]][offset] = record
    }
  }

  /// Converts numbers in a sequence without its removed elements to numbers in the whole sequence.
  static func renumber(_ numbers: Set<Int>, without removed: Set<Int>) -> Set<Int> {
    guard !removed.isEmpty, let last = numbers.max() else { return numbers }
    let left = (0...(last + removed.count)).filter { !removed.contains($0) }
    return Set(numbers.map { left[$0] })
  }

  /// Finds the elements of one record that the database refuses, by transactions that are rolled back.
  private func findRefusedElements(
    _ source: TopicPartition, _ staged: StagedPartition, record index: Int, _ error: PostgresError
  ) async throws -> RefusedRecord {
    let elements = staged.elements(ofRecord: index)
    var refused: Set<Int> = []
    var reason = error
    try await bisect(elements.count) { range in
      let part = staged.part(source, record: index, elements: elements[range])
      let trial = FlushTransaction(scope: scope, staging: staging, parts: [part], isTrial: true)
      _ = try await database.use { try trial.run(on: $0) }
    } isOver: { element, error in
      if refused.isEmpty { reason = error }
      refused.insert(element)
      return false
    }
    // Elements fail only together, or the header fails: refuses the whole record.
    if refused.isEmpty { refused = Set(elements.indices) }
    return RefusedRecord(
      source: source, offset: staged.records[index], elements: refused,
      isWhole: refused.count == elements.count, error: reason)
  }

  private func partition(_ source: TopicPartition) -> StagedPartition? {
    state.withLock { $0.partitions[source] }
  }
}

extension TableStore.State {
  fileprivate mutating func settle(_ source: TopicPartition, through offset: Int64) {
    partitions[source]?.settle(through: offset)
    report.positions[source] = offset
    forgetRefused(source, below: offset)
  }

  /// Records before `offset` may have no rows, and may already be written.
  fileprivate mutating func settleOrAdvance(_ source: TopicPartition, to offset: Int64) {
    guard let partition = partitions[source] else { return }
    if partition.expected >= offset {
      report.positions[source] = offset
    } else {
      partitions[source]?.advance(to: offset)
    }
  }

  /// - Parameter found: the offset in the table; nil when its row is gone.
  fileprivate mutating func fenced(_ source: TopicPartition, at found: Int64?) {
    if let found, partitions[source]?.unanswered == found {
      // The COMMIT without an answer has happened.
      settle(source, through: found)
    } else {
      partitions[source] = nil
      report.positions[source] = nil
      report.fenced[source] = found ?? -1
    }
  }

  fileprivate mutating func forgetRefused(_ source: TopicPartition, below offset: Int64) {
    refused[source] = refused[source]?.filter { $0.key >= offset }
    if refused[source]?.isEmpty == true { refused[source] = nil }
  }

  /// In place: moves the partition out of the dictionary and back, without a copy.
  fileprivate mutating func stage(
    _ source: TopicPartition, _ target: WriteTarget, offset: Int64, batch: Int32, _ value: RawSpan
  ) throws(DecodingFailure) -> MessageRows {
    // Put into the dictionary once: a closure that is taken out and put back is wrapped anew each time, until a call of
    // it overflows the stack.
    if readers[target.name] == nil { readers[target.name] = target.makeReader() }
    guard let read = readers[target.name] else { return MessageRows(batch: batch, tables: []) }
    guard var partition = partitions.removeValue(forKey: source) else { return MessageRows(batch: batch, tables: []) }
    defer { partitions[source] = partition }
    return try partition.stage(offset: offset, batch: batch) { rows throws(DecodingFailure) in
      try read(value, &rows)
    }
  }
}

/// The work of the flushes since the last report.
package struct StoreReport: Sendable {
  /// Durable next offsets of the partitions that moved. Kafka's commit may follow.
  package var positions: [TopicPartition: Int64] = [:]
  /// Partitions whose offset another writer moved (to this; -1: the row is missing or new). Their rows were dropped
  /// unwritten. The caller starts them again if they are still assigned.
  package var fenced: [TopicPartition: Int64] = [:]
  /// Records with elements that the database refuses, at most one per partition. Earlier records are written; the
  /// partition was dropped. After a restart of the partition, the record's next `append` stages its valid elements and
  /// rejects it.
  package var refused: [RefusedRecord] = []
  /// Elements written, by target.
  package var staged: [String: Int] = [:]
  /// Rows inserted or moved, by table.
  package var written: [String: Int] = [:]
  /// Changes that materialized views show; 0 when the tables' contents are the same.
  package var changes: Int64 = 0

  mutating func add(_ outcome: FlushTransaction.Outcome, rows parts: [FlushPart]) {
    for part in parts where part.elements > 0 { staged[part.target.name, default: 0] += part.elements }
    written.merge(outcome.written, uniquingKeysWith: +)
    changes += outcome.changes
  }
}

/// A record with elements that the database refuses.
package struct RefusedRecord: Sendable {
  package let source: TopicPartition
  package let offset: Int64
  /// The refused staged elements, by number.
  package var elements: Set<Int>
  /// No part of the record can be written, not even its header.
  package var isWhole = false
  package let error: PostgresError
}
