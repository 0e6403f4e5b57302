import ArgumentParser
import Catalogue
import Core
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
@Suite(.serialized) struct SignalProcessTests {
  private static let logger = Logger(label: "signal-worker-tests") { _ in SwiftLogNoOpLogHandler() }
  private static let topics = [
    Topics.marketBars, Topics.marketBars.deadLetters, Topics.optionsFlow, Topics.optionsFlow.deadLetters,
    Topics.sentimentEvents, Topics.sentimentEvents.deadLetters, Topics.technicalSignals, Topics.signalStates,
  ].map { (name: $0.name, partitions: 4) }

  /// All that is published to `technical-signals`.
  private final class Tap: Sendable {
    private let records = Mutex<[TechnicalSignal]>([])

    func take(_ batch: RecordBatch) {
      batch.forEach { record in
        guard let signal = try? TechnicalSignal(decoding: record.value) else { return }
        records.withLock { $0.append(signal) }
      }
    }

    var signals: [TechnicalSignal] { records.withLock { $0 } }
    /// By id, every content that came under it.
    var byID: [String: Set<[UInt8]>] {
      Dictionary(grouping: signals, by: \.id).mapValues { Set($0.map { $0.encoded() }) }
    }
  }

  /// Workers are killed at whatever they are doing and leave properly; every signal is TA-Lib's, and a new group that
  /// reads the topic again says the same to the byte.
  @Test(.timeLimit(.minutes(30))) func killsAndReplaysGiveTALibsValues() async throws {
    let count = 240
    var truths: [(symbol: String, truth: TALib)] = []
    for (seed, kind) in ["walk", "gaps", "still", "up", "walk", "down"].enumerated() {
      truths.append(("S\(seed)", try await TALib(kind, seed: seed, count: count)))
    }
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    let admin = try options.makeAdmin(clientID: "test", logger: Self.logger)
    let tap = Tap()
    let reader = try TableReader(
      options.tableConfiguration(clientID: "tap", topic: Topics.technicalSignals.name, logger: Self.logger)
    ) { tap.take($0) }
    func start(_ arguments: [String] = []) async throws -> ServiceProcess {
      try await ServiceProcess.start(
        "signal-worker",
        ["--hours", "always", "--intervals", "1m,5m", "--linger", "20ms"] + arguments,
        environment: [
          "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "RETRY_CAP": "1s",
          "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
        ])
    }
    func awaitCaughtUp(_ group: String) async throws {
      try await eventually("\(group) has read everything", timeout: .seconds(600)) {
        try await admin.lag(group: group, topics: [Topics.marketBars.name]).reduce(0) { $0 + $1.lag } == 0
      }
    }
    var ids: Set<String> = []
    for (symbol, _) in truths {
      for (interval, length) in [("1m", 1), ("5m", 5)] {
        for minute in stride(from: 0, to: count, by: length) {
          ids.insert("\(symbol)/alpaca-stocks/\(interval)/\((Minutes.open + Int64(minute) * 60) * 1_000_000_000)")
        }
      }
    }
    var random = TestRandom("signal kills")
    var workers = [try await start()]
    try await workers[0].awaitReady()
    workers.append(try await start())
    for part in 0..<6 {
      var batch = OutgoingBatch()
      for minute in (part * 40)..<((part + 1) * 40) {
        for (symbol, truth) in truths {
          let bar = Minutes.bar(symbol, minute, truth.bars[minute])
          batch.append(topic: Topics.marketBars.name, key: Array(symbol.utf8), value: bar)
        }
      }
      if part == 2 { batch.append(topic: Topics.marketBars.name, key: Array("S1".utf8), value: Array("no bar".utf8)) }
      try await producer.send(batch)
      usleep(UInt32.random(in: 0...80_000, using: &random))
      if part == 1 || part == 3 {
        let victim = Int.random(in: 0..<workers.count, using: &random)
        await workers[victim].kill()
        workers[victim] = try await start()
      }
    }
    try await awaitCaughtUp("signal-worker")
    try await eventually("every signal is published") { ids.isSubset(of: tap.byID.keys) }
    for worker in workers { #expect(await worker.terminate() == .exited(0)) }
    let said = tap.byID
    #expect(Set(said.keys) == ids)
    #expect(said.values.allSatisfy { $0.count == 1 }, "a repeat says something else")
    for signal in tap.signals where signal.interval == "1m" {
      guard let truth = truths.first(where: { $0.symbol == signal.symbol })?.truth else { continue }
      let index = Int(signal.startNs / 60_000_000_000 - Minutes.open / 60)
      #expect(truth.differences(signal, at: index).isEmpty, "\(signal.id)")
      #expect(signal.bars == Int64(index + 1))
    }
    let letters = Set((0..<4).map { TopicPartition(Topics.marketBars.deadLetterName, Int32($0)) })
    #expect(try await admin.watermarks(letters).values.reduce(0) { $0 + $1.high } >= 1)

    let again = try await start(["--group-id", "again"])
    try await awaitCaughtUp("again")
    try await eventually("all are said again") {
      let counts = Dictionary(grouping: tap.signals, by: \.id).mapValues(\.count)
      return ids.allSatisfy { counts[$0] ?? 0 >= 2 }
    }
    #expect(await again.terminate() == .exited(0))
    #expect(tap.byID == said)
    await reader.closeAndWait()
    await producer.close(within: .seconds(5))
  }

  /// With transactions every signal is there once, also over a restart behind which the changelog ends in markers. That
  /// what an aborted one wrote stays unseen, the embedded broker cannot show.
  @Test(.timeLimit(.minutes(15))) func transactionsCarryEachSignalOnce() async throws {
    let truth = try await TALib("walk", seed: 9, count: 120)
    let broker = try EmbeddedBroker(topics: Self.topics)
    defer { broker.close() }
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
    let admin = try options.makeAdmin(clientID: "test", logger: Self.logger)
    let tap = Tap()
    let reader = try TableReader(
      options.tableConfiguration(clientID: "tap", topic: Topics.technicalSignals.name, logger: Self.logger)
    ) { tap.take($0) }
    for minutes in [0..<60, 60..<120] {
      let worker = try await ServiceProcess.start(
        "signal-worker",
        ["--hours", "always", "--intervals", "1m", "--linger", "20ms", "--delivery", "exactly-once",
         "--group-instance-id", "one"],
        environment: [
          "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "RETRY_CAP": "1s",
          "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
        ])
      var batch = OutgoingBatch()
      for minute in minutes {
        let bar = Minutes.bar("AAPL", minute, truth.bars[minute])
        batch.append(topic: Topics.marketBars.name, key: Array("AAPL".utf8), value: bar)
      }
      try await producer.send(batch)
      try await eventually("every signal is there", timeout: .seconds(600)) {
        tap.byID.count == minutes.upperBound
      }
      try await eventually("the offsets are committed", timeout: .seconds(600)) {
        try await admin.lag(group: "signal-worker", topics: [Topics.marketBars.name]).reduce(0) { $0 + $1.lag } == 0
      }
      #expect(await worker.terminate() == .exited(0))
      for partition in Int32(0)..<4 {
        try TransactionMarker.append(
          to: Topics.signalStates.name, partition: partition, at: broker.bootstrapServers)
      }
    }
    #expect(tap.signals.count == 120)
    for signal in tap.signals {
      let index = Int(signal.startNs / 60_000_000_000 - Minutes.open / 60)
      #expect(truth.differences(signal, at: index).isEmpty && signal.bars == Int64(index + 1), "\(signal.id)")
    }
    await reader.closeAndWait()
    await producer.close(within: .seconds(5))
  }

  @Test(.timeLimit(.minutes(10))) func wrongSettingsStopItBeforeWork() async throws {
    for arguments in [["--rule", "x=sma20>sma21"], ["--indicators", "rsi14,foo"], ["--intervals", "7x"]] {
      let outcome = try await ServiceProcess.run("signal-worker", arguments, environment: ["HTTP_PORT": "0"])
      #expect(outcome.status == .exited(64), "\(outcome.errorOutput)")
      #expect(outcome.errorOutput.contains(arguments[1].suffix(3)), "\(outcome.errorOutput)")
    }
  }
}
