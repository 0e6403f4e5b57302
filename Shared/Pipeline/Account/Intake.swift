import Kafka

/// What is noted while one batch is taken in: consecutive kept records of one partition are booked together.
struct Intake {
  /// Why the rest of the batch is not looked at.
  var failure: (any Error)?
  private(set) var partition: TopicPartition?
  /// Kept records that are not booked yet.
  private var kept: Range<Int64> = 0..<0
  private var consumed: [String: Int] = [:]

  /// The records that follow are of this partition.
  mutating func enter(
    _ partition: TopicPartition, booking account: inout SinkAccount, at now: ContinuousClock.Instant
  ) {
    bookKept(in: &account, at: now)
    self.partition = partition
  }

  mutating func book(
    _ disposition: Disposition, _ offset: Int64, in account: inout SinkAccount, at now: ContinuousClock.Instant
  ) {
    if disposition == .keep {
      if kept.upperBound == offset, !kept.isEmpty {
        kept = kept.lowerBound..<(offset + 1)
      } else {
        bookKept(in: &account, at: now)
        kept = offset..<(offset + 1)
      }
    } else if let partition {
      bookKept(in: &account, at: now)
      consumed[partition.topic, default: 0] += 1
      account.took(partition, offset: offset, disposition: disposition, at: now)
    }
  }

  mutating func bookKept(in account: inout SinkAccount, at now: ContinuousClock.Instant) {
    guard let partition, !kept.isEmpty else { return }
    account.took(partition, kept: kept, at: now)
    consumed[partition.topic, default: 0] += kept.count
    kept = 0..<0
  }

  mutating func finish(
    booking account: inout SinkAccount, _ metrics: PipelineMetrics, at now: ContinuousClock.Instant
  ) {
    bookKept(in: &account, at: now)
    for (topic, count) in consumed { metrics.consumed(topic, by: count) }
    metrics.setInFlight(account.inFlight)
  }
}
