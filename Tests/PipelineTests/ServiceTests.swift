import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import ServiceKit
import Synchronization
import Testing
import TestSupport

@testable import Pipeline

/// Whole services, declared as those of the fleet are, on the embedded broker: the worked example of
/// `Services/README.md` and its relatives.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ServiceTests {
  /// Copies bars into a store, and needs that store.
  struct Copier: ServiceCommand {
    static let configuration = CommandConfiguration(commandName: "copier")
    static let entry = ServiceEntry(
      "copier", "copies bars", of: [.egx], reads: [Topics.marketData], scaling: .single)

    @OptionGroup(title: "Kafka") var kafka: KafkaOptions
    @OptionGroup(title: "Pipeline") var pipeline: PipelineOptions
    @OptionGroup(title: "Service") var service: ServiceOptions

    /// Stands for an outside system; one per test.
    @TaskLocal static var store = FakeStore()

    func work(_ needs: Needs) -> Work {
      let consumer = needs.consumer(Self.entry, kafka, pipeline)
      let store = needs.add(Need("store", condition: "store", open: { [store = Self.store] in store }, check: { store in
        if store.now.isDown { throw Failure.outage }
        return "answers"
      }))
      return consumer.sink(FlushPolicy(rows: 10, bytes: 1 << 20, linger: .milliseconds(10))) { _, _ in
        FakeSink(try store.value, keepsOffsets: false)
      }
    }
  }

  /// Produces bars until it is stopped.
  struct Ticker: ServiceCommand {
    static let configuration = CommandConfiguration(commandName: "ticker")
    @OptionGroup(title: "Kafka") var kafka: KafkaOptions
    @OptionGroup(title: "Service") var service: ServiceOptions
    @Option var fails = false

    func work(_ needs: Needs) -> Work {
      let clients = needs.kafka("ticker", kafka, topics: [Topics.marketData.name], consumes: false)
      let (drain, context) = (needs.drain, needs.context)
      return clients.source("ticking") { [fails] producer in
        var batch = OutgoingBatch()
        for value in ["a", "b", "c"] {
          batch.append(topic: Topics.marketData.name, key: Array("k".utf8), value: Array(value.utf8))
        }
        // On its way: the kit waits for the acknowledgement when it closes the producer.
        _ = try await producer.enqueue(batch)
        context.health.readiness("ticking").set(ready: true)
        await drain.wait()
        if fails { throw Failure(.transient, code: "unacknowledged", "the last bars were not acknowledged") }
      }
    }
  }

  private let broker: EmbeddedBroker
  private let arguments: [String]

  init() throws {
    broker = try EmbeddedBroker(topics: [(Topics.marketData.name, 1), (Topics.marketData.deadLetterName, 1)])
    arguments = [
      "--kafka-bootstrap-servers", broker.bootstrapServers, "--kafka-property", "session.timeout.ms=6000",
      "--kafka-property", "heartbeat.interval.ms=300",
    ]
  }

  private func context(_ name: String) -> ServiceContext {
    ServiceContext(name: name, logger: Scenario.logger, drainTimeout: .seconds(20))
  }

  @Test func aSourceFeedsAConsumerAndBothDrain() async throws {
    defer { broker.close() }
    let store = FakeStore()
    try await Copier.$store.withValue(store) {
      let (ticker, copier) = (try Ticker.parse(arguments), try Copier.parse(arguments))
      let (first, second) = (context("ticker"), context("copier"))
      let source = Task { try await ticker.run(in: first) }
      let sink = Task { try await copier.run(in: second) }
      try await eventually("what the source produced is in the store") { store.texts == ["a", "b", "c"] }
      for context in [first, second] { #expect(context.health.isReady, "\(context.health.readinessReport)") }
      first.drain.raise()
      second.drain.raise()
      try await source.value
      try await sink.value
    }
  }

  /// Each kind of work says what it will set when it is made, so that `/readyz` does not say yes before it has begun.
  @Test func allConditionsAreKnownBeforeWorkBegins() throws {
    defer { broker.close() }
    func conditions(_ make: (Needs) -> Work) -> [String] {
      let context = context("conditions")
      _ = make(Needs(context))
      #expect(context.health.readinessReport.entries.allSatisfy { !$0.ok })
      return context.health.readinessReport.entries.map(\.name)
    }
    let (copier, ticker) = (try Copier.parse(arguments), try Ticker.parse(arguments))
    let (sink, source) = (conditions { copier.work($0) }, conditions { ticker.work($0) })
    #expect(sink == ["kafka", "store", "sink", "assignment"])
    #expect(source == ["kafka", "ticking"])
    func consumer(_ needs: Needs) -> ConsumerService { needs.consumer(Copier.entry, copier.kafka, copier.pipeline) }
    func jobs(_ consumer: ConsumerService) -> Work {
      consumer.jobs(concurrency: 1) { () throws -> ScriptedHandler in throw Failure.outage }
    }
    let own = conditions { jobs(consumer($0)) }
    #expect(own == ["kafka", "work", "assignment"])
    let aside = conditions { jobs(consumer($0).aside()) }
    #expect(aside == ["kafka"], "beside the work")
  }

  @Test func aStoreThatIsAwayIsWaitedForBeforeTheGroupIsJoined() async throws {
    defer { broker.close() }
    let store = FakeStore()
    store.change { $0.isDown = true }
    try await Copier.$store.withValue(store) {
      let (copier, context) = (try Copier.parse(arguments + ["--retry-cap", "100ms"]), context("copier"))
      let running = Task { try await copier.run(in: context) }
      let (kafka, away) = (context.health.readiness("kafka"), context.health.readiness("store"))
      try await eventually("Kafka lets it in, the store does not") {
        kafka.current.ready && away.current.reason == "outage"
      }
      #expect(!context.health.isReady)
      for name in ["sink", "assignment"] {
        #expect(context.health.readiness(name).current == (false, "starting"), "no loop has begun")
      }
      store.change { $0.isDown = false }
      try await eventually("ready") { context.health.isReady && context.health.readiness("assignment").current.ready }
      context.drain.raise()
      try await running.value
    }
  }

  @Test func checkNamesKafkaAndTheStore() async throws {
    defer { broker.close() }
    let store = FakeStore()
    try await Copier.$store.withValue(store) {
      let report = CheckReport()
      await (try Copier.parse(arguments)).check(report)
      #expect(report.lines.map(\.name) == ["kafka", "store"])
      #expect(report.ok, "\(report.lines)")
      #expect(report.lines[0].detail.contains("2 topics present"), "the input and its dead letters")
      store.change { $0.isDown = true }
      let unwell = CheckReport()
      await (try Copier.parse(arguments)).check(unwell)
      #expect(unwell.status == .failed)
    }
  }

  /// The next process asks again for what was not acknowledged.
  @Test func aSourceThatCannotFinishItsDrainIsNoFailure() async throws {
    defer { broker.close() }
    let (ticker, context) = (try Ticker.parse(arguments + ["--fails", "true"]), context("ticker"))
    let source = Task { try await ticker.run(in: context) }
    try await eventually("it produces") { context.health.readiness("ticking").current.ready }
    context.drain.raise()
    try await source.value
  }

  /// A table is current before work begins; when reading it fails, the work drains and the service fails.
  @Test func workBeginsWithACurrentTable() async throws {
    defer { broker.close() }
    let (ticker, first) = (try Ticker.parse(arguments), context("ticker"))
    let source = Task { try await ticker.run(in: first) }
    try await eventually("it produces") { first.health.readiness("ticking").current.ready }
    first.drain.raise()
    try await source.value

    let rows = Mutex<[String]>([])
    let context = context("reader")
    let needs = Needs(context)
    needs.table(
      "bars", "reader", ticker.kafka, topic: Topics.marketData, found: { "\(rows.withLock(\.count)) rows" }
    ) { batch in
      batch.forEach { record in
        let text = String(decoding: record.valueBytes, as: UTF8.self)
        rows.withLock { $0.append(text) }
      }
    }
    try await needs.run(Work {
      #expect(rows.withLock { $0 } == ["a", "b", "c"])
      #expect(context.health.readiness("bars").current == (true, "3 rows"))
    })
  }
}
