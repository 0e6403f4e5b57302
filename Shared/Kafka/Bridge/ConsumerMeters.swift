import Core
import CoreMetrics
import CRdKafka

import Glibc

/// A consumer's counters and how far it is behind, in records and in time, for each assigned partition.
final class ConsumerMeters {
  /// What is said of one assigned partition, and what that is worked out from.
  private struct PartitionMeters {
    let lag: Gauge
    let age: Gauge
    let committed: Gauge
    var backlog = Backlog()

    init(group: (String, String), _ partition: TopicPartition) {
      let labels = [group, ("topic", partition.topic), ("partition", "\(partition.partition)")]
      lag = Gauge(label: "souk_kafka_lag_records", dimensions: labels)
      age = Gauge(label: "souk_kafka_lag_seconds", dimensions: labels)
      committed = Gauge(label: "souk_kafka_committed_offset", dimensions: labels)
    }
  }

  private let group: (String, String)
  private var partitions: [TopicPartition: PartitionMeters] = [:]
  /// Records taken of partitions that have no gauges yet.
  private var early: [TopicPartition: Backlog] = [:]
  private var nextLag: ContinuousClock.Instant = .now
  let consumed = Counter(label: "souk_kafka_consumed_records_total")
  let late = Counter(label: "souk_kafka_late_commits_total")

  init(group: String) { self.group = ("group", group) }

  func gap(_ topic: String) -> Counter {
    Counter(label: "souk_kafka_gap_records_total", dimensions: [group, ("topic", topic)])
  }

  func ignoredCommits(_ topic: String) -> Counter {
    Counter(label: "souk_kafka_ignored_commits_total", dimensions: [group, ("topic", topic)])
  }

  func rebalances(_ kind: String) -> Counter {
    Counter(label: "souk_kafka_rebalance_events_total", dimensions: [group, ("kind", kind)])
  }

  func errors(_ code: String) -> Counter {
    Counter(label: "souk_kafka_errors_total", dimensions: [("client", "consumer"), ("code", code)])
  }

  func failedCommits(_ code: String) -> Counter {
    Counter(label: "souk_kafka_commit_failures_total", dimensions: [group, ("code", code)])
  }

  /// A batch was taken from the library whose first record of this partition this is.
  ///
  /// - Parameter timestamp: milliseconds since 1970, negative when the record has none.
  func took(_ partition: TopicPartition, offset: Int64, timestamp: Int64) {
    let now = WallClock.milliseconds()
    if partitions[partition] != nil {
      partitions[partition]?.backlog.took(offset, timestamp: timestamp, now: now)
    } else {
      early[partition, default: Backlog()].took(offset, timestamp: timestamp, now: now)
    }
  }

  /// Every few seconds, from the end offsets that fetches bring along: sends no request.
  func recordLag(
    _ client: ClientHandle, _ owned: [TopicPartition: ConsumerMachine.Ownership], _ now: ContinuousClock.Instant
  ) {
    guard now >= nextLag else { return }
    nextLag = now + .seconds(2)
    let wall = WallClock.milliseconds()
    for (partition, ownership) in owned {
      var (low, high): (Int64, Int64) = (-1, -1)
      let code = client.call {
        rd_kafka_get_watermark_offsets(
          $0, client.names.onCluster(partition.topic), partition.partition, &low, &high)
      }
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { continue }
      let committed = ownership.committed ?? ownership.start
      var meters = partitions[partition] ?? PartitionMeters(group: group, partition)
      if let backlog = early.removeValue(forKey: partition) { meters.backlog = backlog }
      meters.lag.record(max(0, high - committed))
      meters.committed.record(committed)
      let age = meters.backlog.age(committed: committed, taken: ownership.next, end: high, now: wall)
      meters.age.record(Double(age) / 1_000)
      partitions[partition] = meters
    }
  }

  /// A partition that left is reported by its next owner.
  func forget(_ left: Set<TopicPartition>) {
    for partition in left {
      early[partition] = nil
      guard let meters = partitions.removeValue(forKey: partition) else { continue }
      for gauge in [meters.lag, meters.age, meters.committed] { gauge.destroy() }
    }
  }

  func forgetAll() { forget(Set(partitions.keys).union(early.keys)) }
}
