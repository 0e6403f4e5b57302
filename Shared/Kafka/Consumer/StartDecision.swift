/// Where newly assigned partitions start. A pure value.
///
/// A partition that its sink knows starts there. Next comes what the group has committed, unless the sink keeps the
/// offsets itself: then the group's commit says nothing of what is in the sink, which may be new or emptied, and is
/// adopted on request only. What is left starts at `startFrom`, except for one case: under `latest`, a partition that
/// was added after the group began starts at its first record, because none of its records is older than the group.
struct StartDecision {
  var startFrom: StartPosition
  var adoptsCommits: Bool

  struct Plan: Equatable {
    var known: [TopicPartition: Int64] = [:]
    /// Nothing is known of these.
    var fresh: [TopicPartition: StartPosition] = [:]
    /// Commits of the group that were not adopted.
    var ignored: [TopicPartition: Int64] = [:]
    /// Those of `fresh` that were added after the group began.
    var added: Set<TopicPartition> = []
    /// How many partitions each topic had when the group began.
    var beginnings: [String: Int32] = [:]
  }

  /// - Parameters:
  ///   - given: what the sink knows.
  ///   - committed: what the group has committed of the topics of these partitions: of all their partitions when the
  ///     start is `latest`, of these alone otherwise.
  ///   - counts: how many partitions each topic has, when the start is `latest`.
  func plan(
    _ partitions: Set<TopicPartition>, given: [TopicPartition: Int64],
    committed: [TopicPartition: CommittedOffset], counts: [String: Int32] = [:]
  ) -> Plan {
    var plan = Plan(known: given)
    if startFrom == .latest { plan.beginnings = Self.beginnings(committed, counts) }
    for partition in partitions where given[partition] == nil {
      if let commit = committed[partition] {
        if adoptsCommits {
          plan.known[partition] = commit.offset
          continue
        }
        plan.ignored[partition] = commit.offset
      } else if startFrom == .latest, partition.partition >= plan.beginnings[partition.topic] ?? .max {
        plan.added.insert(partition)
        plan.fresh[partition] = .earliest
        continue
      }
      plan.fresh[partition] = startFrom
    }
    return plan
  }

  /// Partitions are only ever added behind the others, so the number there was at the beginning tells which came later.
  /// It stands beside the commits. Where there are commits and none has it, each partition without one came later:
  /// the member that is given partitions commits their starts at once.
  private static func beginnings(
    _ committed: [TopicPartition: CommittedOffset], _ counts: [String: Int32]
  ) -> [String: Int32] {
    var beginnings = counts
    for (topic, commits) in Dictionary(grouping: committed, by: \.key.topic) {
      beginnings[topic] = commits.compactMap { GroupBeginning($0.value.metadata)?.partitions }.min() ?? 0
    }
    return beginnings
  }
}

/// The text beside a committed offset that says how many partitions the topic had when the group began with
/// `--start-from latest`.
struct GroupBeginning: Equatable {
  var partitions: Int32

  init(partitions: Int32) { self.partitions = partitions }

  /// - Returns: nil for any other text.
  init?(_ text: String) {
    guard text.hasPrefix(Self.prefix), let count = Int32(text.dropFirst(Self.prefix.count)), count > 0 else {
      return nil
    }
    partitions = count
  }

  private static let prefix = "began-with-partitions="

  var text: String { Self.prefix + "\(partitions)" }

  /// Adds the text of its topic where a commit has none of its own; otherwise the commit would remove it.
  static func complete(
    _ metadata: [TopicPartition: String], _ partitions: some Sequence<TopicPartition>, _ beginnings: [String: Int32]
  ) -> [TopicPartition: String] {
    if beginnings.isEmpty { return metadata }
    var metadata = metadata
    for partition in partitions where metadata[partition] == nil {
      metadata[partition] = beginnings[partition.topic].map { GroupBeginning(partitions: $0).text }
    }
    return metadata
  }
}
