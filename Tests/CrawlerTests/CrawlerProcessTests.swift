import ArgumentParser
import Catalogue
import Core
import Kafka
import LocalServers
import Logging
import Messages
import PortalSimulator
import Testing
import TestSupport
import Values

import Glibc

/// The `crawler` executable with a portal, a broker and a state, as an operator would run it.
@Suite struct CrawlerProcessTests {
  private func arguments(_ portal: PortalSimulator, _ broker: EmbeddedBroker, state: String) -> [String] {
    portal.sources.flatMap { ["--source", $0] } + [
      "--kafka-bootstrap-servers", broker.bootstrapServers, "--allow-private-addresses", "--state", state,
    ]
  }

  @Test func announcesOnKafkaAndRemembersAcrossRuns() async throws {
    try await PortalSimulator.serving(smallCatalogue()) { portal in
      let broker = try DiscoveredTopic.makeBroker()
      let folder = try PrivateFolder("crawler")
      let once = arguments(portal, broker, state: "file://\(folder.file("seen.log"))") + ["--once", "--http-port", "0"]
      let first = try await ServiceProcess.run("crawler", once)
      #expect(first.status == .exited(0), "\(first)")
      let records = try await DiscoveredTopic.read(broker)
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
      #expect(try await DiscoveredTopic.read(broker).count == records.count)
      #expect(portal.requests(.download) == 0)
    }
  }

  @Test func runsUntilItIsDrainedAndReportsItsWork() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 2)) { portal in
      let broker = try DiscoveredTopic.makeBroker()
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
      let broker = try DiscoveredTopic.makeBroker()
      let folder = try PrivateFolder("crawler")
      let state = "file://\(folder.file("seen.log"))"
      // Killed as soon as something is acknowledged, several times.
      for _ in 0..<3 {
        let process = try await ServiceProcess.start("crawler", arguments(portal, broker, state: state))
        try await process.awaitReady()
        await process.kill()
      }
      let last = try await ServiceProcess.run(
        "crawler", arguments(portal, broker, state: state) + ["--once", "--http-port", "0"])
      #expect(last.status == .exited(0), "\(last)")
      let names = Set(try await DiscoveredTopic.read(broker).map(\.message.fileName))
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
