import Messages
import Values

/// The latest observations of one series, with the values that each replaced.
///
/// The known points *as of* an offset are the `limit` latest times among all records up to it, each with its last value
/// up to it. That depends on the topic alone: not on when it is computed, how often records were read, or which records
/// follow. `prune` keeps all points that this needs for any offset that may be read again.
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

  /// The offset of the newest record; -1 without any.
  package var newestOffset: Int64 { points.reduce(-1) { max($0, $1.offset) } }

  /// Inserts an observation at its place, and drops the oldest points beyond `limit`. A known one changes nothing.
  /// - Returns: whether it was new.
  @discardableResult
  package mutating func insert(
    observedAt: Int64, value: ExactDecimal, _ measure: Measure, offset: Int64, stamp: Int64, limit: Int = .max
  ) -> Bool {
    // Nearly always the newest.
    var index = points.count
    while index > 0, (points[index - 1].observedAt, points[index - 1].offset) >= (observedAt, offset) { index -= 1 }
    if index < points.count, points[index].observedAt == observedAt, points[index].offset == offset { return false }
    let number = measures.firstIndex(of: measure) ?? measures.count
    if number == measures.count { measures.append(measure) }
    points.insert(Point(observedAt: observedAt, value: value, offset: offset, stamp: stamp, measure: number), at: index)
    if points.count > limit { points.removeFirst(points.count - limit) }
    return true
  }

  /// Whether a record repeats the value that the records before it already gave for its time.
  func repeats(_ time: Int64, _ value: ExactDecimal, _ measure: Measure, offset: Int64, limit: Int) -> Bool {
    // Nearly every observation is the newest, or the first of its time.
    var index = points.count
    while index > 0, points[index - 1].observedAt > time { index -= 1 }
    guard index > 0, points[index - 1].observedAt == time,
      let before = known(asOf: offset - 1, limit: limit).first(where: { $0.observedAt == time })
    else { return false }
    return before.value == value && measures[before.measure] == measure
  }

  /// The known points as of the record at `offset`, newest time first, one point per time.
  ///
  /// - Parameter limit: the most times.
  package func known(asOf offset: Int64, limit: Int) -> [Point] {
    var known: [Point] = []
    for point in points.reversed() where point.offset <= offset && known.last?.observedAt != point.observedAt {
      if known.count == limit { break }
      known.append(point)
    }
    return known
  }

  /// Drops the points that no record at or after `floor` can need.
  ///
  /// - Parameters:
  ///   - floor: the committed offset; earlier records are never read again.
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

/// A series of one kind; each has one window.
package struct SeriesName: Hashable, Sendable {
  package var series: RoutingKey
  package var kind: SeriesKind

  package init(_ series: RoutingKey, _ kind: SeriesKind) {
    self.series = series
    self.kind = kind
  }
}

/// The windows of one partition's series, and which of them the changelog lacks.
struct PartitionWindows {
  private(set) var histories: [SeriesName: SeriesHistory]
  private(set) var changed: Set<SeriesName> = []
  /// Records before this offset are never read again; nil before the first commit.
  var floor: Int64?

  init(_ histories: [SeriesName: SeriesHistory] = [:]) { self.histories = histories }

  /// Inserts an observation, unless it is a repeat.
  ///
  /// - Parameter limit: times remembered per series.
  /// - Returns: whether it repeats a known value.
  mutating func insert(
    _ observation: CommodityObservation, _ name: SeriesName, offset: Int64, stamp: Int64, limit: Int
  ) -> Bool {
    let time = observation.observedAt.microseconds
    let measure = SeriesHistory.Measure(currency: observation.currency, unit: observation.unit)
    if histories[name]?.repeats(time, observation.value, measure, offset: offset, limit: limit) == true { return true }
    let isNew = histories[name, default: SeriesHistory()].insert(
      observedAt: time, value: observation.value, measure, offset: offset, stamp: stamp)
    if isNew { changed.insert(name) }
    return false
  }

  func known(_ name: SeriesName, asOf offset: Int64, limit: Int) -> [SeriesHistory.Point] {
    histories[name]?.known(asOf: offset, limit: limit) ?? []
  }

  /// The changed windows for the changelog, pruned, in a fixed order.
  mutating func changes(limit: Int, group: String) -> [SeriesWindow] {
    changed.sorted { ($0.series, $0.kind.rawValue) < ($1.series, $1.kind.rawValue) }.map { name in
      if let floor { histories[name]?.prune(floor: floor, limit: limit) }
      return (histories[name] ?? SeriesHistory()).window(of: name, group: group)
    }
  }

  /// The changelog has all windows.
  mutating func settle() { changed.removeAll(keepingCapacity: true) }
}
