import Kafka
import Pipeline
import Schemas

/// Where jobs go.
package protocol JobOutlet: Sendable {
  /// Returns when every one of them is acknowledged.
  /// - Throws: a `ClassifiedError`; after one of class `transient` all may be sent again.
  func send(_ tasks: [IngestionTask]) async throws
}

/// Publishes on `ingestion_tasks`, key and partition by series. A trace begins with each job.
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
