import Kafka
import Metrics
import Pipeline
import Postgres

/// Adapts `TableStore` to the sink protocol of the shared loop.
package final class TableSink: Sink {
  private let store: TableStore
  private let metrics = DBWriterMetrics()

  package init(_ store: TableStore) { self.store = store }

  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    try await store.start(Set(partitions.map(SourcePartition.init))).asPositions
  }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    switch try stage(record) {
    case .staged: .keep
    case .skipped(let reason): .skip(reason: reason)
    case .rejected(let rejection): .reject(Rejection(rejection, stage: "decode"))
    }
  }

  package func salvage(_ record: borrowing RecordBatch.Record, refusedFor reason: Rejection) throws -> Rejection {
    guard case .rejected(let rejection) = try stage(record) else { return reason }
    return Rejection(rejection, stage: reason.stage)
  }

  private func stage(_ record: borrowing RecordBatch.Record) throws -> StageResult {
    let source = SourcePartition(record.topic, record.partition)
    let disposition = try store.append(source, offset: record.offset, value: record.isTombstone ? nil : record.value)
    if case .rejected(let rejection) = disposition { metrics.refused(rejection) }
    return disposition
  }

  package var load: SinkLoad {
    let pending = store.pending
    return SinkLoad(rows: pending.rows, bytes: pending.bytes)
  }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    let wanted = Dictionary(uniqueKeysWithValues: positions.map { (SourcePartition($0.key), $0.value) })
    let report = try await store.flush(to: wanted)
    metrics.flushed(report)
    return FlushReport(
      durable: report.positions.asPositions, fenced: Set(report.fenced.keys.map(TopicPartition.init)),
      poison: report.refused.map { record in
        PoisonRecord(
          partition: TopicPartition(record.source), offset: record.offset,
          rejection: Rejection(code: record.error.code, stage: "write", "\(record.error)"))
      })
  }

  package func drop(_ partitions: Set<TopicPartition>) { store.drop(Set(partitions.map(SourcePartition.init))) }
}

extension Rejection {
  fileprivate init(_ rejection: StageRejection, stage: String) {
    self.init(code: rejection.code, stage: stage, rejection.message)
    excerpts = rejection.excerpts.map { Excerpt(value: $0.value, code: $0.code, message: $0.message) }
  }
}

extension SourcePartition {
  fileprivate init(_ partition: TopicPartition) { self.init(partition.topic, partition.partition) }
}

extension TopicPartition {
  fileprivate init(_ source: SourcePartition) { self.init(source.topic, source.partition) }
}

extension [SourcePartition: Int64] {
  fileprivate var asPositions: [TopicPartition: Int64] {
    [TopicPartition: Int64](uniqueKeysWithValues: map { (TopicPartition($0.key), $0.value) })
  }
}
