import Catalogue
import Kafka
import Messages
import Pipeline
import Values

/// Publishes announcements and alerts.
package protocol Announcer: Sendable {
  /// Returns when every announcement is acknowledged.
  /// - Throws: `ClassifiedError`; any of them may have arrived, and the caller repeats all.
  func announce(_ files: [FileDiscovered]) async throws

  /// Returns when every alert is acknowledged.
  func raise(_ alerts: [Alert]) async throws
}

/// Announces on `gogobe.files.discovered` and `souk.alerts`.
struct KafkaAnnouncer: Announcer {
  let producer: Producer
  let identity: ServiceIdentity

  func announce(_ files: [FileDiscovered]) async throws { try await send(files, at: \.timestamp) }
  func raise(_ alerts: [Alert]) async throws { try await send(alerts, at: \.observedAt) }

  private func send<Content: Message>(_ messages: [Content], at time: KeyPath<Content, Timestamp>) async throws {
    var batch = OutgoingBatch()
    for message in messages {
      // Each begins a trace: that of one file.
      batch.append(
        topic: Content.topic.name, key: message.key, value: message.encoded(),
        headers: identity.headers(schema: Content.topic.schema),
        timestamp: message[keyPath: time].microseconds / 1_000, partitionBy: message.partitionKey)
    }
    try await producer.send(batch)
  }
}
