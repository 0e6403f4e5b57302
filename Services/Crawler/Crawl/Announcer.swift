import Catalogue
import Core
import Kafka
import Messages
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
package struct KafkaAnnouncer: Announcer {
  let producer: Producer

  package func announce(_ files: [FileDiscovered]) async throws {
    var batch = OutgoingBatch()
    for file in files {
      batch.append(
        topic: FileDiscovered.topic.name, key: file.key, value: file.encoded(), headers: Self.headers(),
        timestamp: file.timestamp.microseconds / 1_000, partitionBy: file.partitionKey)
    }
    try await producer.send(batch)
  }

  package func raise(_ alerts: [Alert]) async throws {
    var batch = OutgoingBatch()
    for alert in alerts {
      batch.append(
        topic: Alert.topic.name, key: alert.key, value: alert.encoded(), headers: Self.headers(Alert.topic.schema),
        timestamp: alert.observedAt.microseconds / 1_000, partitionBy: alert.partitionKey)
    }
    try await producer.send(batch)
  }

  /// Each announcement begins a trace: that of one file.
  private static func headers(_ schema: SchemaID = FileDiscovered.topic.schema) -> [Header] {
    [
      Header(HeaderName.schema, schema.name), Header(HeaderName.schemaVersion, "\(schema.version)"),
      Header(HeaderName.traceparent, TraceParent.root().bytes),
      Header(HeaderName.producedBy, "crawler/\(Souk.version)"),
    ]
  }
}
