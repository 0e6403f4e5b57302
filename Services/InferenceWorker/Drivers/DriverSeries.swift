import Schemas

/// A series that models of other series look at, such as the oil price.
///
/// Drivers come in another topic, so how far that one has been read when an observation is worked on is chance. What
/// an observation may know of a driver is therefore decided by the records' own times: a value counts for the
/// observations written `delay` or more after it. By then every worker has read it, in the first run as in a replay.
package struct DriverSeries: Sendable {
  /// Ascending by time, then stamp.
  private var points: [SeriesHistory.Point] = []
  private var measures: [SeriesHistory.Measure] = []
  /// Points kept; the oldest go first.
  private let limit: Int

  package init(limit: Int) { self.limit = limit }

  package var count: Int { points.count }

  package mutating func insert(
    observedAt: Int64, value: ExactDecimal, _ measure: SeriesHistory.Measure, offset: Int64, stamp: Int64
  ) {
    var index = points.count
    while index > 0, (points[index - 1].observedAt, points[index - 1].offset) >= (observedAt, offset) { index -= 1 }
    if index < points.count, points[index].observedAt == observedAt, points[index].offset == offset { return }
    let number = measures.firstIndex(of: measure) ?? measures.count
    if number == measures.count { measures.append(measure) }
    points.insert(.init(observedAt: observedAt, value: value, offset: offset, stamp: stamp, measure: number), at: index)
    if points.count > limit { points.removeFirst(points.count - limit) }
  }

  /// The last value as of a time.
  ///
  /// - Parameters:
  ///   - time: microseconds since 1970.
  ///   - stamp: only records written up to here, in milliseconds since 1970, are known.
  package func value(
    asOf time: Int64, writtenUpTo stamp: Int64
  ) -> (point: SeriesHistory.Point, SeriesHistory.Measure)? {
    var low = 0
    var high = points.count
    while low < high {
      let middle = (low + high) / 2
      if points[middle].observedAt <= time { low = middle + 1 } else { high = middle }
    }
    while low > 0 {
      low -= 1
      if points[low].stamp <= stamp { return (points[low], measures[points[low].measure]) }
    }
    return nil
  }
}
