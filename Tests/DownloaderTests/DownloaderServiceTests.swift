import ArgumentParser
import Catalogue
import Core
@testable import DownloaderService
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import ObjectStore
import ServiceKit
import Synchronization
import Testing
import TestSupport

/// The whole service on an embedded broker, in this process.
@Suite struct DownloaderServiceTests {
  @Test(.timeLimit(.minutes(15))) func everyAnnouncedFileEndsStoredOrDeadLettered() async throws {
    let attempts = Mutex<[String: Int]>([:])
    let server = try HostileServer { request, connection in
      let attempt = attempts.withLock { $0[request.path, default: 0] += 1; return $0[request.path] ?? 0 }
      switch request.path {
      case "/missing": connection.answer("404 Not Found")
      case "/page": connection.answer("200 OK", body: "<html></html>")
      case let path where path.hasPrefix("/flaky") && attempt < 3: connection.answer("503 Busy")
      default: connection.answer("200 OK", body: "<Root>\(request.path)</Root>")
      }
    }
    let paths = (0..<40).map { $0 % 10 == 0 ? "/flaky\($0)" : "/file\($0)" } + ["/missing", "/page"]
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
      defer { broker.close() }
      let arguments = [
        "--kafka-bootstrap-servers", broker.bootstrapServers, "--kafka-property", "session.timeout.ms=6000",
        "--object-store", "file://\(folder)/store", "--spool-directory", folder, "--allow-network", "127.0.0.1",
      ]
      let command = try DownloaderCommand.parse(arguments)
      try await announce(paths.map { "\(server.url)\($0)" }, to: command.kafka)

      let context = ServiceContext(name: "downloader", logger: Self.quiet)
      let run = Task { try await command.run(in: context) }
      let stored = try await read(Topics.filesDownloaded.name, count: 40, command.kafka)
      let dead = try await read(Topics.filesDiscovered.deadLetterName, count: 2, command.kafka)
      context.drain.raise()
      try await run.value

      let messages = try stored.map { try FileDownloaded(decoding: $0.value) }
      #expect(Set(messages.compactMap(\.url)) == Set(paths.prefix(40).map { "\(server.url)\($0)" }))
      let store = try FileStore(path: "\(folder)/store")
      for message in messages {
        let path = try #require(message.url).dropFirst(server.url.count)
        let bytes = try await store.bytes(of: store.location.key(of: #require(message.s3Path)), limit: 1000)
        #expect(bytes == Array("<Root>\(path)</Root>".utf8) && message.sha256 == SHA256.hash(bytes).hex)
      }
      #expect(Set(dead.map { $0.headers[HeaderName.errorCode] ?? "" }) == ["http_404", "html_instead_of_file"])
      #expect(dead.allSatisfy { $0.headers[HeaderName.topic] == Topics.filesDiscovered.name })
      #expect(attempts.withLock { $0["/flaky0"] } == 3)
    }
  }

  @Test(.timeLimit(.minutes(15))) func checkNamesWhatIsWrong() async throws {
    let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map { ($0.name, Int($0.partitions)) })
    defer { broker.close() }
    try await withTemporaryDirectory { folder in
      let common = ["--kafka-bootstrap-servers", broker.bootstrapServers]
      let good = CheckReport()
      await (try DownloaderCommand.parse(common + ["--object-store", "file://\(folder)/s"])).check(good)
      #expect(good.ok, "\(good.lines)")
      let bad = CheckReport()
      await (try DownloaderCommand.parse(
        common + ["--object-store", "file:///proc/nowhere", "--spool-directory", "/nowhere"])).check(bad)
      #expect(bad.lines.filter { !$0.ok }.map(\.name).sorted() == ["object store", "settings"])
    }
  }

  @Test(.timeLimit(.minutes(15))) func aStoreThatRefusesStopsTheServiceBeforeItConsumes() async throws {
    let command = try DownloaderCommand.parse([
      "--kafka-bootstrap-servers", "127.0.0.1:1", "--object-store", "file:///proc/nowhere",
    ])
    await #expect { try await command.run(in: ServiceContext(name: "downloader", logger: Self.quiet)) } throws: {
      ErrorClass(of: $0) == .configuration
    }
  }

  // MARK: - Kafka

  private static let quiet: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }()

  private struct Record: Sendable {
    var value: [UInt8]
    var headers: [String: String]
  }

  private func announce(_ urls: [String], to kafka: KafkaOptions) async throws {
    let producer = try Producer(kafka.producerConfiguration(clientID: "test", logger: Self.quiet))
    var batch = OutgoingBatch()
    for (index, url) in urls.enumerated() {
      var file = DownloadFixture.file(url, name: "file-\(index).gz")
      file.storeID = "\(index % 7)"
      batch.append(
        topic: FileDiscovered.topic.name, key: file.key, value: file.encoded(), partitionBy: file.partitionKey)
    }
    try await producer.send(batch)
    await producer.close()
  }

  private func read(_ topic: String, count: Int, _ kafka: KafkaOptions) async throws -> [Record] {
    var kafka = kafka
    kafka.groupId = "test-\(TestServers.uniqueName())"
    let consumer = try Consumer(kafka.consumerConfiguration(
      clientID: "test", topics: [topic], externalOffsets: false, drainDeadline: .seconds(5), logger: Self.quiet))
    defer { consumer.close() }
    var records: [Record] = []
    while records.count < count {
      switch try await consumer.next(before: .now + .seconds(60)) {
      case .batch(let batch):
        batch.forEach { record in
          records.append(Record(
            value: record.valueBytes,
            headers: Dictionary(record.headers.map { ($0.name, $0.text) }, uniquingKeysWith: { $1 })))
        }
      case .revoking(_, let answer): answer.done(committing: [:])
      case nil, .idle?: throw ConditionNotMet(description: "\(topic) had \(records.count) of \(count) records")
      default: break
      }
    }
    return records
  }
}
