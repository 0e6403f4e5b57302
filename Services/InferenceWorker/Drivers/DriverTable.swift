import Kafka
import Logging
import Messages
import Synchronization
import Values

/// The driver series, the same in every worker of the group: all partitions of the topic of energy prices, which the
/// worker follows, after the group's own windows from before that topic begins.
package final class DriverTable: Sendable {
  private let series = Mutex<[SeriesName: DriverSeries]>([:])
  /// Points kept per series.
  private let limit: Int

  package init(limit: Int) { self.limit = limit }

  /// - Returns: nil for an unknown series.
  package func series(_ names: [SeriesName]) -> [DriverSeries?] {
    names.isEmpty ? [] : series.withLock { series in names.map { series[$0] } }
  }

  package func insert(_ observation: CommodityObservation, offset: Int64, stamp: Int64) {
    let name = SeriesName(observation.series, observation.kind)
    series.withLock { series in
      series[name, default: DriverSeries(limit: limit)].insert(
        observedAt: observation.observedAt.microseconds, value: observation.value,
        SeriesHistory.Measure(currency: observation.currency, unit: observation.unit), offset: offset, stamp: stamp)
    }
  }

  package func insert(_ name: SeriesName, _ history: SeriesHistory) {
    series.withLock { series in
      for point in history.points {
        series[name, default: DriverSeries(limit: limit)].insert(
          observedAt: point.observedAt, value: point.value, history.measures[point.measure], offset: point.offset,
          stamp: point.stamp)
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
