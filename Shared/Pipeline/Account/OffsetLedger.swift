import Core
import Kafka

/// Which records of each partition are done, and therefore what may be committed.
///
/// Records are begun in offset order and finish in any order; `committable` is the offset after the longest
/// finished prefix. A partition that was taken away is closed, and records that finish late for it are ignored:
/// its `epoch` no longer fits. A pure value: no clock, no Kafka.
package struct OffsetLedger: Sendable {
  private struct Track {
    var epoch: UInt64
    /// Everything below is finished; nil until the first record is begun.
    var base: Int64?
    /// Records from `base` on, in offset order; offsets may have holes (compaction, transactions).
    var open: [(offset: Int64, isFinished: Bool)] = []
    /// Index of the first unfinished record in `open`; the finished prefix before it is trimmed lazily.
    var head = 0
    var committed: Int64?
  }
  private var tracks: [TopicPartition: Track] = [:]
  /// Records begun and not yet finished.
  package private(set) var inFlight = 0
  /// Records begun that cannot be committed yet: those in flight, and those finished behind one of them.
  package private(set) var held = 0

  package init() {}

  /// Starts (or restarts) a partition under a new epoch; what was in flight for it before is forgotten.
  package mutating func open(_ partition: TopicPartition, epoch: UInt64) {
    close(partition)
    tracks[partition] = Track(epoch: epoch)
  }

  package func isOpen(_ partition: TopicPartition, epoch: UInt64) -> Bool { tracks[partition]?.epoch == epoch }

  /// Nil when the partition is closed.
  package func epoch(of partition: TopicPartition) -> UInt64? { tracks[partition]?.epoch }

  /// - Returns: false when the partition is not open under this epoch: the record must not be worked on.
  package mutating func begin(_ partition: TopicPartition, offset: Int64, epoch: UInt64) -> Bool {
    guard tracks[partition]?.epoch == epoch else { return false }
    precondition(tracks[partition]!.open.last.map { $0.offset < offset } ?? true, "offsets must rise in a partition")
    tracks[partition]!.open.append((offset, false))
    inFlight += 1
    held += 1
    return true
  }

  /// No record lies between the last one that was begun and `next`: the position moves there once all before is done.
  package mutating func pass(_ partition: TopicPartition, to next: Int64, epoch: UInt64) {
    guard var track = tracks[partition], track.epoch == epoch else { return }
    if track.open.isEmpty {
      track.base = max(next, track.base ?? next)
    } else if track.open.last!.offset < next - 1 {
      // Stands for the offsets without records, and is finished already.
      track.open.append((next - 1, true))
      held += 1
    }
    tracks[partition] = track
  }

  /// - Returns: false when the record came too late: its partition was closed or reopened meanwhile.
  package mutating func finish(_ partition: TopicPartition, offset: Int64, epoch: UInt64) -> Bool {
    guard var track = tracks[partition], track.epoch == epoch else { return false }
    // Taken out while it is changed, so that the array is not copied.
    tracks[partition] = nil
    defer { tracks[partition] = track }
    guard let index = Self.index(of: offset, in: track.open), !track.open[index].isFinished else { return false }
    track.open[index].isFinished = true
    inFlight -= 1
    while track.head < track.open.count, track.open[track.head].isFinished {
      track.base = track.open[track.head].offset + 1
      track.head += 1
      held -= 1
    }
    if track.head == track.open.count {
      track.open.removeAll(keepingCapacity: true)
      track.head = 0
    } else if track.head >= 1_024, track.head * 2 >= track.open.count {
      track.open.removeFirst(track.head)
      track.head = 0
    }
    return true
  }

  /// Next offsets that moved since they were last marked as committed.
  package func committable(_ partitions: Set<TopicPartition>? = nil) -> [TopicPartition: Int64] {
    var result: [TopicPartition: Int64] = [:]
    for (partition, track) in tracks where partitions?.contains(partition) ?? true {
      if let base = track.base, track.committed.map({ $0 < base }) ?? true { result[partition] = base }
    }
    return result
  }

  package mutating func markCommitted(_ positions: [TopicPartition: Int64]) {
    for (partition, offset) in positions where tracks[partition] != nil {
      tracks[partition]!.committed = max(offset, tracks[partition]!.committed ?? offset)
    }
  }

  package func inFlight(in partition: TopicPartition) -> Int {
    tracks[partition].map { track in track.open[track.head...].count { !$0.isFinished } } ?? 0
  }

  /// - Returns: how many unfinished records were given back.
  @discardableResult
  package mutating func close(_ partition: TopicPartition) -> Int {
    let returned = inFlight(in: partition)
    inFlight -= returned
    held -= tracks[partition].map { $0.open.count - $0.head } ?? 0
    tracks[partition] = nil
    return returned
  }

  private static func index(of offset: Int64, in open: [(offset: Int64, isFinished: Bool)]) -> Int? {
    let index = open.partitioningIndex { $0.offset >= offset }
    return index < open.count && open[index].offset == offset ? index : nil
  }
}
