import Messages
import Values

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
