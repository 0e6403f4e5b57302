import Schemas

/// The latest observations of one series, with what each replaced.
///
/// What is known of a series *as of* an offset are the `limit` latest times among all records up to it, each with its
/// last value up to it. That is a function of the topic alone: it does not matter when it is asked, how often records
/// were read, or what came behind. `prune` keeps all that this needs for any offset that may still be read again.
package struct SeriesHistory: Hashable, Sendable {
  package typealias Point = SeriesWindow.Point
  package typealias Measure = SeriesWindow.Measure

  package private(set) var measures: [Measure] = []
  /// Ascending by time, then offset.
  package private(set) var points: [Point] = []

  package init() {}

  package init(_ window: SeriesWindow) {
    measures = window.measures
    points = window.points
  }

  /// The offset of the newest record it has; -1 without any.
  package var newestOffset: Int64 { points.reduce(-1) { max($0, $1.offset) } }

  /// Takes an observation in, wherever it belongs. One that is there already changes nothing.
  /// - Returns: whether it was new.
  @discardableResult
  package mutating func insert(
    observedAt: Int64, value: ExactDecimal, _ measure: Measure, offset: Int64, stamp: Int64
  ) -> Bool {
    // Nearly always the newest of all.
    var index = points.count
    while index > 0, (points[index - 1].observedAt, points[index - 1].offset) >= (observedAt, offset) { index -= 1 }
    if index < points.count, points[index].observedAt == observedAt, points[index].offset == offset { return false }
    let number = measures.firstIndex(of: measure) ?? measures.count
    if number == measures.count { measures.append(measure) }
    points.insert(
      Point(observedAt: observedAt, value: value, offset: offset, stamp: stamp, measure: number), at: index)
    return true
  }

  /// Whether a record says of its time what was known already when everything before it had been read.
  func repeats(_ time: Int64, _ value: ExactDecimal, _ measure: Measure, offset: Int64, limit: Int) -> Bool {
    // Nearly every observation is newer than all others, or the first of its time.
    var index = points.count
    while index > 0, points[index - 1].observedAt > time { index -= 1 }
    guard index > 0, points[index - 1].observedAt == time,
      let before = known(asOf: offset - 1, limit: limit).first(where: { $0.observedAt == time })
    else { return false }
    return before.value == value && measures[before.measure] == measure
  }

  /// What was known when the record at `offset` had been read, newest time first, one point a time.
  ///
  /// - Parameter limit: how many times are known at most.
  package func known(asOf offset: Int64, limit: Int) -> [Point] {
    var known: [Point] = []
    for point in points.reversed() where point.offset <= offset && known.last?.observedAt != point.observedAt {
      if known.count == limit { break }
      known.append(point)
    }
    return known
  }

  /// Forgets what no record at or behind `floor` can need.
  ///
  /// - Parameters:
  ///   - floor: the committed offset: nothing before it will be read again.
  ///   - limit: as for `known`.
  package mutating func prune(floor: Int64, limit: Int) {
    guard points.count > limit else { return }
    let needed = Set(known(asOf: floor - 1, limit: limit).map(\.offset))
    points.removeAll { $0.offset < floor && !needed.contains($0.offset) }
    let used = Set(points.map(\.measure))
    guard used.count < measures.count else { return }
    let kept = measures.indices.filter(used.contains)
    measures = kept.map { measures[$0] }
    for index in points.indices { points[index].measure = kept.firstIndex(of: points[index].measure) ?? 0 }
  }

  package func window(of name: SeriesName, group: String) -> SeriesWindow {
    SeriesWindow(group: group, kind: name.kind, series: name.series, measures: measures, points: points)
  }
}
