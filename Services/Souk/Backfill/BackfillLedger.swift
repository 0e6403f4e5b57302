import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Messages
import Operations
import Pipeline
import Synchronization

/// What back-fills are to do and have done, in `backfill-jobs` and `backfill-status`: what every process that ends in
/// the middle leaves behind.
final class BackfillLedger: Sendable {
  private struct State {
    var jobs: [String: BackfillJob] = [:]
    var known: BackfillPlan.Known = [:]
  }
  private let state = Mutex(State())
  let producer: Producer
  private let identity = ServiceIdentity(name: "souk")

  /// Reads both topics.
  /// - Throws: `Failure` of class configuration without the topics; `KafkaError`.
  init(_ cluster: Cluster, _ options: KafkaOptions, stop: Interruption) async throws {
    try await cluster.require([Topics.backfillJobs, Topics.backfillStatus, Topics.marketBars])
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    producer = try Producer(options.producerConfiguration(clientID: "souk-backfill", logger: logger))
    try await Cluster.read(Topics.backfillJobs, options, stop: stop) { (job: BackfillJob?, key) in
      self.state.withLock { $0.jobs[key] = job }
    }
    try await Cluster.read(Topics.backfillStatus, options, stop: stop) { (status: BackfillStatus?, key) in
      self.state.withLock { $0.known[key] = status }
    }
  }

  func close() async { await producer.close() }

  /// The latest first.
  var jobs: [BackfillJob] {
    state.withLock { $0.jobs.values.sorted { ($1.startedNs, $1.jobID) < ($0.startedNs, $0.jobID) } }
  }
  var known: BackfillPlan.Known { state.withLock { $0.known } }
  func status(_ name: String) -> BackfillStatus? { state.withLock { $0.known[name] } }

  func note(_ job: BackfillJob) async throws {
    try await send([job])
    state.withLock { $0.jobs[job.jobID] = job }
  }

  /// To be called when the bars are acknowledged.
  func note(_ statuses: [BackfillStatus]) async throws {
    try await send(statuses)
    state.withLock { state in
      for status in statuses { state.known[status.name] = status }
    }
  }

  private func send<Record: Message>(_ records: [Record]) async throws {
    var batch = OutgoingBatch()
    let headers = identity.headers(schema: Record.topic.schema)
    for record in records {
      batch.append(topic: Record.topic.name, key: record.key, value: record.encoded(), headers: headers)
    }
    try await producer.send(batch)
  }
}

extension Cluster {
  /// - Throws: `Failure` of class configuration when the cluster lacks one of the topics.
  func require(_ wanted: [Topic]) async throws {
    let topics = try await admin.topics()
    for topic in wanted where topics[topic.name] == nil {
      throw Failure(
        .configuration, code: "no_such_topic", "the cluster has no topic \(topic.name); see `souk topics apply`")
    }
  }

  /// Reads a compacted topic to its end. Records that cannot be read are left out.
  /// - Parameter take: gets each record with its key, nil for a tombstone; in order, on one thread.
  static func read<Record: Message>(
    _ topic: Topic, _ options: KafkaOptions, stop: Interruption,
    take: @escaping @Sendable (Record?, String) -> Void
  ) async throws {
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    let configuration = try options.tableConfiguration(clientID: "souk", topic: topic.name, logger: logger)
    let reader = try TableReader(configuration) { batch in
      batch.forEach { record in
        guard let key = record.keyBytes else { return }
        let name = String(decoding: key, as: UTF8.self)
        guard !record.isTombstone else { return take(nil, name) }
        do throws(DecodingFailure) {
          take(try Record(decoding: record.value, limits: JSONReader.Limits()), name)
        } catch {}
      }
    }
    let isCurrent: Bool
    do { isCurrent = try await reader.waitUntilCurrent(orUntil: stop) } catch {
      await reader.closeAndWait()
      throw error
    }
    await reader.closeAndWait()
    guard isCurrent else { throw Failure(.fatal, code: "stopped", "stopped while \(topic.name) was read") }
  }
}
