import ArgumentParser
import Kafka
import LocalServers
import Logging
import PortalSimulator
import Runtime
import Schemas
import TestSupport
import Testing

import Glibc

/// The `crawler` executable with a portal, a broker and a state, as an operator would run it.
@Suite struct CrawlerProcessTests {
  /// A record of `gogobe.files.discovered` as it lies in Kafka.
  struct Seen: Sendable {
    var partition: Int32
    var key: String
    var headers: [String: String]
    var message: FileDiscovered
  }

  private func arguments(_ portal: PortalSimulator, _ broker: EmbeddedBroker, state: String) -> [String] {
    portal.sources.flatMap { ["--source", $0] } + [
      "--kafka-bootstrap-servers", broker.bootstrapServers, "--allow-private-addresses", "--state", state,
    ]
  }

  private func makeBroker() throws -> EmbeddedBroker {
    try EmbeddedBroker(topics: [(Topics.filesDiscovered.name, Int(Topics.filesDiscovered.partitions))])
  }

  /// Everything in the topic now, in the order of each partition.
  private func read(_ broker: EmbeddedBroker) async throws -> [Seen] {
    let logger = quietLogger()
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = "reader-\(TestServers.uniqueName())"
    let admin = try options.makeAdmin(clientID: "reader", logger: logger)
    let topic = Topics.filesDiscovered
    let ends = try await admin.watermarks(
      Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(
      options.consumerConfiguration(clientID: "reader", topics: [topic.name], logger: logger))
    var records: [Seen] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      try batch.forEach { (record: borrowing RecordBatch.Record) throws in
        records.append(Seen(
          partition: record.partition, key: String(decoding: record.keyBytes ?? [], as: UTF8.self),
          headers: Dictionary(record.headers.map { ($0.name, $0.text) }, uniquingKeysWith: { first, _ in first }),
          message: try FileDiscovered(decoding: record.valueBytes)))
      }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return records
  }

  @Test func announcesOnKafkaAndRemembersAcrossRuns() async throws {
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      let broker = try makeBroker()
      let folder = try PrivateFolder("crawler")
      let once = arguments(portal, broker, state: "file://\(folder.file("seen.log"))") + ["--once", "--http-port", "0"]
      let first = try await ServiceProcess.run("crawler", once)
      #expect(first.status == .exited(0), "\(first)")
      let records = try await read(broker)
      #expect(records.map(\.message.fileName).sorted() == portal.visibleFiles.map(\.name).sorted())
      for record in records {
        #expect(record.key == "\(record.message.chain)/\(record.message.fileName)")
        #expect(record.headers[HeaderName.schema] == "gogobe.files.discovered")
        #expect(record.headers[HeaderName.schemaVersion] == "1")
        #expect(record.headers[HeaderName.producedBy] == "crawler/\(Souk.version)")
        #expect(record.headers[HeaderName.traceparent].flatMap { TraceParent($0) } != nil)
      }
      // A store's files share a partition and lie there in order of time.
      for (_, group) in Dictionary(grouping: records, by: { "\($0.message.chain)/\($0.message.storeID ?? "")" }) {
        #expect(Set(group.map(\.partition)).count == 1)
        let times = group.map { $0.message.fileTime?.microseconds ?? 0 }
        #expect(times == times.sorted())
      }

      let second = try await ServiceProcess.run("crawler", once)
      #expect(second.status == .exited(0), "\(second)")
      #expect(try await read(broker).count == records.count)
      #expect(portal.requests(.download) == 0)
    }
  }

  @Test func runsUntilItIsToldToStopAndShowsWhatItDid() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 2)) { portal in
      let broker = try makeBroker()
      let redis = try await TestServers.redis()
      let process = try await ServiceProcess.start(
        "crawler", arguments(portal, broker, state: redis.url) + ["--interval", "1s"])
      try await process.awaitReady()
      let count = Double(portal.visibleFiles.count)
      try await eventually("all files are announced") {
        await process.metrics().sum("souk_crawler_files_emitted_total") == count
      }
      portal.republish(portal.catalogue.files(of: portal.catalogue.chains[0])[1])
      try await eventually("the republished file is announced") {
        await process.metrics().sum("souk_crawler_files_emitted_total") == count + 1
      }
      portal.add(Fault(.emptyListing, on: .listing, prefix: portal.catalogue.chains[1].prefix))
      try await eventually("the empty listing is noticed") {
        await process.metrics().sum("souk_crawler_listings_empty_total") ?? 0 > 0
      }
      #expect(await process.get("/livez")?.status == 200)
      #expect(await process.terminate() == .exited(0))
    }
  }

  @Test func aKilledCrawlerLosesNothing() async throws {
    var settings = smallCatalogue(chains: 3, rounds: 30)
    settings.stores = 4
    try await PortalSimulator.serving(settings) { portal in
      let broker = try makeBroker()
      let folder = try PrivateFolder("crawler")
      let state = "file://\(folder.file("seen.log"))"
      // Killed as soon as something was acknowledged, several times over.
      for _ in 0..<3 {
        let process = try await ServiceProcess.start("crawler", arguments(portal, broker, state: state))
        try await process.awaitReady()
        await process.kill()
      }
      let last = try await ServiceProcess.run(
        "crawler", arguments(portal, broker, state: state) + ["--once", "--http-port", "0"])
      #expect(last.status == .exited(0), "\(last)")
      let names = Set(try await read(broker).map(\.message.fileName))
      #expect(names == Set(portal.visibleFiles.map(\.name)))
    }
  }

  @Test func aWrongSettingEndsWith78AndTheReason() async throws {
    for arguments in [
      [], ["--source", "nowhere"], ["--source", "king_store", "--state", "ftp://x"],
      ["--source", "king_store", "--since", "yesterday"], ["--source", "dir:/nowhere/at/all"],
    ] {
      let outcome = try await ServiceProcess.run("crawler", arguments + ["--http-port", "0", "--once"])
      #expect(outcome.status == .exited(78), "\(arguments): \(outcome)")
    }
  }

  @Test func printsItsSourcesAndHidesItsSecrets() async throws {
    let sources = try await ServiceProcess.run("crawler", ["sources"])
    #expect(sources.status == .exited(0))
    #expect("\(sources)".contains("king_store"))
    let settings = try await ServiceProcess.run(
      "crawler", ["--print-config", "--state", "redis://:hidden@cache/0", "--redis-url", "redis://:hidden@cache/1"])
    #expect(settings.status == .exited(0))
    #expect(!"\(settings)".contains("hidden"))
  }
}
