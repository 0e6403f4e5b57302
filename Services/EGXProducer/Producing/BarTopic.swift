import Catalogue
import Kafka
import Messages
import Pipeline

/// Where bars are published, in order.
package protocol BarTopic: Sendable {
  /// Enqueues the bars, in order across calls.
  /// - Returns: a function that awaits their acknowledgement and throws `ClassifiedError`.
  func send(_ bars: [MarketBar]) async throws -> @Sendable () async throws -> Void
}

/// A topic of Kafka; key and partition by symbol.
package struct KafkaBarTopic: BarTopic {
  let producer: Producer
  let name: String
  let identity: ServiceIdentity

  package func send(_ bars: [MarketBar]) async throws -> @Sendable () async throws -> Void {
    let headers = identity.headers(schema: MarketBar.topic.schema)
    var batch = OutgoingBatch()
    for bar in bars { batch.append(topic: name, key: bar.key, value: bar.encoded(), headers: headers) }
    let acks = try await producer.enqueue(batch)
    return { try await acks.value }
  }
}
