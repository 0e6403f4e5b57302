import Catalogue
import Kafka
import Messages
import Pipeline

/// The topics of tasks, key and partition by what is fetched. Each job begins a trace.
package struct JobQueue: Sendable {
  private let producer: Producer
  private let service: ServiceIdentity

  package init(producer: Producer, service: ServiceIdentity) {
    self.producer = producer
    self.service = service
  }

  /// Returns when all are acknowledged.
  /// - Throws: `ClassifiedError`; after a transient one all may be sent again.
  package func send(_ tasks: [PlannedTask]) async throws {
    var batch = OutgoingBatch()
    batch.reserve(records: tasks.count, bytes: tasks.count * 400)
    var writer = JSONWriter()
    for task in tasks {
      writer.clear()
      task.encode(into: &writer)
      let topic = task.topic
      batch.append(
        topic: topic.name, key: task.key, value: writer.bytes, headers: service.headers(schema: topic.schema))
    }
    try await producer.send(batch)
  }
}
