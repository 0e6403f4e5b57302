import Catalogue
import Kafka
import Messages
import Pipeline

/// Sends jobs.
package protocol JobOutlet: Sendable {
  /// Returns when all are acknowledged.
  /// - Throws: `ClassifiedError`; after a transient one all may be sent again.
  func send(_ tasks: [IngestionTask]) async throws
}

/// Publishes to `ingestion_tasks`, key and partition by series. Each job begins a trace.
package struct KafkaJobOutlet: JobOutlet {
  private let producer: Producer
  private let service: ServiceIdentity

  package init(producer: Producer, service: ServiceIdentity) {
    self.producer = producer
    self.service = service
  }

  package func send(_ tasks: [IngestionTask]) async throws {
    let topic = IngestionTask.topic
    var batch = OutgoingBatch()
    batch.reserve(records: tasks.count, bytes: tasks.count * 400)
    var writer = JSONWriter()
    for task in tasks {
      writer.clear()
      task.encode(into: &writer)
      batch.append(
        topic: topic.name, key: task.key, value: writer.bytes, headers: service.headers(schema: topic.schema))
    }
    try await producer.send(batch)
  }
}
