import Kafka
import Metrics
import Pipeline

/// `PriceStore` as the shared loop wants it: Kafka's words on one side, the store's on the other.
package final class PriceSink: Sink {
  private let store: PriceStore
  private let metrics = DBWriterMetrics()

  package init(_ store: PriceStore) { self.store = store }

  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    try await store.start(Set(partitions.map(SourcePartition.init))).asPositions
  }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Verdict {
    let source = SourcePartition(record.topic, record.partition)
    switch try store.append(source, offset: record.offset, value: record.isTombstone ? nil : record.value) {
    case .staged: return .keep
    case .skipped(let reason): return .skip(reason: reason)
    case .rejected(let rejection):
      metrics.refused(rejection)
      return .reject(Rejection(code: rejection.code, stage: "decode", rejection.message))
    }
  }

  package func salvage(_ record: borrowing RecordBatch.Record) throws { _ = try append(record) }

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
          rejection: Rejection(code: record.rejection.code, stage: "write", record.rejection.message))
      })
  }

  package func drop(_ partitions: Set<TopicPartition>) { store.drop(Set(partitions.map(SourcePartition.init))) }
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
