import CRdKafka
import CoreMetrics

/// A consumer's counters and its lag, one gauge per assigned partition.
final class ConsumerMeters {
  private let group: (String, String)
  private var lag: [TopicPartition: Gauge] = [:]
  private var nextLag: ContinuousClock.Instant = .now
  let consumed = Counter(label: "souk_kafka_consumed_records_total")
  let late = Counter(label: "souk_kafka_late_commits_total")

  init(group: String) { self.group = ("group", group) }

  func gap(_ topic: String) -> Counter {
    Counter(label: "souk_kafka_gap_records_total", dimensions: [group, ("topic", topic)])
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

  /// Every few seconds, from the end offsets that fetches bring along: asks nobody.
  func recordLag(
    _ client: ClientHandle, _ owned: [TopicPartition: ConsumerMachine.Ownership], _ now: ContinuousClock.Instant
  ) {
    guard now >= nextLag else { return }
    nextLag = now + .seconds(2)
    for (partition, ownership) in owned {
      var (low, high): (Int64, Int64) = (-1, -1)
      guard rd_kafka_get_watermark_offsets(client.pointer, partition.topic, partition.partition, &low, &high)
        == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { continue }
      let gauge = lag[partition] ?? Gauge(
        label: "souk_kafka_lag_records",
        dimensions: [group, ("topic", partition.topic), ("partition", "\(partition.partition)")])
      lag[partition] = gauge
      gauge.record(max(0, high - (ownership.committed ?? ownership.start)))
    }
  }

  /// A partition that left is somebody else's to report.
  func forget(_ partitions: Set<TopicPartition>) {
    for partition in partitions { lag.removeValue(forKey: partition)?.destroy() }
  }

  func forgetAll() { forget(Set(lag.keys)) }
}
