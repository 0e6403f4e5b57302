/// The name and version that every message carries in its headers.
///
/// A schema may only grow: a new field is optional to its readers and keeps the version, anything else is a new
/// version.
package struct SchemaID: Hashable, Sendable, CustomStringConvertible {
  package let name: String
  package let version: Int

  package init(_ name: String, version: Int) {
    self.name = name
    self.version = version
  }

  package var description: String { "\(name)/\(version)" }
}

/// What a topic's broker throws away.
package enum TopicCleanup: String, Hashable, Sendable {
  /// Records older than the retention.
  case delete
  /// Records that a later one of the same key replaced. The topic is a table: a reader of all of it has the
  /// last value of every key. The retention then says how long a tombstone stays.
  case compact
}

/// One Kafka topic as it is created, documented and checked.
package struct Topic: Hashable, Sendable {
  package let name: String
  /// Bounds how many members of one consumer group can share the work.
  package let partitions: Int32
  package let retention: Duration
  package let cleanup: TopicCleanup
  /// When a segment is closed although it is not full; nil: the broker's own setting, usually a week. A broker throws
  /// whole closed segments away, so a short retention works only with a segment far below it.
  package let segment: Duration?
  /// The form of the record key, for people: `chain/file_name`.
  package let key: String
  /// What picks the partition, for people; differs from `key` where order must hold over more than one key.
  package let orderedBy: String
  package let schema: SchemaID
  /// What a record says, in one line.
  package let summary: String

  /// - Parameters:
  ///   - orderedBy: the key unless said.
  ///   - schema: version 1 of the topic's own name unless said.
  package init(
    name: String, partitions: Int32, retention: Duration, cleanup: TopicCleanup = .delete, segment: Duration? = nil,
    key: String, orderedBy: String? = nil, schema: SchemaID? = nil, summary: String
  ) {
    self.name = name
    self.partitions = partitions
    self.retention = retention
    self.cleanup = cleanup
    self.segment = segment
    self.key = key
    self.orderedBy = orderedBy ?? key
    self.schema = schema ?? SchemaID(name, version: 1)
    self.summary = summary
  }

  /// The largest segment of a topic with a `segment`: what an hour of bursts writes is many of them.
  package static let segmentBytes: Int64 = 256 << 20

  /// The configuration of the topic at its broker, in order.
  package var configuration: [(name: String, value: String)] {
    let kept = cleanup == .compact ? "delete.retention.ms" : "retention.ms"
    var settings = [("cleanup.policy", cleanup.rawValue), (kept, "\(retention.components.seconds * 1_000)")]
    if let segment {
      settings.append(("segment.ms", "\(segment.components.seconds * 1_000)"))
      settings.append(("segment.bytes", "\(Self.segmentBytes)"))
    }
    return settings
  }

  /// Where records go that can never be processed: `<name>.dlq`.
  package var deadLetterName: String { Topic.deadLetterName(of: name) }

  package static func deadLetterName(of topic: String) -> String { topic + ".dlq" }

  /// The dead-letter topic as a topic of its own. A dead letter keeps the key of its original, which picks its
  /// partition, and names the original's partition in a header. It has as many partitions as its source, for as many
  /// writers, and is kept longer, because people read it.
  package var deadLetters: Topic {
    Topic(
      name: deadLetterName, partitions: partitions, retention: max(retention, .seconds(30 * 86_400)), key: key,
      orderedBy: orderedBy, schema: schema, summary: "records of \(name) that can never be processed, with the reason")
  }
}
