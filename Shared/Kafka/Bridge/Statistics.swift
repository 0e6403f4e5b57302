import CoreMetrics
import CRdKafka
import Foundation

/// librdkafka's periodic statistics, as gauges and counters with bounded labels.
final class Statistics {
  private let client: (String, String)
  private var totals: [String: Int] = [:]

  /// - Parameter kind: `consumer` or `producer`, the value of the label `client`.
  init(kind: String) { client = ("client", kind) }

  func record(_ event: OpaquePointer) {
    guard let text = rd_kafka_event_stats(event) else { return }
    record(json: Data(bytes: text, count: strlen(text)))
  }

  func record(json: Data) {
    guard let root = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any] else { return }
    gauge("souk_kafka_queued_messages", root["msg_cnt"])
    gauge("souk_kafka_queued_bytes", root["msg_size"])
    gauge("souk_kafka_waiting_events", root["replyq"])
    for (name, key) in [
      ("souk_kafka_requests_total", "tx"), ("souk_kafka_sent_bytes_total", "tx_bytes"),
      ("souk_kafka_responses_total", "rx"), ("souk_kafka_received_bytes_total", "rx_bytes"),
      ("souk_kafka_sent_records_total", "txmsgs"), ("souk_kafka_received_records_total", "rxmsgs"),
    ] {
      count(name, root[key])
    }
    let brokers = (root["brokers"] as? [String: [String: Any]] ?? [:]).values
      .filter { ($0["nodeid"] as? Int ?? -1) >= 0 }
    gauge("souk_kafka_brokers_up", brokers.count { $0["state"] as? String == "UP" })
    let slowest = brokers.compactMap { ($0["rtt"] as? [String: Any])?["p99"] as? Double }.max() ?? 0
    gauge("souk_kafka_broker_rtt_p99_seconds", slowest / 1_000_000)
    if let group = root["cgrp"] as? [String: Any] { count("souk_kafka_rebalances_total", group["rebalance_cnt"]) }
    var prefetched = 0
    for topic in (root["topics"] as? [String: [String: Any]] ?? [:]).values {
      for partition in (topic["partitions"] as? [String: [String: Any]] ?? [:]).values {
        prefetched += max(0, partition["fetchq_cnt"] as? Int ?? 0)
      }
    }
    if client.1 == "consumer" { gauge("souk_kafka_prefetched_records", prefetched) }
  }

  private func gauge(_ label: String, _ value: Any?) {
    guard let value = (value as? NSNumber)?.doubleValue else { return }
    Gauge(label: label, dimensions: [client]).record(value)
  }

  /// The library counts from its start; a counter wants what came on top.
  private func count(_ label: String, _ value: Any?) {
    guard let value = (value as? NSNumber)?.intValue else { return }
    let growth = value - (totals[label] ?? 0)
    totals[label] = value
    if growth > 0 { Counter(label: label, dimensions: [client]).increment(by: growth) }
  }
}
