/// Ends of partitions that the library reports, until they may be taken for positions.
///
/// The last offsets of a partition need not belong to records: the markers of transactions take offsets too, and so do
/// records that were compacted away. Only the end says where reading stands behind them. Records arrive on two queues,
/// so an end can overtake a record of its partition; it counts once the queue of records was found empty after it, the
/// control queue was served after that, and nothing of the partition is held back. A pure value.
struct PartitionEnds: Equatable {
  private struct End: Equatable {
    var offset: Int64
    /// Every record that was queued before the end has been taken from the queue of records.
    var isBehindRecords = false
  }
  private var ends: [TopicPartition: End] = [:]

  var isEmpty: Bool { ends.isEmpty }

  /// - Parameter offset: the one the next record of the partition will have, or any later one.
  mutating func reached(_ partition: TopicPartition, at offset: Int64) { ends[partition] = End(offset: offset) }

  /// The queue of records was polled and gave nothing more.
  mutating func recordsRanOut() {
    for partition in ends.keys { ends[partition]?.isBehindRecords = true }
  }

  /// What was read of these partitions is void.
  mutating func forget(_ partitions: Set<TopicPartition>?) {
    guard let partitions else { return ends = [:] }
    for partition in partitions { ends[partition] = nil }
  }

  /// Takes out the ends that count now. To be called after the control queue was served.
  ///
  /// - Parameters:
  ///   - held: partitions with records that were taken from a queue and not yet handed over.
  ///   - next: the offset after the last record that was handed over; nil for a partition that is not ours.
  /// - Returns: ends with offsets before them that hold no records.
  mutating func take(holding held: Set<TopicPartition>, next: (TopicPartition) -> Int64?) -> [TopicPartition: Int64] {
    var passed: [TopicPartition: Int64] = [:]
    for (partition, end) in ends where end.isBehindRecords && !held.contains(partition) {
      ends[partition] = nil
      if let position = next(partition), end.offset > position { passed[partition] = end.offset }
    }
    return passed
  }
}
