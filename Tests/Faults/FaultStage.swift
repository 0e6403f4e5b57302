import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Synchronization
import TestSupport

/// What the systems of all seeds have in common: a broker, its topics, what services are told of it, and which records
/// are known to be bad.
final class FaultStage: Sendable {
  /// A real cluster, `SOUK_TEST_KAFKA`; its topics are deleted and made anew for each seed.
  static var external: String? { ProcessInfo.processInfo.environment["SOUK_TEST_KAFKA"] }
  static let logger: Logger = {
    var logger = Logger(label: "faults")
    logger.logLevel = .critical
    return logger
  }()
  /// The libraries that services are loaded with, compiled once.
  private static let libraries = Task {
    let folder = try PrivateFolder("faults")
    return (folder, try await FailingResolver(folder: folder.path), try await ShiftedClock(folder: folder.path))
  }

  let folder: String
  let broker: EmbeddedBroker?
  let servers: String
  let admin: Admin
  let names: FailingResolver
  let clock: ShiftedClock
  private let options: KafkaOptions
  private let producer: Producer
  private let topics: [Topic]
  private let settings: [String: String]
  private let poisons = Mutex<[Poison]>([])

  /// A record that can never be processed, and which services refuse it.
  struct Poison: Sendable {
    var topic: Topic
    var value: String
    var services: Set<String>
  }

  /// - Parameter settings: of all services that consume.
  init(_ folder: String, topics: [Topic], settings: [String: String]) async throws {
    self.folder = folder
    self.topics = topics
    self.settings = settings
    let all = topics.flatMap { [$0, $0.deadLetters] }
    broker = Self.external == nil
      ? try EmbeddedBroker(topics: all.map { ($0.name, min(4, Int($0.partitions))) }) : nil
    servers = broker?.bootstrapServers ?? Self.external ?? ""
    options = try KafkaOptions.parse(["--kafka-bootstrap-servers", servers])
    admin = try options.makeAdmin(clientID: "faults", logger: Self.logger)
    producer = try Producer(options.producerConfiguration(clientID: "faults", logger: Self.logger))
    let (_, names, clock) = try await Self.libraries.value
    self.names = names.another(in: folder)
    self.clock = clock.another(in: folder)
    if broker == nil { try await remakeTopics(all) }
  }

  private func remakeTopics(_ all: [Topic]) async throws {
    let known = try await admin.topics()
    let old = all.map(\.name).filter { known[$0] != nil }
    if !old.isEmpty { try await admin.deleteTopics(old) }
    try await eventually("the topics are gone") {
      let known = try await admin.topics()
      return all.allSatisfy { known[$0.name] == nil }
    }
    _ = try await admin.createTopics(all.map {
      TopicSpecification(
        name: $0.name, partitions: min(4, Int($0.partitions)), replicationFactor: 1,
        settings: $0.cleanup == .compact ? ["cleanup.policy": "compact"] : [:])
    })
    try await eventually("the topics are there") {
      let known = try await admin.topics()
      return all.allSatisfy { known[$0.name] != nil }
    }
  }

  func close() async {
    await producer.close(within: .seconds(1))
    broker?.close()
  }

  /// What every service is told.
  func environment(_ service: String) -> [String: String?] {
    let (names, clock) = (names.environment, clock.environment)
    let loaded = "\((names["LD_PRELOAD"] ?? nil) ?? ""):\(clock["LD_PRELOAD"] ?? "")"
    var environment = names.merging(clock) { $1 }
    environment.merge([
      "LD_PRELOAD": loaded, "KAFKA_BOOTSTRAP_SERVERS": servers, "DRAIN_TIMEOUT": "5s",
      "AWS_EC2_METADATA_DISABLED": "true",
    ]) { $1 }
    if ServiceCatalogue.named(service)?.inputs.isEmpty == false {
      environment.merge([
        // The embedded broker forgets a killed member only after the session time-out, which has to be above the three
        // seconds of a first join: it drops the request of one that it forgets while that waits, and the library
        // waits for the answer as long as a poll may take.
        "KAFKA_PROPERTIES": "session.timeout.ms=\(broker == nil ? 6_000 : 4_500),heartbeat.interval.ms=250,"
          + "max.poll.interval.ms=30000",
        "RETRY_BASE": "50ms", "RETRY_CAP": "500ms", "COMMIT_INTERVAL": "100ms",
      ]) { $1 }
      environment.merge(settings.mapValues { $0 }) { $1 }
    }
    return environment
  }

  // MARK: Records

  struct Record: Sendable {
    var topic: Topic
    var key: String
    var value: [UInt8]
  }

  /// Returns once all are acknowledged.
  func send(_ records: [Record]) async throws {
    if records.isEmpty { return }
    // Errors are for the services: a batch that fails here in part and is produced again would be input twice.
    broker?.clearFaults(.produce)
    var batch = OutgoingBatch()
    for record in records { batch.append(topic: record.topic.name, key: Array(record.key.utf8), value: record.value) }
    try await producer.send(batch)
  }

  func poison(_ records: [(poison: Poison, key: String)]) async throws {
    poisons.withLock { $0 += records.map(\.poison) }
    try await send(records.map { Record(topic: $0.poison.topic, key: $0.key, value: Array($0.poison.value.utf8)) })
  }

  var poisonCount: Int { poisons.withLock { $0.count } }

  /// Records that a group has committed, and records that are there, in these topics.
  func progress(of group: String, in topics: [Topic]) async throws -> (done: Int, there: Int) {
    try await admin.lag(group: group, topics: topics.map(\.name), within: .seconds(3)).reduce(into: (0, 0)) {
      $0.0 += Int($1.watermarks.high - $1.lag)
      $0.1 += Int($1.watermarks.high)
    }
  }

  struct Seen: Sendable {
    var key: String
    var value: [UInt8]
    var headers: [String: String]
    var text: String { String(decoding: value, as: UTF8.self) }
  }

  /// Everything that is in a topic now.
  func read(_ topic: Topic) async throws -> [Seen] {
    let records = Records()
    let reader = try TableReader(
      options.tableConfiguration(clientID: "faults", topic: topic.name, logger: Self.logger)
    ) { batch in
      batch.forEach { record in
        records.add(Seen(
          key: String(decoding: record.keyBytes ?? [], as: UTF8.self), value: record.valueBytes,
          headers: Dictionary(record.headers.map { ($0.name, $0.text) }) { $1 }))
      }
    }
    _ = try await reader.waitUntilCurrent(orUntil: Interruption())
    await reader.closeAndWait()
    return records.all
  }

  private final class Records: Sendable {
    private let records = Mutex<[Seen]>([])
    func add(_ record: Seen) { records.withLock { $0.append(record) } }
    var all: [Seen] { records.withLock { $0 } }
  }

  /// The dead letters that are not explained by a poison, and the poison without its letters. A letter may be there
  /// again: it is produced before its record is committed.
  func lettersAgainstPoison() async throws -> (problems: [String], letters: Int) {
    let poisons = poisons.withLock { $0 }
    var (missing, problems, count) = (poisons.map(\.services), [String](), 0)
    for topic in topics {
      for letter in try await read(topic.deadLetters) {
        count += 1
        let service = letter.headers[HeaderName.service] ?? "?"
        let place = poisons.firstIndex { $0.topic.name == topic.name && $0.value == letter.text }
        guard let place, poisons[place].services.contains(service) else {
          let reason = "\(letter.headers[HeaderName.errorCode] ?? "") \(letter.headers[HeaderName.errorMessage] ?? "")"
          problems.append("unexplained dead letter of \(service), \(topic.name): \(reason): \(letter.text.prefix(300))")
          continue
        }
        missing[place].remove(service)
      }
    }
    for (poison, services) in zip(poisons, missing) where !services.isEmpty {
      problems.append("\(poison.value) in \(poison.topic.name) is no dead letter of \(services.sorted())")
    }
    return (problems, count)
  }
}
