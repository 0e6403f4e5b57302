import Core
import CoreMetrics
import Metrics

/// The metrics of market-streamer.
package enum StreamerMetrics {
  package static let descriptions: [MetricDescription] = [
    .init("souk_feed_events_total", .counter, "Events and bars published, by kind and whether they fill a gap.",
          labels: ["kind", "source"]),
    .init("souk_feed_duplicates_total", .counter, "Events that had been published before; not published again."),
    .init("souk_feed_refused_total", .counter, "Elements of frames that could not be read.", labels: ["code"]),
    .init("souk_feed_ignored_total", .counter, "Elements of kinds that are not listened to."),
    .init("souk_feed_connects_total", .counter, "Connections that were logged in."),
    .init("souk_feed_failures_total", .counter, "Connections that ended or never began, by error code.",
          labels: ["code"]),
    .init("souk_feed_connections", .gauge, "Connections that are logged in and subscribed.",
          labels: ["connection"]),
    .init("souk_feed_symbols", .gauge, "Symbols subscribed to.", labels: ["connection"]),
    .init("souk_feed_gaps_total", .counter, "Gaps of symbols that were opened and how they ended.",
          labels: ["outcome"]),
    .init("souk_feed_gaps_open", .gauge, "Holes of connections that are being refilled.", labels: ["connection"]),
    .init("souk_feed_questions_total", .counter, "Pages asked for about the past, by how it was answered.",
          labels: ["answer"]),
    .init("souk_feed_backlog_bytes", .gauge, "Bytes of events that Kafka has not acknowledged.",
          labels: ["connection"]),
    .init("souk_feed_newest_timestamp_seconds", .gauge, "Event time of the newest event published.",
          labels: ["connection"]),
    .init("souk_feed_publish_seconds", .histogram,
          "From the receipt of the first frame of a batch until Kafka has acknowledged all of it.",
          buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]),
    .init("souk_feed_resent_total", .counter, "Batches sent again because Kafka did not take them."),
  ]

  static let duplicates = Counter(label: "souk_feed_duplicates_total")
  static let ignored = Counter(label: "souk_feed_ignored_total")
  static let connects = Counter(label: "souk_feed_connects_total")
  static let publishing = Recorder(label: "souk_feed_publish_seconds")
  static let resent = Counter(label: "souk_feed_resent_total")

  /// The gauges of one connection, by its number.
  struct Connection: Sendable {
    let connections, symbols, openGaps, backlog, newest: Gauge

    init(_ number: Int) {
      func gauge(_ name: String) -> Gauge { Gauge(label: name, dimensions: [("connection", "\(number)")]) }
      connections = gauge("souk_feed_connections")
      symbols = gauge("souk_feed_symbols")
      openGaps = gauge("souk_feed_gaps_open")
      backlog = gauge("souk_feed_backlog_bytes")
      newest = gauge("souk_feed_newest_timestamp_seconds")
    }
  }

  static func published(_ kind: String, isRefill: Bool, _ count: Int) {
    Counter(label: "souk_feed_events_total", dimensions: [("kind", kind), ("source", isRefill ? "refill" : "stream")])
      .increment(by: count)
  }
  static func refused(_ code: String) {
    Counter(label: "souk_feed_refused_total", dimensions: [("code", code)]).increment()
  }
  static func failed(_ code: String) {
    Counter(label: "souk_feed_failures_total", dimensions: [("code", code)]).increment()
  }
  static func gaps(_ outcome: String, _ count: Int) {
    Counter(label: "souk_feed_gaps_total", dimensions: [("outcome", outcome)]).increment(by: count)
  }
  static func asked(_ answer: String) {
    Counter(label: "souk_feed_questions_total", dimensions: [("answer", answer)]).increment()
  }
}
