import Kafka

/// Records that were read and are not begun, in the order of their partitions.
struct JobBacklog {
  var jobs: ArraySlice<Job> = []
  /// Positions behind offsets that hold no records, which wait for the records before them.
  private var ends: [Lease: Int64] = [:]

  mutating func take(_ batch: RecordBatch) -> [Job] {
    let taken = Job.all(in: batch)
    jobs += taken
    // Committing records that come later commits what lies before them too.
    for lease in batch.leases { ends[lease] = nil }
    return taken
  }

  mutating func passed(_ ends: [Lease: Int64]) { self.ends.merge(ends) { $1 } }

  /// Positions with no record of the backlog before them.
  var reachedEnds: [Lease: Int64] {
    if ends.isEmpty { return [:] }
    let waiting = Set(jobs.map(\.lease))
    return ends.filter { !waiting.contains($0.key) }
  }

  mutating func forget(_ ends: [Lease: Int64]) {
    for lease in ends.keys { self.ends[lease] = nil }
  }

  /// - Returns: how many records were given back.
  mutating func leave(_ partitions: Set<TopicPartition>) -> Int {
    ends = ends.filter { !partitions.contains($0.key.partition) }
    let count = jobs.count
    jobs.removeAll { partitions.contains($0.topicPartition) }
    return count - jobs.count
  }
}
