import ArgumentParser
import Catalogue
import Core
import FeedSimulator
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Synchronization
import Testing
import TestSupport

import Glibc

/// The executable, as an operator runs it, on the embedded broker.
@Suite(.serialized) struct FlowProcessTests {
  private static let logger = Logger(label: "options-detector-tests") { _ in SwiftLogNoOpLogHandler() }
  private static let topics = [
    Topics.optionTrades, Topics.optionTrades.deadLetters, Topics.optionChains, Topics.optionChains.deadLetters,
    Topics.optionsFlow, Topics.flowStates,
  ].map { (name: $0.name, partitions: 3) }

  /// The last record of every event in `options-flow`.
  private final class Tap: Sendable {
    private let events = Mutex<[String: OptionsFlow]>([:])

    func take(_ batch: RecordBatch) {
      batch.forEach { record in
        guard let event = try? OptionsFlow(decoding: record.value) else { return }
        events.withLock { events in
          if event.revision >= events[event.eventID]?.revision ?? 0 { events[event.eventID] = event }
        }
      }
    }

    var standing: [OptionsFlow] { events.withLock { $0.values.filter { $0.status != .withdrawn } } }
  }

  /// Detectors are killed at whatever they are doing and leave properly; the events are those that were planted, each
  /// once, and the open interest of the next morning decides about all of them.
  @Test(.timeLimit(.minutes(20))) func killsChangeNothing() async throws {
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    let admin = try options.makeAdmin(clientID: "test", logger: Self.logger)
    let tap = Tap()
    let reader = try TableReader(
      options.tableConfiguration(clientID: "tap", topic: Topics.optionsFlow.name, logger: Self.logger)
    ) { tap.take($0) }
    func start() async throws -> ServiceProcess {
      try await ServiceProcess.start(
        "options-detector", ["--linger", "20ms"],
        environment: [
          "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "RETRY_CAP": "1s",
          "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
        ])
    }
    func send(_ records: [(topic: Topic, key: [UInt8], value: [UInt8])]) async throws {
      var batch = OutgoingBatch()
      for record in records { batch.append(topic: record.topic.name, key: record.key, value: record.value) }
      try await producer.send(batch)
    }
    // Three underlyings, so that each of two detectors may own some.
    let names = ["AAPL", "MSFT", "NVDA"].flatMap { root in (0..<5).map { "\(root)251219C00\(200 + 5 * $0)000" } }
    var market = FeedMarket(
      seed: 5, symbols: names, rate: 120, startNs: Flow.open, hasCorrections: false, plantEvery: 150)
    _ = market.advance(to: Flow.open + 120_000_000_000)
    let prints = Flow.prints(of: market.events)
    func chain(_ day: String, openInterest: Int64, of openDay: String, after seconds: Int64) -> [OptionChain] {
      Dictionary(grouping: names) { String($0.prefix(4)) }.map { root, names in
        OptionChain(
          underlying: root, feed: "polygon-options", page: 0, of: 1, knownNs: Flow.open + seconds * 1_000_000_000,
          day: day, contracts: names.map { Flow.contract($0, volume: 10, openInterest: openInterest, of: openDay) })
      }
    }
    var random = TestRandom("flow kills")
    var workers = [try await start()]
    try await workers[0].awaitReady()
    workers.append(try await start())
    try await send(chain(Flow.day, openInterest: 100, of: "2025-11-28", after: 0).map {
      (Topics.optionChains, $0.key, $0.encoded())
    })
    let part = prints.count / 6 + 1
    for begin in stride(from: 0, to: prints.count, by: part) {
      let some = prints[begin..<min(prints.count, begin + part)]
      try await send(some.map { (Topics.optionTrades, $0.key, $0.encoded()) })
      usleep(UInt32.random(in: 0...80_000, using: &random))
      if begin == part || begin == 3 * part {
        let victim = Int.random(in: 0..<workers.count, using: &random)
        await workers[victim].kill()
        workers[victim] = try await start()
      }
    }
    try await send([(Topics.optionTrades, Array("AAPL".utf8), Array("no print".utf8))])
    func awaitCaughtUp() async throws {
      try await eventually("everything is read", timeout: .seconds(600)) {
        let topics = [Topics.optionTrades.name, Topics.optionChains.name]
        return try await admin.lag(group: "options-detector", topics: topics).reduce(0) { $0 + $1.lag } == 0
      }
    }
    try await awaitCaughtUp()
    let count = market.planted.count { !$0.isNone }
    try await eventually("every plant is found") { tap.standing.count == count }
    try await send(chain("2025-12-02", openInterest: 100_000, of: Flow.day, after: 86_400).map {
      (Topics.optionChains, $0.key, $0.encoded())
    })
    try await awaitCaughtUp()
    try await eventually("all are confirmed") { tap.standing.allSatisfy { $0.status == .confirmed } }
    for worker in workers { #expect(await worker.terminate() == .exited(0)) }
    FlowSinkTests.expect(tap.standing, market.planted)
    #expect(tap.standing.allSatisfy { $0.openInterestBefore ?? 0 >= 100 && $0.openInterestAfter ?? 0 >= 100_000 })
    let letters = Set((0..<3).map { TopicPartition(Topics.optionTrades.deadLetterName, Int32($0)) })
    #expect(try await admin.watermarks(letters).values.reduce(0) { $0 + $1.high } >= 1)
    await reader.closeAndWait()
    await producer.close(within: .seconds(5))
  }

  @Test(.timeLimit(.minutes(10))) func wrongSettingsStopItBeforeWork() async throws {
    for (arguments, word) in [
      (["--confirm-share", "2"], "confirm-share"), (["--window", "0s"], "window"),
    ] {
      let outcome = try await ServiceProcess.run("options-detector", arguments, environment: ["HTTP_PORT": "0"])
      #expect(outcome.status == .exited(64) && outcome.errorOutput.contains(word), "\(outcome.errorOutput)")
    }
    try await withTemporaryDirectory { folder in
      let path = "\(folder)/conditions.csv"
      try Data("A,nothing\n".utf8).write(to: URL(fileURLWithPath: path))
      let outcome = try await ServiceProcess.run(
        "options-detector", ["--check", "--conditions", path], environment: ["HTTP_PORT": "0"])
      #expect(outcome.status == .exited(78) && "\(outcome)".contains("conditions.csv, line 1"), "\(outcome)")
    }
  }
}
