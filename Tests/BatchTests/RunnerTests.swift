import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import Lake
import LocalServers
import Logging
import Messages
import ObjectStore
import Synchronization
import Testing
import TestSupport

import Glibc

/// The executable on the embedded broker, with jobs over an archive in a folder.
@Suite(.serialized, .timeLimit(.minutes(30))) struct RunnerTests {
  /// A broker, a store with an archive, and what is said on `batch-status`.
  final class Bench: Sendable {
    let broker: EmbeddedBroker
    let folder: PrivateFolder
    let options: KafkaOptions
    let producer: Producer
    private let reader: TableReader
    private let heard: Heard

    private final class Heard: Sendable {
      let statuses = Mutex<[BatchStatus]>([])
    }

    static let logger = Logger(label: "batch-tests") { _ in SwiftLogNoOpLogHandler() }

    static let topics = [Topics.batchJobs, Topics.batchJobs.deadLetters, Topics.batchStatus]

    convenience init(
      dates: String = "2026-03-05,2026-03-06", symbols: String = "AAPL,SPY", minutes: Int = 120
    ) async throws {
      try await self.init(topics: Self.topics, archive: [dates, symbols, "\(minutes)"])
    }

    /// - Parameter archive: what `make_archive.py` is told.
    init(topics: [Topic], archive: [String]) async throws {
      folder = try PrivateFolder("batch")
      broker = try EmbeddedBroker(topics: topics.map { (name: $0.name, partitions: Int($0.partitions)) })
      options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
      producer = try Producer(options.producerConfiguration(clientID: "test", logger: Self.logger))
      let heard = Heard()
      self.heard = heard
      reader = try TableReader(
        options.tableConfiguration(clientID: "tap", topic: Topics.batchStatus.name, logger: Self.logger)
      ) { batch in
        batch.forEach { record in
          guard let status = try? BatchStatus(decoding: record.valueBytes) else { return }
          heard.statuses.withLock { $0.append(status) }
        }
      }
      var launch = Launch(JobProgramsTests.python, [
        "\(JobProgramsTests.folder)/make_archive.py", JobProgramsTests.jobs, folder.path,
      ] + archive)
      launch.environment = ["JOBS": JobProgramsTests.jobs]
      let outcome = try await ChildProcess.run(launch, atMost: .seconds(300))
      guard outcome.status == .exited(0) else {
        throw Failure(.fatal, code: "no_archive", outcome.errorOutput)
      }
    }

    func start(_ more: [String: String?] = [:], _ arguments: [String] = []) async throws -> ServiceProcess {
      let process = try await ServiceProcess.start("batch-runner", arguments, environment: [
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "OBJECT_STORE": "file://\(folder.path)",
        "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500", "RETRY_CAP": "1s",
        "PYTHON": JobProgramsTests.python, "JOBS_FOLDER": JobProgramsTests.jobs, "DASK_N_WORKERS": "2",
        "SIGNAL_WORKER": "\(Program.ownFolder)/signal-worker",
      ].merging(more) { $1 })
      try await process.awaitReady()
      return process
    }

    func send(_ job: BatchJob) async throws { try await send(job.key, job.encoded()) }

    func send(_ key: [UInt8], _ value: [UInt8]?) async throws {
      var batch = OutgoingBatch()
      batch.append(topic: Topics.batchJobs.name, key: key, value: value)
      try await producer.send(batch)
    }

    func statuses(of job: String) -> [BatchStatus] {
      heard.statuses.withLock { $0.filter { $0.jobID == job } }
    }

    func end(of job: String, run: String? = nil) async throws -> BatchStatus {
      try await eventually("\(job) has ended", timeout: .seconds(600)) {
        self.statuses(of: job).contains { $0.state.isEnd && (run == nil || $0.run == run) }
      }
      return try #require(statuses(of: job).last { $0.state.isEnd && (run == nil || $0.run == run) })
    }

    var lake: Lake { get throws { Lake(try FileStore(path: folder.path)) } }

    /// The hash of each part's Parquet, by date and symbol.
    func parts(_ dataset: String) async throws -> [String: String] {
      let manifest = try #require(try await lake.current(of: dataset))
      return Dictionary(uniqueKeysWithValues: manifest.parts.map { ("\($0.date)/\($0.symbol)", $0.sha256) })
    }
  }

  /// Bars are compacted, then indicators computed of them; a job that cannot be read is dead-lettered, alone.
  @Test func jobsPublishViews() async throws {
    let bench = try await Bench()
    let runner = try await bench.start()
    // What there is nothing for yet has failed; submitted again later it is done.
    try await bench.send(BatchJob(jobID: "features", kind: .features, submittedNs: 1))
    let early = try await bench.end(of: "features")
    #expect(early.state == .failed && early.reason == "no_input" && early.message.contains("compact"))
    try await bench.send(BatchJob(jobID: "bars", kind: .compact, submittedNs: 1, by: "test"))
    try await bench.send(Array("bad".utf8), Array("no job".utf8))
    let bars = try await bench.end(of: "bars")
    #expect(bars.state == .done, "\(bars.message)")
    #expect(bars.partsDone == 2 && bars.partsTotal == 2 && bars.engine == "processes" && bars.dataset == "bars")
    let manifest = try #require(try await bench.lake.current(of: "bars"))
    #expect(bars.manifest.map { $0.contains("bars-1") } == true && bars.sequence == 1)
    #expect(manifest.parts.count == 4 && manifest.parts.reduce(0) { $0 + $1.rows } == bars.rows)
    #expect(bars.boundaries.map(\.symbol) == ["AAPL", "SPY"])
    #expect(bars.boundaries.map(\.untilNs) == manifest.boundaries.map(\.untilNs))

    try await bench.send(BatchJob(
      jobID: "features", kind: .features, symbols: ["AAPL"],
      parameters: TextValues([("hours", "always"), ("intervals", "1m,5m")]), submittedNs: 2))
    let features = try await bench.end(of: "features", run: "features-2")
    #expect(features.state == .done, "\(features.message)")
    let computed = try #require(try await bench.lake.current(of: "features"))
    #expect(computed.parts.map(\.symbol) == ["AAPL", "AAPL"])
    let reach = try #require(computed.boundaries.first?.untilNs)
    #expect(reach <= (manifest.boundaries.first?.untilNs ?? 0) && reach == features.boundaries.first?.untilNs)
    // The same job once more, a record that was done already: nothing is computed, nothing published.
    try await bench.send(BatchJob(jobID: "bars", kind: .compact, submittedNs: 1, by: "test"))
    try await bench.send(BatchJob(jobID: "last", kind: .compact, submittedNs: 3))
    #expect(try await bench.end(of: "last").partsTotal == 0)
    #expect(try await bench.lake.pointer(of: "bars")?.sequence == 2)
    #expect(await runner.terminate() == .exited(0))
    let letters = Set((0..<Topics.batchJobs.partitions).map { TopicPartition(Topics.batchJobs.deadLetterName, $0) })
    let admin = try bench.options.makeAdmin(clientID: "test", logger: Bench.logger)
    #expect(try await admin.watermarks(letters).values.reduce(0) { $0 + $1.high } == 1)
  }

  /// The runner is killed at whatever it is doing, again and again; the parts that are finished are not made anew, and
  /// the views are those of a run that was left alone.
  @Test func killedRunnersResume() async throws {
    let dates = (2...9).map { "2026-02-\($0 < 10 ? "0" : "")\($0)" }.joined(separator: ",")
    let whole = try await Bench(dates: dates), killed = try await Bench(dates: dates)
    let job = BatchJob(jobID: "j", kind: .compact, submittedNs: 7)
    let quiet = try await whole.start()
    try await whole.send(job)
    #expect(try await whole.end(of: "j").state == .done)
    #expect(await quiet.terminate() == .exited(0))

    try await killed.send(job)
    var random = TestRandom("batch kills")
    for _ in 0..<2 {
      let seen = killed.statuses(of: "j").map(\.partsDone).max() ?? 0
      let runner = try await killed.start(["DASK_N_WORKERS": "1"])
      try await eventually("it gets on", timeout: .seconds(300)) {
        killed.statuses(of: "j").contains { $0.partsDone > seen || $0.state.isEnd }
      }
      usleep(UInt32.random(in: 0...300_000, using: &random))
      await runner.kill()
    }
    let last = try await killed.start()
    let status = try await killed.end(of: "j")
    #expect(status.state == .done && status.partsDone == status.partsTotal, "\(status.message)")
    #expect(await last.terminate() == .exited(0))
    let parts = try await killed.parts("bars")
    #expect(try await whole.parts("bars") == parts && !parts.isEmpty)
  }

  /// A job that runs is cancelled, by a record or a tombstone, and another that waits is cancelled before it begins.
  @Test func jobsAreCancelled() async throws {
    let bench = try await Bench()
    let slow = bench.folder.path + "/slow"
    try Data("#!/bin/sh\necho '{\"event\":\"planned\",\"total\":5,\"done\":1}'\nexec sleep 600\n".utf8)
      .write(to: URL(fileURLWithPath: slow))
    #expect(chmod(slow, 0o755) == 0)
    let runner = try await bench.start(["PYTHON": slow, "CONCURRENCY": "1"])
    let job = BatchJob(jobID: "one", kind: .compact, submittedNs: 1)
    try await bench.send(job)
    try await eventually("it runs") { bench.statuses(of: "one").contains { $0.partsTotal == 5 } }
    let waiting = BatchJob(jobID: "two", kind: .features, submittedNs: 2)
    try await bench.send(waiting)
    try await eventually("the other waits") { bench.statuses(of: "two").contains { $0.state == .queued } }
    try await bench.send(waiting.key, nil)
    var cancel = job
    cancel.cancelled = true
    try await bench.send(cancel)
    #expect(try await bench.end(of: "one").state == .cancelled)
    #expect(try await bench.end(of: "two").state == .cancelled)
    #expect(!bench.statuses(of: "two").contains { $0.state == .running })
    // A run that takes too long has failed, and says why.
    #expect(await runner.terminate() == .exited(0))
    let strict = try await bench.start(["PYTHON": slow, "JOB_TIMEOUT": "1s"])
    try await bench.send(BatchJob(jobID: "three", kind: .compact, submittedNs: 3))
    let late = try await bench.end(of: "three")
    #expect(late.state == .failed && late.reason == "timeout")
    #expect(await strict.terminate() == .exited(0))
    // So has one whose process is killed again and again, and no other job with it.
    let deadly = bench.folder.path + "/deadly"
    try Data("#!/bin/sh\nkill -9 $$\n".utf8).write(to: URL(fileURLWithPath: deadly))
    #expect(chmod(deadly, 0o755) == 0)
    let patient = try await bench.start(["PYTHON": deadly, "MAX_KILLS": "2", "RETRY_BASE": "10ms"])
    try await bench.send(BatchJob(jobID: "four", kind: .compact, submittedNs: 4))
    let killed = try await bench.end(of: "four")
    #expect(killed.state == .failed && killed.reason == "killed" && killed.attempt == 3)
    #expect(await patient.terminate() == .exited(0))
  }
}
