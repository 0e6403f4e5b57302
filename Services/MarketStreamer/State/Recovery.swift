import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages

/// Reads back what was published behind a checkpoint, so that a new process publishes none of it again.
struct Recovery: Sendable {
  let options: KafkaOptions
  let admin: Admin
  let clientID: String
  let logger: Logger

  /// The ends of the partitions of what the streamer publishes.
  func ends() async throws -> [String: [Int64]] {
    let topics = try await admin.topics()
    var ends: [String: [Int64]] = [:]
    for topic in [FeedTick.topic.name, FeedBar.topic.name] {
      let partitions = (topics[topic] ?? []).sorted()
      let marks = try await admin.watermarks(Set(partitions.map { TopicPartition(topic, $0) }))
      ends[topic] = partitions.map { marks[TopicPartition(topic, $0)]?.high ?? 0 }
    }
    return ends
  }

  /// - Parameters:
  ///   - starts: as `ends` gave them.
  ///   - isMine: whether a symbol is the connection's.
  func read(
    from starts: [String: [Int64]], into outlet: Outlet, where isMine: @Sendable (String) -> Bool
  ) async throws {
    let now = try await ends()
    var remaining: [TopicPartition: Int64] = [:]
    var begins: [TopicPartition: Int64] = [:]
    for (topic, ends) in now {
      for (partition, end) in ends.enumerated() {
        let start = starts[topic].flatMap { partition < $0.count ? $0[partition] : nil } ?? end
        let place = TopicPartition(topic, Int32(partition))
        begins[place] = min(start, end)
        if start < end { remaining[place] = end }
      }
    }
    if remaining.isEmpty { return }
    // A group of its own, in which nothing is ever committed: each connection reads all partitions.
    var options = options
    options.groupId = "\(clientID)-recovery-\(UInt64.random(in: 0 ... .max))"
    options.groupInstanceId = nil
    var configuration = try options.consumerConfiguration(
      clientID: clientID, topics: now.keys.sorted(), logger: logger)
    configuration.externalOffsets = true
    // What was deleted since was published, and is not asked for again by a refill of the last seconds.
    configuration.onGap = .continue
    let consumer = try Consumer(configuration)
    defer { consumer.close() }
    let tickTopic = FeedTick.topic.name
    while !remaining.isEmpty, let element = try await consumer.next(before: .now + .seconds(60)) {
      switch element {
      case .assigning(_, let answer): answer.start(at: begins)
      case .batch(let batch):
        batch.forEach { record in
          if record.topic == tickTopic {
            outlet.remember(tick: record.value, where: isMine)
          } else {
            outlet.remember(bar: record.value, where: isMine)
          }
        }
        for (partition, position) in batch.positions where position >= remaining[partition] ?? .max {
          remaining[partition] = nil
        }
      case .passed(let ends):
        for (lease, position) in ends where position >= remaining[lease.partition] ?? .max {
          remaining[lease.partition] = nil
        }
      case .revoking(_, let answer): answer.done(committing: [:])
      case .idle:
        throw Failure(.transient, code: "no_records", "Kafka gave no records of \(tickTopic) for a minute")
      default: break
      }
    }
  }
}
