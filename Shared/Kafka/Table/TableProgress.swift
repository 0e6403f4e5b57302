/// How far a table was read, and whether that is as far as it reached when the reading began. A pure value.
///
/// The last offsets of a partition may hold no records (markers of transactions, compacted rows), so a partition is
/// done when its last record or its end was seen, whichever comes first.
struct TableProgress: Equatable {
  /// The next offset to read of every partition.
  private(set) var positions: [TopicPartition: Int64]
  /// Where each partition ended when the reading began; those reached are taken out.
  private var targets: [TopicPartition: Int64]

  /// - Parameter atEnd: leaves out what is there.
  init(_ marks: [TopicPartition: Watermarks] = [:], atEnd: Bool = false) {
    positions = marks.mapValues { atEnd ? $0.high : $0.low }
    targets = atEnd ? [:] : marks.filter { $0.value.high > $0.value.low }.mapValues(\.high)
  }

  var isCurrent: Bool { targets.isEmpty }

  /// - Returns: false for a record from before the partition was started anew.
  mutating func take(_ partition: TopicPartition, offset: Int64) -> Bool {
    guard offset >= positions[partition] ?? 0 else { return false }
    advance(partition, to: offset + 1)
    return true
  }

  /// - Parameter offset: the one the next record will have.
  mutating func reachedEnd(_ partition: TopicPartition, at offset: Int64) {
    targets[partition] = nil
    positions[partition] = max(offset, positions[partition] ?? 0)
  }

  /// The broker refused the position: reading goes on with what is there. A topic that was made anew may end before
  /// its old target; its end is seen then.
  mutating func restart(_ partition: TopicPartition, in marks: Watermarks) {
    let wanted = positions[partition] ?? 0
    positions[partition] = (marks.low...max(marks.low, marks.high)).contains(wanted) ? wanted : marks.low
    if positions[partition]! >= targets[partition] ?? .max { targets[partition] = nil }
  }

  private mutating func advance(_ partition: TopicPartition, to next: Int64) {
    positions[partition] = next
    if let target = targets[partition], next >= target { targets[partition] = nil }
  }
}
