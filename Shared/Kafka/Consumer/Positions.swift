/// The right to work on one partition during one assignment.
///
/// `epoch` grows with every assignment and every seek of the partition, so that what was begun under an older
/// one is recognised, even when the same partition came back to the same process.
package struct Lease: Hashable, Sendable {
  package let partition: TopicPartition
  package let epoch: UInt64

  package init(partition: TopicPartition, epoch: UInt64) {
    self.partition = partition
    self.epoch = epoch
  }
}

/// Where to go in a partition.
package enum SeekTarget: Hashable, Sendable {
  case offset(Int64)
  /// The first record at or after this time (milliseconds since 1970, UTC); the end when there is none.
  case timestamp(Int64)
  case beginning
  case end
}

/// What a group had committed for a partition: the next offset to read and the text stored beside it.
package struct CommittedOffset: Hashable, Sendable {
  package var offset: Int64
  package var metadata = ""
}

/// The offsets a partition holds: `low` is its first record, `high` the offset the next record will get.
package struct Watermarks: Hashable, Sendable {
  package var low: Int64
  package var high: Int64
}

/// Records that were gone before they could be read: the log was trimmed past our position, or it was replaced
/// and now ends before it.
package struct Gap: Hashable, Sendable, CustomStringConvertible {
  package var partition: TopicPartition
  /// The offset that should have come next.
  package var wanted: Int64
  /// The first offset the broker still has.
  package var available: Int64
  /// One past the last record of the broker.
  package var end: Int64

  /// How many offsets are missing; 0 when the log ends before `wanted` (it was deleted and made again): then
  /// it is not known what was lost.
  package var lost: Int64 { wanted < available ? available - wanted : 0 }

  /// The log ends before our position: it was deleted and made again.
  package var isOtherLog: Bool { wanted >= available }

  package var description: String {
    wanted < available
      ? "\(partition): offsets \(wanted)..<\(available) are gone, \(lost) records lost"
      : "\(partition): offset \(wanted) is beyond the end \(end) of the log, which was deleted and made again"
  }
}

/// Where a partition without a committed offset starts.
package enum StartPosition: Hashable, Sendable {
  case earliest
  case latest
  /// Milliseconds since 1970, UTC.
  case timestamp(Int64)
}

/// What to do after a `Gap` was reported.
package enum GapPolicy: String, Sendable, CaseIterable {
  /// `next()` throws a fatal error after the element: a person decides.
  case stop
  /// Go on from the first offset the broker still has.
  case `continue`
}

/// One partition of one topic; prints as `topic[3]`.
package struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
  package var topic: String
  package var partition: Int32

  package init(_ topic: String, _ partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  package var description: String { "\(topic)[\(partition)]" }
}

extension TopicPartition: Comparable {
  package static func < (left: Self, right: Self) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }
}
