import Core
import Kafka
import Messages
import Pipeline

import Glibc

/// Writes points to a time series database.
///
/// A point's measurement, tags and time come only from its record, so writing a record twice changes nothing: after an
/// outage or a crash the service writes again, and needs no state besides Kafka's offsets.
package final class InfluxSink: Sink {
  private let destination: any PointDestination
  private let limits: WriteLimits
  private let metrics = InfluxMetrics()
  private let progress: @Sendable () -> Void
  private var encoder: PointEncoder
  private var buffers: [TopicPartition: PointBuffer] = [:]

  /// - Parameter progress: called after each answer of the server.
  package init(
    _ destination: any PointDestination, encoder: PointEncoder, limits: WriteLimits,
    progress: @escaping @Sendable () -> Void = {}
  ) {
    self.destination = destination
    self.progress = progress
    self.encoder = encoder
    self.limits = limits
  }

  /// Every partition starts at the group's committed offset.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] { [:] }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    do {
      try buffers[record.topicPartition, default: PointBuffer()].append(record, by: &encoder)
      return .keep
    } catch {
      return .reject(Rejection(error))
    }
  }

  package var load: SinkLoad {
    buffers.values.reduce(into: SinkLoad()) { load, buffer in
      load.rows += buffer.count
      load.bytes += buffer.byteCount
    }
  }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    let writer = PointWriter(destination: destination, buffers: buffers, progress: progress)
    let outcome = try await writer.write(WritePlan(buffers, limits: limits))
    metrics.wrote(outcome)
    // From the producer's timestamp until now, when the points can be queried.
    let now = WallClock.milliseconds()
    for buffer in buffers.values { metrics.queryable(buffer.produced, at: now) }
    var report = FlushReport(durable: positions, rows: load.rows - outcome.refused.count)
    for (partition, offset, reason) in outcome.refused {
      report.durable[partition] = min(report.durable[partition] ?? offset, offset)
      report.poison.append(PoisonRecord(
        partition: partition, offset: offset,
        rejection: Rejection(code: "refused_by_server", stage: "write", reason)))
    }
    for partition in buffers.keys { buffers[partition]?.clear() }
    return report
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    for partition in partitions { buffers[partition] = nil }
  }
}

extension Rejection {
  fileprivate init(_ refusal: PointEncoder.Refusal) {
    switch refusal {
    case .undecodable(let failure):
      self.init(code: failure.kind.rawValue, stage: "decode", "\(failure)")
    case .badField(let name, let type):
      self.init(
        code: "bad_field", stage: "map",
        "'\(name)' does not hold a \(type.rawValue), the type in the mapping: --field \(name)[:type]")
    case .badTag(let name):
      self.init(code: "bad_tag", stage: "map", "'\(name)' is a tag of the mapping and holds an object or an array")
    case .noFields:
      self.init(code: "no_fields", stage: "map", "none of the mapping's fields has a value")
    case .noTime:
      self.init(code: "no_time", stage: "map", "none of the mapping's time fields has a value")
    }
  }
}
