import Catalogue
import Core
import EdgarSimulator
import Kafka
import LocalServers
import Messages
import Testing
import TestSupport

import Glibc

/// From EDGAR to passages, by the programs, while servers are away and processes are killed and frozen.
@Suite(.timeLimit(.minutes(20))) struct DocumentFaultTests {
  private static let corpus = EdgarCorpus(seed: 11, companies: 2, paragraphs: 3)
  private static let symbols = corpus.companies.map { $0.symbols[0] }
  /// Those that are there from the start.
  private static let reports = corpus.filings.filter { $0.form != "8-K" && $0.appears == 0 }

  private func passages(_ chain: DocumentChain) async throws -> [String] {
    DocumentChain.standing(try await chain.chunks()).map { "\($0.id) \($0.document) \($0.item ?? "-")" }
  }

  /// It has records in hand, and every one of them waits.
  private func awaitPause(_ process: ServiceProcess, _ what: String) async throws {
    try await eventually("\(what) pauses") {
      guard await process.metrics().sum("souk_retries_total") ?? 0 > 1 else { return false }
      return await process.get("/readyz")?.status == 503
    }
  }

  private func awaitReady(_ process: ServiceProcess, _ what: String) async throws {
    try await eventually("\(what) is ready again") { await process.get("/readyz")?.status == 200 }
  }

  /// The programs reach an object store over a port that leads nowhere when it should.
  private func withChain(
    _ body: @Sendable (DocumentChain, _ store: SwitchedStore, _ fetcher: ServiceProcess) async throws -> Void
  ) async throws {
    let redis = try await PrivateRedis.start()
    let store = try await SwitchedStore()
    try await EdgarSimulator.serving(Self.corpus) { simulator in
      try await withTemporaryDirectory { folder in
        let chain = try DocumentChain(folder: folder, store: store.environment)
        defer { chain.broker.close() }
        let fetcher = try await chain.startFetcher(simulator, redis: redis.url)
        try await fetcher.awaitReady()
        try await body(chain, store, fetcher)
        #expect(await fetcher.terminate() == .exited(0))
        try await chain.expectNoDeadLetters()
      }
    }
    await redis.stop()
  }

  private struct SwitchedStore: Sendable {
    let environment: [String: String]
    private let port: SwitchedPort
    private let (server, nothing): (Int, Int)

    init() async throws {
      let seaweed = try await TestServers.seaweed()
      (server, nothing) = (Int(seaweed.port), Int(try FreePort.next()))
      port = try SwitchedPort(to: server)
      environment = seaweed.environment.merging([
        "S3_ENDPOINT": port.url, "OBJECT_STORE": "s3://documents-\(TestServers.uniqueName())",
      ]) { $1 }
    }

    func set(away: Bool) { port.lead(to: away ? nothing : server) }
  }

  private func published(_ chain: DocumentChain) async throws {
    try await eventually("all are published", interval: .milliseconds(300)) {
      try await chain.documents().count >= Self.reports.count
    }
  }

  /// The object store is away when bytes are to be kept, and when they are to be read; then the broker is.
  @Test func outagesPauseAndRefuseNothing() async throws {
    try await withChain { chain, store, fetcher in
      store.set(away: true)
      try await chain.ask(Self.symbols, "away")
      try await awaitPause(fetcher, "the fetcher without its store")
      #expect(try await chain.documents().isEmpty, "a pointer leads to bytes that are stored")
      store.set(away: false)
      try await published(chain)
      try await awaitReady(fetcher, "the fetcher")

      store.set(away: true)
      let worker = try await chain.startWorker()
      try await awaitPause(worker, "the worker without its store")
      #expect(try await chain.chunks().isEmpty)
      store.set(away: false)
      try await chain.awaitSplit(Self.reports.count)
      try await awaitReady(worker, "the worker")
      let first = try await passages(chain)
      #expect(Set(first.map { $0.split(separator: " ")[1] }).count == Self.reports.count)

      // The broker, under a reader that has everything in hand.
      store.set(away: true)
      let second = try await chain.startWorker(["--group-id", "again"])
      try await awaitPause(second, "the second worker")
      chain.broker.takeDown()
      store.set(away: false)
      try await eventually("it cannot publish") {
        await second.metrics().sum("souk_kafka_brokers_up") == 0
      }
      chain.broker.bringUp()
      try await chain.awaitSplit(Self.reports.count, groups: 2)
      try await awaitReady(second, "the second worker")
      #expect(try await passages(chain) == first)
      for process in [worker, second] {
        #expect(await process.metrics().sum("souk_records_dead_lettered_total") ?? 0 == 0)
        #expect(await process.terminate() == .exited(0))
      }
    }
  }

  /// A worker is killed with documents in hand; one is frozen with them while another one takes over, and goes on
  /// behind it.
  @Test func killsAndFreezesRepeatAndLoseNothing() async throws {
    try await withChain { chain, store, _ in
      try await chain.ask(Self.symbols, "first")
      try await published(chain)
      store.set(away: true)
      let killed = try await chain.startWorker()
      try await awaitPause(killed, "the worker without its store")
      await killed.kill()
      store.set(away: false)
      let worker = try await chain.startWorker()
      try await chain.awaitSplit(Self.reports.count)
      let first = try await passages(chain)

      store.set(away: true)
      let frozen = try await chain.startWorker(["--group-id", "again"])
      try await awaitPause(frozen, "the worker that is frozen")
      frozen.signal(SIGSTOP)
      store.set(away: false)
      let successor = try await chain.startWorker(["--group-id", "again"])
      try await chain.awaitSplit(Self.reports.count, groups: 2)
      frozen.signal(SIGCONT)
      try await eventually("both have nothing left", interval: .milliseconds(200)) {
        for process in [frozen, successor] {
          guard await process.get("/readyz")?.status == 200,
            await process.metrics().sum("souk_kafka_lag_records") ?? 0 == 0 else { return false }
        }
        return true
      }
      #expect(try await passages(chain) == first)
      for process in [worker, frozen, successor] { #expect(await process.terminate() == .exited(0)) }
    }
  }
}
