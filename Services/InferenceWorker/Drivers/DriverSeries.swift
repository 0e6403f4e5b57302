import Messages
import Values

/// A series that is an input of other series' models, such as the oil price.
///
/// Drivers come from another topic, whose read position at an observation is arbitrary. So the records' timestamps
/// decide which values an observation can use: those written `delay` or more before it. By then every worker has read
/// them, in the first run and in a replay.
package struct DriverSeries: Sendable {
  private var history = SeriesHistory()
  /// Points kept; the oldest are dropped first.
  private let limit: Int

  package init(limit: Int) { self.limit = limit }

  package var count: Int { history.points.count }

  package mutating func insert(
    observedAt: Int64, value: ExactDecimal, _ measure: SeriesHistory.Measure, offset: Int64, stamp: Int64
  ) {
    history.insert(observedAt: observedAt, value: value, measure, offset: offset, stamp: stamp)
    history.dropOldest(beyond: limit)
  }

  /// The last value as of a time.
  ///
  /// - Parameters:
  ///   - time: microseconds since 1970.
  ///   - stamp: only records written until then count, milliseconds since 1970.
  package func value(
    asOf time: Int64, writtenUpTo stamp: Int64
  ) -> (point: SeriesHistory.Point, SeriesHistory.Measure)? {
    let points = history.points
    var low = 0
    var high = points.count
    while low < high {
      let middle = (low + high) / 2
      if points[middle].observedAt <= time { low = middle + 1 } else { high = middle }
    }
    while low > 0 {
      low -= 1
      if points[low].stamp <= stamp { return (points[low], history.measures[points[low].measure]) }
    }
    return nil
  }
}
