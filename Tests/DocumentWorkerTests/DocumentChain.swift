import ArgumentParser
import Catalogue
import Core
import EdgarSimulator
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport
import Values

/// An embedded broker, a folder or another object store, and the two programs of documents.
struct DocumentChain {
  let broker: EmbeddedBroker
  let folder: String
  private let store: [String: String?]
  private static let partitions = 4

  private static let topics = [
    Topics.fetchTasks(of: .filings), Topics.documents, Topics.documentChunks,
  ].flatMap { [$0, $0.deadLetters] }

  /// - Parameter store: its variables; without any a folder.
  init(folder: String, store: [String: String] = [:]) throws {
    self.store = store.isEmpty ? ["OBJECT_STORE": "file://\(folder)/store"] : store.mapValues { $0 }
    broker = try EmbeddedBroker(topics: Self.topics.map { (name: $0.name, partitions: Self.partitions) })
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder + "/store", withIntermediateDirectories: true)
  }

  private var environment: [String: String?] {
    [
      "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "RETRY_BASE": "50ms", "RETRY_CAP": "1s",
      "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500", "AWS_EC2_METADATA_DISABLED": "true",
    ].merging(store) { $1 }
  }

  func startWorker(_ arguments: [String] = []) async throws -> ServiceProcess {
    try await ServiceProcess.start("document-worker", arguments, environment: environment)
  }

  func startFetcher(_ simulator: EdgarSimulator, redis: String) async throws -> ServiceProcess {
    try Data("""
      sources:
        - {name: edgar, kind: edgar, user-agent: "Souk tests admin@souk.example", url: "\(simulator.url)",
           rate: 8/s, burst: 2}
      """.utf8).write(to: URL(filePath: folder + "/sources.yaml"))
    return try await ServiceProcess.start("fetcher", [
      "--kind", "filings", "--data-sources", folder + "/sources.yaml", "--allow-private-addresses",
      "--redis-url", redis,
    ], environment: environment)
  }

  // MARK: Records

  /// Of some bytes in the folder, which are there unless `text` is nil.
  func document(
    _ id: String, _ text: String?, kind: Document.Kind = .filing, type: String = "text/html"
  ) throws -> Document {
    let bytes = Array((text ?? "").utf8)
    if text != nil { try Data(bytes).write(to: URL(filePath: "\(folder)/store/\(id)")) }
    return Document(
      source: "test", id: id, kind: kind, issuer: "1", symbols: ["ACME"], form: kind == .filing ? "10-K" : "call",
      url: "https://test.example/\(id)", object: "file://\(folder)/store/\(id)", sha256: SHA256.hash(bytes).hex,
      bytes: Int64(bytes.count), mediaType: type, publishedAt: Timestamp.now(), knownAt: Timestamp.now())
  }

  func send<Body: Message>(_ messages: [Body], to topic: Topic, raw: [[UInt8]] = []) async throws {
    let producer = try Producer(try kafka().producerConfiguration(clientID: "test", logger: Self.quiet))
    var batch = OutgoingBatch()
    for message in messages {
      batch.append(
        topic: topic.name, key: message.key, value: message.encoded(), partitionBy: message.partitionKey)
    }
    for value in raw { batch.append(topic: topic.name, key: [0x78], value: value) }
    try await producer.send(batch)
    await producer.close()
  }

  func ask(_ symbols: [String], _ job: String) async throws {
    try await send([
      FetchTask(
        kind: .filings, source: "edgar", symbols: symbols, lookback: 400 * 86_400, jobID: job, dueAt: Timestamp.now()),
    ], to: Topics.fetchTasks(of: .filings))
  }

  private static let quiet: Logger = {
    var logger = Logger(label: "document-tests")
    logger.logLevel = .critical
    return logger
  }()

  private func kafka() throws -> KafkaOptions {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = "reader-\(TestServers.uniqueName())"
    return options
  }

  /// The values of everything in a topic now, and the header of each that a dead letter has; in order by partition.
  func values(_ topic: Topic) async throws -> [(value: [UInt8], code: String?)] {
    let options = try kafka()
    let admin = try options.makeAdmin(clientID: "reader", logger: Self.quiet)
    let places = Set((0..<Int32(Self.partitions)).map { TopicPartition(topic.name, $0) })
    var left = try await admin.watermarks(places).values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(
      options.consumerConfiguration(clientID: "reader", topics: [topic.name], logger: Self.quiet))
    var values: [(value: [UInt8], code: String?)] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      batch.forEach { record in
        values.append((record.valueBytes, record.headers.first { $0.name == HeaderName.errorCode }?.text))
      }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return values
  }

  /// Waits until so many different states of documents were published, and the passages of each are closed as often as
  /// there are groups that read them. Both may be published again by a fetcher or a worker that takes over.
  func awaitSplit(_ count: Int, groups: Int = 1) async throws {
    try await eventually("\(count) documents are split", interval: .milliseconds(300)) {
      let documents = try await documents()
      guard Set(documents.map { "\($0.name) \($0.sha256 ?? "withdrawn")" }).count >= count else { return false }
      var closed: [String: Int] = [:]
      for chunk in try await chunks() where chunk.withdrawn && chunk.item == nil {
        closed["\(chunk.document) \(chunk.knownAt)", default: 0] += 1
      }
      return documents.allSatisfy { closed["\($0.name) \($0.knownAt)", default: 0] >= groups }
    }
  }

  /// No record of any topic was refused.
  func expectNoDeadLetters() async throws {
    for topic in [Topics.fetchTasks(of: .filings), Topics.documents] {
      #expect(try await values(topic.deadLetters).isEmpty, "\(topic.name)")
    }
  }

  func documents() async throws -> [Document] {
    try await values(Topics.documents).map { try Document(decoding: $0.value) }
  }

  func chunks() async throws -> [DocumentChunk] {
    try await values(Topics.documentChunks).map { try DocumentChunk(decoding: $0.value) }
  }

  /// The passages that stand when all records were followed, in whatever order: a worker that lost its partition may
  /// publish the passages of a report once more after another one has published the amendment.
  static func standing(_ chunks: [DocumentChunk]) -> [DocumentChunk] {
    let withdrawals = Dictionary(grouping: chunks.filter(\.withdrawn), by: \.document)
    var standing: [String: DocumentChunk] = [:]
    for chunk in chunks where !chunk.withdrawn {
      let isGone = withdrawals[chunk.document, default: []].contains {
        chunk.knownAt.microseconds < $0.knownAt.microseconds
          && ($0.item == nil || $0.item == chunk.item && $0.part == chunk.part)
      }
      let earlier = standing[chunk.id]?.knownAt.microseconds ?? .min
      if !isGone, chunk.knownAt.microseconds >= earlier { standing[chunk.id] = chunk }
    }
    return standing.values.sorted { ($0.document, $0.ordinal) < ($1.document, $1.ordinal) }
  }
}
