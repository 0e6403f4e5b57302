import Core

/// What clients of Kafka measure of themselves.
package enum KafkaMetrics {
  /// Of a consumer, one series per assigned partition where it says so: a member of a group has few of them.
  package static let consumer: [MetricDescription] = [
    MetricDescription("souk_kafka_consumed_records_total", .counter, "Records taken from the brokers."),
    MetricDescription(
      "souk_kafka_lag_records", .gauge, "Records between what is committed and the end of an assigned partition.",
      labels: ["group", "topic", "partition"]),
    MetricDescription(
      "souk_kafka_lag_seconds", .gauge,
      "Age of the oldest record of an assigned partition that is not committed; 0 when all are.",
      labels: ["group", "topic", "partition"]),
    MetricDescription(
      "souk_kafka_committed_offset", .gauge, "Next offset of an assigned partition, as last committed (or begun at).",
      labels: ["group", "topic", "partition"]),
    gaps,
    MetricDescription(
      "souk_kafka_ignored_commits_total", .counter,
      "Partitions that the group has committed and the sink does not know: they start at `--start-from`.",
      labels: ["group", "topic"]),
    MetricDescription(
      "souk_kafka_rebalance_events_total", .counter, "Assignments, revocations and losses of partitions.",
      labels: ["group", "kind"]),
    MetricDescription(
      "souk_kafka_rebalances_total", .counter, "Rebalances as the library counts them.", labels: ["client"]),
    MetricDescription(
      "souk_kafka_commit_failures_total", .counter, "Commits that were refused, by error code.",
      labels: ["group", "code"]),
    MetricDescription(
      "souk_kafka_late_commits_total", .counter, "Partitions left out of a commit because they had moved on."),
    MetricDescription(
      "souk_kafka_prefetched_records", .gauge, "Records fetched and not yet taken.", labels: ["client"]),
  ] + client

  package static let producer: [MetricDescription] = [
    MetricDescription("souk_kafka_produced_records_total", .counter, "Records acknowledged by the brokers."),
    MetricDescription(
      "souk_kafka_produce_failures_total", .counter, "Records that were not acknowledged; their senders decide."),
  ] + client

  /// Of every reader.
  package static let gaps = MetricDescription(
    "souk_kafka_gap_records_total", .counter, "Records that were deleted before they were read.",
    labels: ["group", "topic"])

  /// Of a reader of a compacted topic, beside a consumer's.
  package static let table: [MetricDescription] = [
    MetricDescription(
      "souk_kafka_table_records_total", .counter, "Records read of a compacted topic.", labels: ["topic"])
  ]

  /// From the library's statistics, every 15 seconds; `client` is `consumer` or `producer`.
  private static let client: [MetricDescription] = [
    MetricDescription(
      "souk_kafka_errors_total", .counter, "Errors a client reported, by code.", labels: ["client", "code"]),
    MetricDescription("souk_kafka_brokers_up", .gauge, "Brokers a client is connected to.", labels: ["client"]),
    MetricDescription(
      "souk_kafka_broker_rtt_p99_seconds", .gauge, "99th percentile of the round trip to the slowest broker.",
      labels: ["client"]),
    MetricDescription(
      "souk_kafka_queued_messages", .gauge, "Records that wait to be sent or acknowledged.", labels: ["client"]),
    MetricDescription(
      "souk_kafka_queued_bytes", .gauge, "Bytes of records that wait to be sent or acknowledged.", labels: ["client"]),
    MetricDescription(
      "souk_kafka_waiting_events", .gauge, "Events of the library that wait to be handled.", labels: ["client"]),
    MetricDescription("souk_kafka_requests_total", .counter, "Requests to brokers.", labels: ["client"]),
    MetricDescription("souk_kafka_responses_total", .counter, "Answers of brokers.", labels: ["client"]),
    MetricDescription("souk_kafka_sent_bytes_total", .counter, "Bytes sent to brokers.", labels: ["client"]),
    MetricDescription("souk_kafka_received_bytes_total", .counter, "Bytes received from brokers.", labels: ["client"]),
    MetricDescription("souk_kafka_sent_records_total", .counter, "Records sent to brokers, repetitions included.",
                      labels: ["client"]),
    MetricDescription(
      "souk_kafka_received_records_total", .counter, "Records received from brokers.", labels: ["client"]),
  ]
}
