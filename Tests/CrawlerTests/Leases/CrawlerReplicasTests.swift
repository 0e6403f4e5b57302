import Catalogue
import Kafka
import LocalServers
import Logging
import Messages
import PortalSimulator
import Testing
import TestSupport

import Glibc

/// Several `crawler` processes over one state: one of them crawls each chain, also after a kill.
@Suite struct CrawlerReplicasTests {
  private static let chains = 5

  private struct Scene: Sendable {
    let portal: PortalSimulator
    let broker: EmbeddedBroker
    let redis: PrivateRedis

    func start() async throws -> ServiceProcess {
      let process = try await ServiceProcess.start(
        "crawler", portal.sources.flatMap { ["--source", $0] } + [
          "--kafka-bootstrap-servers", broker.bootstrapServers, "--allow-private-addresses", "--state", redis.url,
          "--interval", "1s", "--lease-timeout", "3s", "--kafka-property", "session.timeout.ms=6000",
        ])
      try await process.awaitReady()
      return process
    }

    /// Sources that a process holds.
    func held(_ process: ServiceProcess) async -> Int {
      Int(await process.metrics().sum("souk_crawler_sources_held") ?? 0)
    }

    /// Whether the two hold all sources, and each one half of them.
    func share(_ first: ServiceProcess, _ second: ServiceProcess) async -> Bool {
      let (mine, yours) = (await held(first), await held(second))
      return mine + yours == CrawlerReplicasTests.chains && min(mine, yours) == CrawlerReplicasTests.chains / 2
    }

    func announced() async throws -> [String] {
      try await DiscoveredTopic.read(broker).map(\.message.fileName).sorted()
    }

    /// Waits until everything the portal shows is announced, then asserts that each file is announced once.
    func expectEverythingOnce() async throws {
      let files = portal.visibleFiles.map(\.name).sorted()
      try await eventually("everything is announced", interval: .milliseconds(200)) {
        let admin = try Admin(properties: ["bootstrap.servers": broker.bootstrapServers], logger: quietLogger())
        let topic = Topics.filesDiscovered
        let marks = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
        return marks.values.reduce(0) { $0 + Int($1.high) } >= files.count
      }
      #expect(try await announced() == files)
    }

    /// The sources that a process has listed since the last call.
    func listings(_ process: ServiceProcess) async -> [String: Double] {
      let samples = await process.metrics().samples.filter { $0.name == "souk_crawler_listings_total" }
      return Dictionary(samples.map { ($0.labels["source"] ?? "", $0.value) }, uniquingKeysWith: +)
    }
  }

  private func withScene(_ body: @escaping @Sendable (Scene) async throws -> Void) async throws {
    var options = PortalOptions()
    options.firstRounds = 0
    try await PortalSimulator.serving(smallCatalogue(chains: Self.chains, rounds: 4), options: options) { portal in
      let topics = [Topics.filesDiscovered, Topics.filesExpired, Topics.filesExpired.deadLetters, Topics.alerts]
      let broker = try EmbeddedBroker(topics: topics.map { ($0.name, Int($0.partitions)) })
      let redis = try await PrivateRedis.start()
      do {
        try await body(Scene(portal: portal, broker: broker, redis: redis))
      } catch {
        await redis.stop()
        broker.close()
        throw error
      }
      await redis.stop()
      broker.close()
    }
  }

  @Test(.timeLimit(.minutes(10))) func aKilledReplicasChainsGoToTheOthers() async throws {
    try await withScene { scene in
      let first = try await scene.start()
      try await eventually("one has all") { await scene.held(first) == Self.chains }
      try await scene.expectEverythingOnce()
      let second = try await scene.start()
      try await eventually("each has its share") { await scene.share(first, second) }
      // Every chain is listed by one of them and not by the other.
      let before = (await scene.listings(first), await scene.listings(second))
      try await eventually("every chain is listed twice more") {
        let after = (await scene.listings(first), await scene.listings(second))
        let risen = after.0.merging(after.1, uniquingKeysWith: +).map { source, count in
          count - (before.0[source] ?? 0) - (before.1[source] ?? 0)
        }
        return risen.count == Self.chains && risen.allSatisfy { $0 >= 2 }
      }
      let after = (await scene.listings(first), await scene.listings(second))
      let mine = Set(after.0.filter { $0.value > before.0[$0.key] ?? 0 }.keys)
      let yours = Set(after.1.filter { $0.value > before.1[$0.key] ?? 0 }.keys)
      #expect(mine.isDisjoint(with: yours), "\(mine) and \(yours)")
      scene.portal.reveal(rounds: 1)
      try await scene.expectEverythingOnce()

      await second.kill()
      scene.portal.reveal(rounds: 2)
      try await eventually("the first has all again") { await scene.held(first) == Self.chains }
      try await scene.expectEverythingOnce()

      let third = try await scene.start()
      try await eventually("the third has its share") { await scene.share(first, third) }
      #expect(await first.terminate() == .exited(0))
      try await eventually("the third has all") { await scene.held(third) == Self.chains }
      scene.portal.reveal(rounds: 3)
      try await scene.expectEverythingOnce()
      #expect(await third.terminate() == .exited(0))
    }
  }

  /// A replica that is suspended for longer than its leases announces nothing under them.
  @Test(.timeLimit(.minutes(10))) func aReplicaSuspendedBeyondItsLeaseAnnouncesNothing() async throws {
    try await withScene { scene in
      let sleeper = try await scene.start()
      try await eventually("one has all") { await scene.held(sleeper) == Self.chains }
      try await scene.expectEverythingOnce()
      sleeper.signal(SIGSTOP)
      let other = try await scene.start()
      try await eventually("the other has all") { await scene.held(other) == Self.chains }
      scene.portal.reveal(rounds: 1)
      try await scene.expectEverythingOnce()
      sleeper.signal(SIGCONT)
      try await eventually("the sleeper has noticed") {
        await sleeper.metrics().sum("souk_crawler_leases_lost_total") == Double(Self.chains)
      }
      try await eventually("they share again") { await scene.share(sleeper, other) }
      scene.portal.reveal(rounds: 2)
      try await scene.expectEverythingOnce()
      #expect(await other.terminate() == .exited(0))
      #expect(await sleeper.terminate() == .exited(0))
    }
  }
}
