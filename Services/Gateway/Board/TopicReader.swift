import Catalogue
import Core
import Kafka
import KafkaFlags
import Operations
import ServiceKit
import Synchronization

/// Records of one topic, as a view of the board names them: the newest, or those from a place on.
struct TopicReader: Sendable {
  let cluster: Cluster
  let topic: String
  var from: TapStart?
  var at: RecordID?
  var partition: Int32?
  var key: String?
  var conditions: [Condition] = []
  var most: Int
  /// How long a topic is searched for records that match.
  private static let patience: Duration = .seconds(8)

  struct Found: Sendable {
    /// The newest first.
    var records: [ReadRecord]
    /// There may be more that match.
    var isCut: Bool
  }

  func matches(_ record: ReadRecord) -> Bool {
    if let partition, record.place.partition != partition { return false }
    if let key, record.key.map({ String(decoding: $0, as: UTF8.self) }) != key { return false }
    if conditions.isEmpty { return true }
    guard let value = record.value.flatMap({ DataValue(parsing: $0) }) else { return false }
    return conditions.allSatisfy { $0.matches(value) }
  }

  /// - Throws: `Problem` 404 for a topic that the cluster does not have.
  func places() async throws -> Set<TopicPartition> {
    guard let partitions = try await cluster.admin.topics()[topic], !partitions.isEmpty else {
      throw Problem(404, "no_such_topic", "The cluster has no topic '\(topic)'.")
    }
    let places = Set(partitions.map { TopicPartition(topic, $0) })
    guard let partition else { return places }
    guard places.contains(TopicPartition(topic, partition)) else {
      throw Problem(404, "no_such_partition", "\(topic) has \(partitions.count) partitions and no number \(partition).")
    }
    return [TopicPartition(topic, partition)]
  }

  /// With a start: the first that match from there on. Without: the last that match among the last of each partition.
  func read() async throws -> Found {
    let places = try await places()
    let since = from?.milliseconds
    var starts: [Int32: Int64] = [:]
    var chosen = Set(places.map(\.partition))
    if let at {
      starts = [at.partition: at.offset]
      chosen = [at.partition]
    } else if let since {
      starts = try await cluster.starts(places, at: since)
    } else {
      // Filters pick among so many of each partition.
      let window = Int64(conditions.isEmpty && key == nil ? most : max(most, 5_000))
      starts = Dictionary(uniqueKeysWithValues: try await cluster.admin.watermarks(places).map { place, marks in
        (place.partition, max(marks.low, marks.high - window))
      })
    }
    let (stop, late) = (Interruption(), Interruption())
    let limiter = Task {
      try await Task.sleep(for: Self.patience)
      late.raise()
      stop.raise()
    }
    defer { limiter.cancel() }
    let found = Mutex<[ReadRecord]>([])
    let isBounded = at != nil || since != nil
    try await cluster.read(topic, from: starts, partitions: chosen, stop: stop) { record in
      if stop.isRaised { return }
      let record = ReadRecord(record)
      if let since, let time = record.timestamp, time < since { return }
      guard matches(record) else { return }
      let count = found.withLock { found in
        found.append(record)
        return found.count
      }
      if isBounded, count >= most { stop.raise() }
    }
    let all = found.withLock { $0 }.sorted { left, right in
      (right.timestamp ?? 0, right.offset, left.place.partition)
        < (left.timestamp ?? 0, left.offset, right.place.partition)
    }
    return Found(records: Array(all.prefix(most)), isCut: late.isRaised || all.count > most || stop.isRaised)
  }

  /// Records that came since the last were handed on.
  private final class Waiting: Sendable {
    let state = Mutex<(records: [ReadRecord], skipped: Int)>(([], 0))
  }

  /// Hands on what comes, at most fifty a second; of more, the number that was passed over.
  func follow(_ send: @escaping @Sendable (_ records: [ReadRecord], _ skipped: Int) async throws -> Void) async throws {
    let places = try await places()
    let stop = Interruption()
    let waiting = Waiting()
    try await withTaskCancellationHandler {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await cluster.read(
            topic, partitions: Set(places.map(\.partition)), atEnd: true, follows: true, stop: stop
          ) { record in
            let record = ReadRecord(record)
            guard matches(record) else { return }
            waiting.state.withLock { state in
              if state.records.count < 10 { state.records.append(record) } else { state.skipped += 1 }
            }
          }
        }
        group.addTask {
          while true {
            try await Task.sleep(for: .milliseconds(200))
            let (records, skipped) = waiting.state.withLock { state in
              defer { state = ([], 0) }
              return state
            }
            if !records.isEmpty { try await send(records, skipped) }
          }
        }
        defer {
          stop.raise()
          group.cancelAll()
        }
        try await group.next()
      }
    } onCancel: {
      stop.raise()
    }
  }
}

extension ReadRecord {
  /// Masked.
  var data: DataValue {
    .object([
      .init("topic", .text(place.topic)), .init("partition", .integer(Int64(place.partition))),
      .init("offset", .integer(offset)), .init("time", DataValue(clockText(timestamp))),
      .init("key", DataValue(keyText)), .init("value", value.map { Masked.value($0) } ?? .null),
      .init("headers", .object(headers.map { .init($0.name, .text($0.text)) })),
    ])
  }
  var keyText: String? { key.map { String(decoding: $0, as: UTF8.self) } }
}
