import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Operations
import ServiceKit
import Synchronization

/// The batch layer of a run: a small Dask cluster, and two jobs over what the run has archived.
struct BatchLayer: Sendable {
  let cluster: PrivateDask
  /// As batch-runner reaches Kafka.
  let kafka: KafkaOptions
  let screen: Screen

  static let missing = ["", "No batch jobs: Python has no Dask here (`make deps FOR=lambda`)."]

  /// Starts the cluster and tells batch-runner of it; nil without Dask, where batch-runner waits for jobs all the same.
  static func start(_ startup: inout Startup) async throws -> BatchLayer? {
    guard PrivateDask.program != nil, let folder = Program.above("Services/Batch/Jobs"),
      let python = Program.find("python", in: Program.environmentFolders)
    else { return nil }
    let entry = ServiceCatalogue.batchRunner
    let surroundings = startup.surroundings
    let engine = ["SIGNAL_WORKER": Optional(try Startup.executable("signal-worker"))]
    let cluster = try await startup.startDask(
      modules: folder, environment: (surroundings.servers[.objectStore] ?? [:]).merging(engine) { $1 })
    startup.surroundings.servers[.dask] = [
      "DASK_ENABLED": "true", "DASK_SCHEDULER_ADDRESS": cluster.address, "DASK_PATIENCE": "10s",
      "DASK_DASHBOARD_URL": "http://127.0.0.1:\(cluster.httpPort)",
    ].merging(engine) { $1 }
    startup.surroundings.arguments[entry.name] = ["--python", python, "--jobs-folder", folder]
    return BatchLayer(
      cluster: cluster,
      kafka: try KafkaOptions.parse(startup.surroundings.flags(
        ["KAFKA_BOOTSTRAP_SERVERS", "KAFKA_PROPERTIES", "KAFKA_PROPERTIES_FILE"], of: entry)),
      screen: startup.screen)
  }

  /// Compacts the bars that were archived, and computes the indicators of them.
  /// - Returns: what to say in the end.
  /// - Throws: `Failure` when a job fails.
  func run(_ symbols: [String]) async throws -> [String] {
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    // The last status of each run.
    let heard = Mutex<[String: BatchStatus]>([:])
    let table = try TableReader(
      kafka.tableConfiguration(clientID: "souk", topic: Topics.batchStatus.name, logger: logger)
    ) { batch in
      batch.forEach { record in
        guard let status = try? BatchStatus(decoding: record.valueBytes) else { return }
        heard.withLock { $0[status.run] = status }
      }
    }
    let producer = try Producer(kafka.producerConfiguration(clientID: "souk", logger: logger))
    var lines = TextTable(["JOB", "BY", .right("PARTS"), .right("ROWS"), "BATCH ANSWERS UNTIL (UTC)"])
    screen.say()
    let outcome: Result<Void, any Error>
    do {
      // The simulated market runs thirty times as fast: a minute of lateness is two seconds.
      for (kind, parameters) in [
        (BatchJob.Kind.compact, [("lateness", "1m")]), (.features, [("hours", "always"), ("intervals", "1m,5m,1h")]),
      ] {
        let job = BatchJob(
          jobID: "demo-\(kind.rawValue)", kind: kind, symbols: symbols, parameters: TextValues(parameters),
          submittedNs: WallClock.microseconds() * 1_000, by: "souk up")
        screen.say("batch-jobs <- \(kind.rawValue) of \(symbols.joined(separator: ", "))")
        var batch = OutgoingBatch()
        batch.append(topic: BatchJob.topic.name, key: job.key, value: job.encoded())
        try await producer.send(batch)
        lines.append(try await end(of: job) { run in heard.withLock { $0[run] } }.cells)
      }
      outcome = .success(())
    } catch { outcome = .failure(error) }
    await producer.close()
    await table.closeAndWait()
    try outcome.get()
    return ["", "What did the batch layer compute of the archive?", ""] + lines.lines
  }

  private func end(of job: BatchJob, _ heard: (String) -> BatchStatus?) async throws -> BatchStatus {
    let deadline = ContinuousClock.now + .seconds(300)
    while true {
      if let status = heard(job.run), status.state.isEnd {
        guard status.state == .done else {
          throw Failure(
            .fatal, code: "batch_failed",
            "the batch job \(job.jobID) is \(status.state.rawValue) (\(status.reason ?? "-")): \(status.message)")
        }
        return status
      }
      guard ContinuousClock.now < deadline else {
        throw Failure(.fatal, code: "batch_failed", "the batch job \(job.jobID) did not end within 300 s")
      }
      try await Task.sleep(for: .milliseconds(100))
    }
  }
}

extension BatchStatus {
  /// A row of the table of jobs.
  fileprivate var cells: [String] {
    let until = boundaries.map(\.untilNs).min().map { RFC3339.text(ns: $0, digits: 0) } ?? "-"
    return [kind.rawValue, engine, "\(partsDone)", grouped(Int(rows)), until]
  }
}
