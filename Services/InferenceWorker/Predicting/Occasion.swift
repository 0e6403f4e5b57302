import Kafka
import Schemas

/// One observation that predictions are to be made for.
struct Occasion: Sendable {
  var partition: TopicPartition
  var offset: Int64
  var name: SeriesName
  /// Microseconds since 1970.
  var observedAt: Int64
  var value: ExactDecimal
  var measure: SeriesHistory.Measure
  /// The record's own time, milliseconds since 1970; -1 when it has none.
  var stamp: Int64
  /// Its `traceparent`.
  var trace: [UInt8]?
}
