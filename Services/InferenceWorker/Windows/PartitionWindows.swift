import Schemas

/// The windows of the series of one partition, and which of them the changelog does not have yet.
struct PartitionWindows {
  private(set) var histories: [SeriesName: SeriesHistory]
  private(set) var changed: Set<SeriesName> = []
  /// Nothing before this offset will be read again; nil until a commit has said so.
  var floor: Int64?

  init(_ histories: [SeriesName: SeriesHistory] = [:]) { self.histories = histories }

  /// Takes an observation in, in place.
  ///
  /// - Parameter limit: times that are known of a series.
  /// - Returns: whether it only says again what was known before it; then nothing changes.
  mutating func takes(
    _ observation: MarketObservation, _ name: SeriesName, offset: Int64, stamp: Int64, limit: Int
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

  /// What the changelog is to be told, without what no longer matters, in an order of its own.
  mutating func changes(limit: Int, group: String) -> [SeriesWindow] {
    changed.sorted { ($0.series, $0.kind.rawValue) < ($1.series, $1.kind.rawValue) }.map { name in
      if let floor { histories[name]?.prune(floor: floor, limit: limit) }
      return (histories[name] ?? SeriesHistory()).window(of: name, group: group)
    }
  }

  /// The changelog has them.
  mutating func settle() { changed.removeAll(keepingCapacity: true) }
}
