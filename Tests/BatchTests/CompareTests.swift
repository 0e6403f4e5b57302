import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Messages
import Synchronization
import Testing
import TestSupport

/// What the batch layer computes of the archive is what signal-worker said of the same bars while they came, late,
/// twice and revised; and what differs is reported.
@Suite(.timeLimit(.minutes(20))) struct CompareTests {
  private final class Heard: Sendable {
    let lines = Mutex<[String: [UInt8]]>([:])

    func take(_ batch: RecordBatch) {
      batch.forEach { record in
        let bytes = record.valueBytes
        guard let signal = try? TechnicalSignal(decoding: bytes) else { return }
        lines.withLock { $0[signal.id] = bytes }
      }
    }
  }

  @Test func differencesOfBatchAndLiveAreReported() async throws {
    let inputs = [Topics.marketBars, Topics.optionsFlow, Topics.sentimentEvents]
    let bench = try await RunnerTests.Bench(
      topics: RunnerTests.Bench.topics + inputs + inputs.map(\.deadLetters)
        + [Topics.technicalSignals, Topics.signalStates],
      archive: ["2026-03-05,2026-03-06", "AAPL,SPY", "90"])
    func archive(_ words: String...) async throws -> String {
      var launch = Launch(JobProgramsTests.python, [
        "\(JobProgramsTests.folder)/make_archive.py", JobProgramsTests.jobs, bench.folder.path,
      ] + words)
      launch.environment = ["JOBS": JobProgramsTests.jobs]
      return try await ChildProcess.runOrThrow(launch, atMost: .seconds(300))
    }
    let heard = Heard()
    let tap = try TableReader(
      bench.options.tableConfiguration(
        clientID: "tap", topic: Topics.technicalSignals.name, logger: RunnerTests.Bench.logger)
    ) { heard.take($0) }
    let worker = try await ServiceProcess.start(
      "signal-worker", ["--hours", "regular", "--intervals", "1m,5m", "--linger", "20ms"],
      environment: [
        "KAFKA_BOOTSTRAP_SERVERS": bench.broker.bootstrapServers, "RETRY_CAP": "1s",
        "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
      ])
    var batch = OutgoingBatch()
    for line in try await archive("print", Topics.marketBars.name).split(separator: "\n") {
      let symbol = try FeedBar(decoding: Array(line.utf8)).symbol
      batch.append(topic: Topics.marketBars.name, key: Array(symbol.utf8), value: Array(line.utf8))
    }
    try await bench.producer.send(batch)
    let admin = try bench.options.makeAdmin(clientID: "test", logger: RunnerTests.Bench.logger)
    try await eventually("signal-worker has read all bars", timeout: .seconds(300)) {
      try await admin.lag(group: "signal-worker", topics: [Topics.marketBars.name]).reduce(0) { $0 + $1.lag } == 0
    }
    #expect(await worker.terminate() == .exited(0))

    let runner = try await bench.start()
    var submitted: Int64 = 0
    func run(_ kind: BatchJob.Kind, _ parameters: [(String, String)] = []) async throws -> BatchStatus {
      submitted += 1
      let job = BatchJob(
        jobID: kind.rawValue, kind: kind, parameters: TextValues(parameters), submittedNs: submitted)
      try await bench.send(job)
      let status = try await bench.end(of: kind.rawValue, run: job.run)
      #expect(status.state == .done, "\(kind): \(status.message)")
      return status
    }
    _ = try await run(.compact, [("lateness", "0s")])
    let computed = try await run(.features, [("intervals", "1m,5m")])
    // The tap may be behind the commit.
    try await eventually("every signal is heard") { heard.lines.withLock { $0.count } >= Int(computed.rows) }
    var said = heard.lines.withLock { $0 }
    let whole = said
    // One was never said, one said something else, and one is of a bar that there is not.
    let ids = said.keys.sorted().filter { $0.contains("/1m/") }
    let (lost, changed) = (try #require(ids.first), try #require(ids.dropFirst(40).first))
    said[lost] = nil
    func altered(_ id: String, by seconds: Int64) throws -> TechnicalSignal {
      let signal = try TechnicalSignal(decoding: try #require(whole[id]))
      var numbers = signal.values.numbers
      numbers[0] += 0.01
      return TechnicalSignal(
        symbol: signal.symbol, feed: signal.feed, interval: signal.interval,
        startNs: signal.startNs + seconds * 1_000_000_000, knownNs: signal.knownNs, bars: signal.bars,
        values: SignalValues(names: signal.values.names, numbers: numbers), events: signal.events)
    }
    said[changed] = try altered(changed, by: 0).encoded()
    let foreign = try altered(changed, by: 1)
    said[foreign.id] = foreign.encoded()
    let path = bench.folder.path + "/signals.jsonl"
    func keep(_ lines: [[UInt8]], at offset: Int) async throws {
      try Data(Array(lines.joined(separator: [0x0a])) + [0x0a]).write(to: URL(fileURLWithPath: path))
      _ = try await archive("signals", path, "\(offset)")
    }
    try await keep(Array(said.values), at: 0)
    let differing = try await run(.compare)
    #expect(differing.message.hasSuffix(
      "signals are in both, 1 values differ, 1 only in the batch layer, 1 only live"), "\(differing.message)")
    #expect(differing.dataset == "compare" && differing.rows == 3)
    let metrics = await runner.metrics()
    #expect(metrics.sum("souk_batch_differences", where: ["dataset": "compare", "difference": "only_live"]) == 1)
    // What was said since is the last version of it.
    try await keep([lost, changed].compactMap { whole[$0] }, at: 1_000)
    let corrected = try await run(.compare)
    #expect(corrected.message.hasSuffix(
      "signals are in both, 0 values differ, 0 only in the batch layer, 1 only live"), "\(corrected.message)")
    #expect(await runner.terminate() == .exited(0))
    await tap.closeAndWait()
  }
}
