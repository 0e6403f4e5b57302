import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging

extension Cluster {
  /// Reads the dead letters of a topic from the first to the present last, at most `limit` of them in detail.
  func deadLetters(of origin: String, limit: Int) async throws -> DeadLetterListing {
    let topic = Topic.deadLetterName(of: origin)
    // A random group that never commits, so reading affects no other consumer.
    let group = "souk-dlq-\(UInt32.random(in: .min ... .max))"
    let kafka = try options.kafkaOptions(
      servers: bootstrapServers, extra: ["--group-id", group, "--start-from", "earliest"])
    var listing = DeadLetterListing(limit: limit)
    guard let partitions = try await admin.topics()[topic], !partitions.isEmpty else {
      throw Failure(.configuration, code: "no_such_topic", "the cluster has no topic \(topic); see `souk topics list`")
    }
    let ends = try await admin.watermarks(Set(partitions.map { TopicPartition(topic, $0) }))
    var remaining = ends.filter { $0.value.high > $0.value.low }.mapValues(\.high)
    if remaining.isEmpty { return listing }

    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    let consumer = try Consumer(kafka.consumerConfiguration(clientID: "souk", topics: [topic], logger: logger))
    defer { consumer.close() }
    while !remaining.isEmpty, let element = try await consumer.next(before: .now + .seconds(30)) {
      switch element {
      case .batch(let batch):
        batch.forEach { record in
          if record.offset < ends[record.topicPartition]?.high ?? 0 {
            listing.append(DeadLetter(headers: record.headers.map { ($0.name, $0.value) }, key: record.keyBytes))
          }
        }
        for (partition, position) in batch.positions where position >= remaining[partition] ?? .max {
          remaining[partition] = nil
        }
      // The last offsets may be markers of transactions.
      case .passed(let ends):
        for (lease, position) in ends where position >= remaining[lease.partition] ?? .max {
          remaining[lease.partition] = nil
        }
      case .revoking(_, let answer): answer.done(committing: [:])
      case .idle:
        throw Failure(.transient, code: "no_records", "\(topic) gave no records for 30 s; is the broker well?")
      default: break
      }
    }
    return listing
  }
}
