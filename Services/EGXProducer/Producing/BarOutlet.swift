import Catalogue
import Kafka
import Logging
import Messages
import Values

/// Publishes bars in order.
package protocol BarOutlet: Sendable {
  /// Enqueues the bars, in order across calls.
  /// - Returns: a function that awaits their acknowledgement and throws `ClassifiedError`.
  func send(_ bars: [MarketBar]) async throws -> @Sendable () async throws -> Void
}

/// Publishes to a topic, key and partition by symbol.
package struct KafkaBarOutlet: BarOutlet {
  let producer: Producer
  let topic: String
  let producedBy: String

  package func send(_ bars: [MarketBar]) async throws -> @Sendable () async throws -> Void {
    let schema = MarketBar.topic.schema
    let headers = [
      Header(HeaderName.schema, schema.name), Header(HeaderName.schemaVersion, "\(schema.version)"),
      Header(HeaderName.traceparent, TraceParent.root().bytes), Header(HeaderName.producedBy, producedBy),
    ]
    var batch = OutgoingBatch()
    for bar in bars { batch.append(topic: topic, key: bar.key, value: bar.encoded(), headers: headers) }
    let acks = try await producer.enqueue(batch)
    return { try await acks.value }
  }
}
