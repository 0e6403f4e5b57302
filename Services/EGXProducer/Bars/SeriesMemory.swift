import Core

/// What was published of one series: its latest bars, each by its position and fingerprint. A value, and small: 16
/// bytes a bar.
package struct SeriesMemory: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var position: Int64
    package var fingerprint: UInt64
  }

  package enum Comparison: Hashable, Sendable {
    case new, changed, unchanged
    /// Older than everything that is remembered: it was published long ago.
    case forgotten
  }

  /// Ascending.
  package private(set) var entries: [Entry] = []
  /// Bars at or before this position are no longer remembered.
  package private(set) var horizon = Int64.min
  package let capacity: Int

  package init(capacity: Int) { self.capacity = max(1, capacity) }

  package var newest: Int64? { entries.last?.position }

  package func compare(_ position: Int64, _ fingerprint: UInt64) -> Comparison {
    let index = place(of: position)
    if index < entries.count, entries[index].position == position {
      return entries[index].fingerprint == fingerprint ? .unchanged : .changed
    }
    return position <= horizon ? .forgotten : .new
  }

  /// Call it once the bar is acknowledged.
  package mutating func note(_ position: Int64, _ fingerprint: UInt64) {
    let index = place(of: position)
    if index < entries.count, entries[index].position == position {
      entries[index].fingerprint = fingerprint
      return
    }
    guard position > horizon else { return }
    entries.insert(Entry(position: position, fingerprint: fingerprint), at: index)
    // Several are dropped at a time, so that a long first answer does not move the array for each of its bars.
    if entries.count > capacity + capacity / 4 {
      let count = entries.count - capacity
      horizon = max(horizon, entries[count - 1].position)
      entries.removeFirst(count)
    }
  }

  /// What a state file said.
  package init(capacity: Int, horizon: Int64, entries: [Entry]) {
    self.init(capacity: capacity)
    self.horizon = horizon
    for entry in entries { note(entry.position, entry.fingerprint) }
  }

  private func place(of position: Int64) -> Int {
    // Almost always the newest.
    if let last = entries.last, position > last.position { return entries.count }
    return entries.partitioningIndex { $0.position >= position }
  }
}
