import Core
import Kafka
import Operations
import Synchronization

/// Looks through the topics for records, several topics at once.
struct TraceScan: Sendable {
  struct Found: Sendable {
    var hits: [TraceHit]
    /// Records that match beyond the limit.
    var left: Int
    /// Topics that could not be read to their end, and why.
    var failed: [String]
  }

  private let cluster: Cluster
  private let since: Int64
  private let limit: Int
  /// Topics with records, and where each partition begins.
  private let starts: [String: [Int32: Int64]]
  /// Topics that the cluster does not have.
  let missing: [String]

  /// - Parameter since: milliseconds since 1970.
  init(cluster: Cluster, topics: [String], since: Int64, limit: Int) async throws {
    (self.cluster, self.since, self.limit) = (cluster, since, limit)
    let known = try await cluster.admin.topics()
    missing = topics.filter { known[$0, default: []].isEmpty }
    let places = Set(topics.flatMap { topic in (known[topic] ?? []).map { TopicPartition(topic, $0) } })
    let marks = try await cluster.admin.watermarks(places)
    var starts: [String: [Int32: Int64]] = [:]
    let filled = Dictionary(grouping: marks.filter { $0.value.high > $0.value.low }.map(\.key), by: \.topic)
    for (topic, places) in filled { starts[topic] = try await cluster.starts(Set(places), at: since) }
    self.starts = starts
  }

  /// What the readers of the topics share.
  private final class Gathering: Sendable {
    let hits: Mutex<TraceHits>
    let waiting: Mutex<[String]>
    let failed = Mutex<[String]>([])

    init(limit: Int, topics: [String]) {
      hits = Mutex(TraceHits(limit: limit))
      waiting = Mutex(topics)
    }
  }

  /// - Parameter match: why a record is one that is looked for; called on several threads.
  func find(_ match: @escaping @Sendable (ReadRecord) -> String?) async throws -> Found {
    let gathering = Gathering(limit: limit, topics: starts.keys.sorted())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 { group.addTask { try await readTopics(gathering, match) } }
      try await group.waitForAll()
    }
    let failed = gathering.failed.withLock { $0.sorted() }
    return gathering.hits.withLock { hits in
      let sorted = hits.finish()
      return Found(hits: sorted, left: hits.left, failed: failed)
    }
  }

  private func readTopics(
    _ gathering: Gathering, _ match: @escaping @Sendable (ReadRecord) -> String?
  ) async throws {
    while let topic = gathering.waiting.withLock({ $0.popLast() }) {
      do {
        try await cluster.read(topic, from: starts[topic] ?? [:], stop: Interruption()) { [since] record in
          if record.timestamp >= 0, record.timestamp < since { return }
          let record = ReadRecord(record)
          if let why = match(record) { gathering.hits.withLock { $0.add(TraceHit(record, why: why)) } }
        }
      } catch let error as any ClassifiedError {
        gathering.failed.withLock { $0.append("\(topic): \(error)") }
      }
    }
  }
}
