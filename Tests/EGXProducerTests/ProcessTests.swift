import ArgumentParser
import Catalogue
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Messages
import Testing
import TestSupport
import TradingViewSimulator
import Values

@testable import EGXProducerService

/// The executable with the embedded broker, as an operator runs it.
@Suite struct EGXProducerProcessTests {
  private func makeBroker() throws -> EmbeddedBroker {
    try EmbeddedBroker(topics: [(Topics.marketData.name, Int(Topics.marketData.partitions))])
  }

  /// Everything in the topic now, in the order of each partition.
  private func read(_ broker: EmbeddedBroker) async throws -> [(key: String, bar: MarketBar)] {
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    options.kafkaProperty = ["session.timeout.ms=6000", "heartbeat.interval.ms=300"]
    options.groupId = "reader-\(TestServers.uniqueName())"
    let topic = Topics.marketData
    let admin = try options.makeAdmin(clientID: "reader", logger: quiet)
    let ends = try await admin.watermarks(Set((0..<topic.partitions).map { TopicPartition(topic.name, $0) }))
    var left = ends.values.reduce(0) { $0 + $1.high - $1.low }
    let consumer = try Consumer(options.consumerConfiguration(clientID: "reader", topics: [topic.name], logger: quiet))
    var records: [(key: String, bar: MarketBar)] = []
    while left > 0, let element = try await consumer.next(before: nil) {
      guard case .batch(let batch) = element else { continue }
      try batch.forEach { (record: borrowing RecordBatch.Record) throws in
        records.append((
          String(decoding: record.keyBytes ?? [], as: UTF8.self), try MarketBar(decoding: record.valueBytes)))
      }
      left -= Int64(batch.count)
    }
    consumer.close()
    while let element = try await consumer.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    return records
  }

  private func write(_ folder: String, _ symbol: String, _ closes: [Int]) throws {
    let lines = closes.enumerated().map { index, close in
      "2025-01-20 08:\(index / 10)\(index % 10):00,1,500,1,\(close),10"
    }
    try ("datetime,open,high,low,close,volume\n" + lines.joined(separator: "\n") + "\n")
      .write(toFile: "\(folder)/\(symbol).csv", atomically: true, encoding: .utf8)
  }

  @Test func replayKeepsOrderAndARestartRepeatsNothing() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try makeBroker()
      for symbol in ["COMI", "ETEL", "FWRY"] { try write(folder, symbol, Array(1...40)) }
      let arguments = [
        "--source", "replay:\(folder)", "--speed", "0", "--interval", "1 Minute", "--bootstrap",
        broker.bootstrapServers, "--http-port", "0", "--state", "\(folder)/state",
      ]
      let first = try await ServiceProcess.run("egx-producer", arguments)
      #expect(first.status == .exited(0), "\(first)")
      let records = try await read(broker)
      #expect(records.count == 120)
      for symbol in ["COMI", "ETEL", "FWRY"] {
        let mine = records.filter { $0.key == symbol }.map(\.bar)
        #expect(mine.map(\.values) == (1...40).map { .value(ExactDecimal(Int32($0)), field: "close") })
        #expect(mine.first.map { "\($0.datetime)" } == "2025-01-20T10:00:00")
      }
      let second = try await ServiceProcess.run("egx-producer", arguments)
      #expect(second.status == .exited(0), "\(second)")
      #expect(try await read(broker).count == 120)
    }
  }

  @Test func pollsPublishWhatIsNewAndChangedOnly() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try makeBroker()
      try write(folder, "COMI", [1, 2, 3])
      let process = try await ServiceProcess.start("egx-producer", [
        "--source", "csv:\(folder)", "--symbols", "COMI,NONE", "--interval", "1 Minute", "--poll-interval", "1",
        "--always", "--kafka-bootstrap-servers", broker.bootstrapServers,
      ])
      try await process.awaitReady()
      try await eventually("the first poll") { await process.metrics().sum("souk_egx_bars_published_total") == 3 }
      try await eventually("a repeat") { await process.metrics().sum("souk_egx_bars_unchanged_total") ?? 0 >= 3 }
      try write(folder, "COMI", [1, 2, 4, 5])
      try await eventually("what changed") { await process.metrics().sum("souk_egx_bars_published_total") == 5 }
      #expect(await process.metrics().sum("souk_egx_source_errors_total", where: ["code": "symbol_refused"]) ?? 0 > 0)
      #expect(await process.terminate() == .exited(0))
      let closes = try await read(broker).map(\.bar.values)
      #expect(closes == [1, 2, 3, 4, 5].map { .value(ExactDecimal($0), field: "close") })
    }
  }

  @Test func tradingViewIsReconnectedAndItsUpdatesPublished() async throws {
    let broker = try makeBroker()
    var script = SimulatorScript(bars: ["COMI": (0..<5).map {
      .init("\(1_755_043_200 + $0 * 86_400)", "90.5", "91.2", "90.1", "90.8", "100")
    }])
    script.faults["COMI"] = .hangUp(times: 1)
    let simulated = script
    try await TradingViewSimulator.serving(simulated) { simulator in
      let process = try await ServiceProcess.start("egx-producer", [
        "--source", simulator.url, "--symbols", "COMI", "--live", "--always", "--bootstrap", broker.bootstrapServers,
      ])
      try await eventually("the bars came after a reconnect") {
        await process.metrics().sum("souk_egx_newest_bar_timestamp_seconds") ?? 0 > 0
      }
      simulator.update("COMI", .init("1755561600", "1", "2", "1", "1.5", "7"))
      try await eventually("the update is published") { try await read(broker).count >= 6 }
      #expect(simulator.connections >= 2)
      #expect(await process.metrics().sum("souk_egx_source_errors_total") ?? 0 >= 1)
      #expect(await process.terminate() == .exited(0))
    }
  }

  @Test func barsOfSeveralAnswersAreAllPublished() async throws {
    let broker = try makeBroker()
    let script = SimulatorScript(bars: ["MANY": (0..<7_000).map {
      .init("\(883_900_800 + $0 * 86_400)", "10", "11", "9.5", "10.25", "1000")
    }, "EMPTY": []])
    try await TradingViewSimulator.serving(script) { simulator in
      func run(_ more: String...) async throws -> ChildProcess.Outcome {
        try await ServiceProcess.run("egx-producer", [
          "--source", simulator.url, "--symbols", "MANY,EMPTY", "--once", "--bootstrap", broker.bootstrapServers,
          "--http-port", "0", "--request-gap", "0s", "--n-bars", "6000",
        ] + more)
      }
      let refused = try await run()
      #expect(refused.status == .exited(78))
      #expect("\(refused)".contains("raise --max-bars to 6000"), "\(refused)")
      let outcome = try await run("--max-bars", "10000")
      #expect(outcome.status == .exited(0), "\(outcome)")
      #expect("\(outcome)".contains("empty series") && "\(outcome)".contains("EMPTY"), "\(outcome)")
      #expect(try await read(broker).count == 6_000)
      #expect(try PollOptions.parse(["--n-bars", "6000"]).memory == 6_000, "or changes of older ones go unseen")
    }
  }

  @Test func aBackfillResumesWhereItStopped() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try makeBroker()
      try write(folder, "COMI", Array(1...10))
      let arguments = [
        "backfill", "--from", "2025-01-20", "--to", "2025-01-20", "--source", "csv:\(folder)", "--interval", "1 Minute",
        "--symbols", "COMI,ETEL", "--bootstrap", broker.bootstrapServers, "--http-port", "0", "--progress",
        "\(folder)/progress",
      ]
      let first = try await ServiceProcess.run("egx-producer", arguments)
      #expect(first.status == .exited(1), "\(first)")
      #expect(try await read(broker).count == 10)
      try write(folder, "ETEL", Array(1...4))
      let second = try await ServiceProcess.run("egx-producer", arguments)
      #expect(second.status == .exited(0), "\(second)")
      #expect(try await read(broker).count == 14)
      var other = arguments
      other[4] = "2025-01-21"
      #expect(try await ServiceProcess.run("egx-producer", other).status == .exited(78))
    }
  }

  @Test func wrongSettingsEndWith78() async throws {
    for arguments in [
      ["--source", "ftp://x", "--symbols", "A"], ["--source", "csv:/nowhere/at/all"], ["--symbols", "A,B C"],
      ["--symbols", "A", "--holidays", "tomorrow"], ["--symbols", "A", "--n-bars", "6000"],
      ["--source", "csv:/tmp", "--symbols", "A", "--csv-dates", "tomorrow"],
      ["--symbols", "A", "--source", "https://host/no/place"],
    ] {
      let outcome = try await ServiceProcess.run("egx-producer", arguments + ["--http-port", "0", "--once"])
      #expect(outcome.status == .exited(78), "\(arguments): \(outcome)")
    }
    let settings = try await ServiceProcess.run("egx-producer", ["--print-config", "--source-token", "hidden"])
    #expect(settings.status == .exited(0) && !"\(settings)".contains("hidden"))
  }
}
