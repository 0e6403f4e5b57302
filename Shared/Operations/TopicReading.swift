import Catalogue
import Core
import Kafka
import KafkaFlags
import ServiceKit
import Synchronization

/// A record with everything that a person may want to know of it, copied out of the client's buffers.
package struct ReadRecord: Hashable, Sendable {
  package var place: TopicPartition
  package var offset: Int64
  /// Milliseconds since 1970; nil where the record has none.
  package var timestamp: Int64?
  package var key: [UInt8]?
  /// nil for a tombstone.
  package var value: [UInt8]?
  package var headers: [Header]

  package init(_ record: borrowing RecordBatch.Record) {
    place = record.topicPartition
    offset = record.offset
    timestamp = record.timestamp < 0 ? nil : record.timestamp
    key = record.keyBytes
    value = record.isTombstone ? nil : record.valueBytes
    headers = record.headers
  }

  package init(
    _ place: TopicPartition, offset: Int64, timestamp: Int64? = nil, key: [UInt8]? = nil, value: [UInt8]? = nil,
    headers: [Header] = []
  ) {
    (self.place, self.offset, self.timestamp) = (place, offset, timestamp)
    (self.key, self.value, self.headers) = (key, value, headers)
  }

  /// The last header of this name, as text.
  package func header(_ name: String) -> String? { headers.last { $0.name == name }?.text }

  /// `3@1042`: the partition and the offset.
  package var id: String { "\(place.partition)@\(offset)" }
}

/// A place in a topic, as people write it: `3@1042`.
package struct RecordID: Hashable, Sendable, Comparable {
  package var partition: Int32
  package var offset: Int64

  package init(partition: Int32, offset: Int64) { (self.partition, self.offset) = (partition, offset) }

  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, let partition = Int32(parts[0]), let offset = Int64(parts[1]), partition >= 0, offset >= 0
    else { return nil }
    self.init(partition: partition, offset: offset)
  }

  package static func < (left: RecordID, right: RecordID) -> Bool {
    (left.partition, left.offset) < (right.partition, right.offset)
  }
}

extension Cluster {
  /// The partitions of a topic that the cluster has.
  /// - Throws: `Failure` of class configuration with the nearest name when it has none of this name.
  package func partitions(of topic: String) async throws -> Set<TopicPartition> {
    let topics = try await admin.topics()
    if let partitions = topics[topic], !partitions.isEmpty { return Set(partitions.map { TopicPartition(topic, $0) }) }
    let near = nearestName(to: topic, among: topics.keys.sorted()).map { "did you mean \($0)?" }
    let isKnown = Topics.named(topic) != nil
    let known = isKnown ? "`souk topics apply` creates it" : "`souk topics list` prints the known ones"
    throw Failure(.configuration, code: "no_such_topic", "the cluster has no topic \(topic); \(near ?? known)")
  }

  /// Reads a topic in no group and commits nothing.
  ///
  /// - Parameters:
  ///   - starts: where partitions begin that do not begin at their first record.
  ///   - partitions: nil for all.
  ///   - atEnd: begins behind what is there.
  ///   - follows: goes on behind the present end until `stop` is raised.
  ///   - take: called on the reader's thread, in the order of each partition.
  package func read(
    _ topic: String, from starts: [Int32: Int64] = [:], partitions: Set<Int32>? = nil, atEnd: Bool = false,
    follows: Bool = false, properties: [String: String] = [:], stop: Interruption,
    take: @escaping @Sendable (borrowing RecordBatch.Record) -> Void
  ) async throws {
    var configuration = try options.tableConfiguration(clientID: name, topic: topic, logger: Self.silent)
    configuration.properties.merge(properties) { $1 }
    configuration.starts = starts
    configuration.partitions = partitions
    configuration.beginsAtEnd = atEnd
    configuration.isTrimmed = true
    let reader = try TableReader(configuration) { batch in batch.forEach { record in take(record) } }
    do {
      _ = try await reader.waitUntilCurrent(orUntil: stop)
      if follows { await stop.wait() }
    } catch {
      await reader.closeAndWait()
      throw error
    }
    await reader.closeAndWait()
    if follows, case .failed(let error) = reader.state { throw error }
  }

  /// The first record at or behind an offset.
  package enum FirstRecord: Hashable, Sendable {
    /// Produced then, in milliseconds since 1970; nil for a record without a time.
    case at(Int64?)
    /// There is none: what lies behind are markers of transactions, or nothing.
    case none
  }

  /// The first record at or behind each of these offsets. A partition that did not answer within `limit` is left out.
  package func firstRecords(at offsets: [TopicPartition: Int64], within limit: Duration) async throws
    -> [TopicPartition: FirstRecord]
  {
    var starts: [String: [Int32: Int64]] = [:]
    for (place, offset) in offsets { starts[place.topic, default: [:]][place.partition] = offset }
    let topics = starts
    return try await withThrowingTaskGroup(of: [TopicPartition: FirstRecord].self) { group in
      for (topic, starts) in topics {
        group.addTask { try await firstRecords(of: topic, at: starts, within: limit) }
      }
      return try await group.reduce(into: [:]) { $0.merge($1) { $1 } }
    }
  }

  private func firstRecords(
    of topic: String, at starts: [Int32: Int64], within limit: Duration
  ) async throws -> [TopicPartition: FirstRecord] {
    let enough = Interruption()
    let late = Interruption()
    let limiter = Task {
      try await Task.sleep(for: limit)
      late.raise()
      enough.raise()
    }
    defer { limiter.cancel() }
    let found = Mutex<[TopicPartition: FirstRecord]>([:])
    // One record of each is wanted: a small answer is enough.
    try await read(
      topic, from: starts, partitions: Set(starts.keys),
      properties: ["fetch.message.max.bytes": "4096", "queued.min.messages": "1"], stop: enough
    ) { record in
      let (place, time) = (record.topicPartition, record.timestamp)
      let count = found.withLock { found in
        if found[place] == nil { found[place] = .at(time < 0 ? nil : time) }
        return found.count
      }
      if count == starts.count { enough.raise() }
    }
    var records = found.withLock { $0 }
    // Otherwise the reader came to the end of each.
    if !late.isRaised {
      for partition in starts.keys where records[TopicPartition(topic, partition)] == nil {
        records[TopicPartition(topic, partition)] = FirstRecord.none
      }
    }
    return records
  }
}
