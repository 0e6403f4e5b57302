import Kafka

/// One partition of a group at one moment, with what an earlier look at it saw. A pure value.
package struct PartitionStanding: Hashable, Sendable {
  package var place: TopicPartition
  /// The next offset that the group would read; nil where it never committed.
  package var committed: Int64?
  /// The first offset that is left, and the one behind the last.
  package var low: Int64
  package var end: Int64
  /// When the first record that the group has not done was produced, in milliseconds since 1970; nil when there is
  /// none, or its time is not known.
  package var oldest: Int64?
  /// Nothing but markers of transactions is left: there is no record to wait for.
  package var hasOnlyMarkers = false
  /// What the same partition had committed, and where it ended, an earlier moment.
  package var before: (committed: Int64?, end: Int64)?

  /// Where the group goes on: what the retention took cannot be read any more.
  package var position: Int64 { max(committed ?? low, low) }
  package var lag: Int64 { hasOnlyMarkers ? 0 : max(0, end - position) }
  /// Records that were deleted before the group has read them.
  package var deleted: Int64 { committed.map { max(0, low - $0) } ?? 0 }
  /// Offsets that were committed between the two looks.
  package var moved: Int64 {
    guard let before, let committed else { return 0 }
    return max(0, committed - max(before.committed ?? low, low))
  }
  /// Offsets that producers added between the two looks.
  package var added: Int64 { before.map { max(0, end - $0.end) } ?? 0 }

  package static func == (left: Self, right: Self) -> Bool {
    left.place == right.place && left.committed == right.committed && left.low == right.low && left.end == right.end
      && left.oldest == right.oldest && left.hasOnlyMarkers == right.hasOnlyMarkers
      && left.before?.committed == right.before?.committed && left.before?.end == right.before?.end
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(place) }
}

/// What is to be said of a group.
package enum LagVerdict: String, Hashable, Sendable, CaseIterable {
  case ok
  /// Behind by more time than is meant, and it works.
  case slow
  /// Behind by more time than is meant, and it committed nothing between the two looks.
  case stuck
  /// It has no member.
  case stopped
  /// It has no member and committed nothing.
  case neverRan = "never ran"
  /// The brokers did not say.
  case unknown

  package var tone: Tone {
    switch self {
    case .ok: .plain
    case .slow, .stopped: .warning
    case .stuck, .unknown: .bad
    case .neverRan: .faint
    }
  }
}

/// A group with the partitions of one or all of its topics. A pure value.
package struct GroupLag: Hashable, Sendable {
  package var group: String
  package var partitions: [PartitionStanding]
  /// nil where the brokers cannot say who is in a group, or did not.
  package var state: GroupState?
  /// How long lies between the two looks; zero when there was one.
  package var window: Duration
  /// Of the second look, in milliseconds since 1970.
  package var now: Int64
  /// Why the brokers did not answer; nil when they did.
  package var silence: String?

  package var lag: Int64 { partitions.reduce(0) { $0 + $1.lag } }
  package var deleted: Int64 { partitions.reduce(0) { $0 + $1.deleted } }
  package var moved: Int64 { partitions.reduce(0) { $0 + $1.moved } }
  package var hasCommitted: Bool { partitions.contains { $0.committed != nil } }

  /// How old the oldest record is that waits; nil when its time is not known, zero when none waits.
  package var timeLag: Duration? { Self.timeLag(partitions, now) }

  package static func timeLag(_ partitions: [PartitionStanding], _ now: Int64) -> Duration? {
    let waiting = partitions.filter { $0.lag > 0 }
    if waiting.isEmpty { return .zero }
    return waiting.compactMap(\.oldest).min().map { .milliseconds(max(0, now - $0)) }
  }

  /// Records a second that the group committed; nil without two looks.
  package var rate: Double? { window > .zero ? Double(moved) / (window / .seconds(1)) : nil }
  /// Records a second that producers added.
  package var inflow: Double? {
    window > .zero ? Double(partitions.reduce(0) { $0 + $1.added }) / (window / .seconds(1)) : nil
  }

  /// When nothing waits any more if both go on as between the two looks; nil when that is never.
  package var drain: Duration? {
    if lag == 0 { return .zero }
    guard let rate, let inflow, rate > inflow else { return nil }
    return .seconds(Double(lag) / (rate - inflow))
  }

  /// - Parameter limit: how old the oldest waiting record may be.
  package func verdict(slowAfter limit: Duration) -> LagVerdict {
    if silence != nil { return .unknown }
    let hasMembers = state.map { !$0.members.isEmpty }
    if hasMembers != true, !hasCommitted { return .neverRan }
    if hasMembers == false { return .stopped }
    guard lag > 0, timeLag.map({ $0 > limit }) ?? true else { return .ok }
    if window == .zero || moved > 0 { return timeLag == nil ? .ok : .slow }
    return .stuck
  }

  /// Whether a script that named these limits wants to hear of it.
  package func exceeds(records: Int?, age: Duration?) -> Bool {
    if records == nil && age == nil { return false }
    if silence != nil { return true }
    if let records, lag > records { return true }
    // What cannot be told is no proof that all is well.
    if let age, lag > 0, timeLag.map({ $0 > age }) ?? true { return true }
    return false
  }
}
