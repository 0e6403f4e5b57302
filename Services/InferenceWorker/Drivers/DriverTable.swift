import Core
import Kafka
import Logging
import Messages
import Synchronization
import Values

/// The driver series, the same in every worker of the group: all partitions of the topic of energy prices, which the
/// worker follows, after the group's own windows from before that topic begins.
///
/// A driver is a series that is an input of other series' models, such as the oil price. Drivers come from another
/// topic, whose read position at an observation is arbitrary. So the records' timestamps decide which values an
/// observation can use: those written `delay` or more before it. By then every worker has read them, in the first run
/// and in a replay.
package final class DriverTable: Sendable {
  private let series = Mutex<[SeriesName: SeriesHistory]>([:])
  /// Points kept per series; the oldest are dropped first.
  private let limit: Int

  package init(limit: Int) { self.limit = limit }

  /// - Returns: nil for an unknown series.
  package func series(_ names: [SeriesName]) -> [SeriesHistory?] {
    names.isEmpty ? [] : series.withLock { series in names.map { series[$0] } }
  }

  package func insert(_ observation: CommodityObservation, offset: Int64, stamp: Int64) {
    series.withLock { series in
      series[SeriesName(observation.series, observation.kind), default: SeriesHistory()].insert(
        observedAt: observation.observedAt.microseconds, value: observation.value,
        SeriesHistory.Measure(currency: observation.currency, unit: observation.unit), offset: offset, stamp: stamp,
        limit: limit)
    }
  }

  package func insert(_ name: SeriesName, _ history: SeriesHistory) {
    series.withLock { series in
      for point in history.points {
        series[name, default: SeriesHistory()].insert(
          observedAt: point.observedAt, value: point.value, history.measures[point.measure], offset: point.offset,
          stamp: point.stamp, limit: limit)
      }
    }
  }

  func take(_ batch: RecordBatch) {
    batch.forEach { record in
      // The worker that has the partition dead-letters unreadable records.
      guard !record.isTombstone, let observation = try? CommodityObservation(decoding: record.value) else { return }
      insert(observation, offset: record.offset, stamp: record.timestamp)
    }
  }
}

extension SeriesHistory {
  /// The last value of a driver as of a time.
  ///
  /// - Parameters:
  ///   - time: microseconds since 1970.
  ///   - stamp: only records written until then count, milliseconds since 1970.
  package func value(asOf time: Int64, writtenUpTo stamp: Int64) -> (point: Point, Measure)? {
    let end = points.partitioningIndex { $0.observedAt > time }
    return points[..<end].last { $0.stamp <= stamp }.map { ($0, measures[$0.measure]) }
  }
}
