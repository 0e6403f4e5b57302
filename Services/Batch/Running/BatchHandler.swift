import Catalogue
import Core
import Foundation
import Kafka
import LocalServers
import Logging
import Messages
import Pipeline
import Synchronization

/// Runs one job to its end, and says on `batch-status` how far it is.
///
/// The process of a job may be killed, its Dask cluster lost, this service stopped: what the job has finished lies in
/// the store, and the record is handled again. Only the end of a job lets its offset be committed.
struct BatchHandler: JobHandler {
  struct Settings: Sendable {
    var concurrency = 1
    var timeout: Duration = .seconds(6 * 3_600)
    var maxKills = 3
    /// Between two words about progress.
    var interval: Duration = .seconds(1)
  }

  private let program: JobProgram
  private let settings: Settings
  private let book: JobBook
  private let identity: ServiceIdentity
  private let drain: Interruption
  private let logger: Logger
  private let metrics = BatchMetrics()
  private let turns: Permits
  private let attempts: Attempts

  /// Attempts of this process by run, and how many jobs run.
  private final class Attempts: Sendable {
    struct State {
      var attempts: [String: Int64] = [:]
      var kills: [String: Int] = [:]
      var running = 0
    }
    let state = Mutex(State())
  }

  init(
    _ program: JobProgram, settings: Settings, book: JobBook, identity: ServiceIdentity, drain: Interruption,
    logger: Logger
  ) {
    self.program = program
    self.settings = settings
    self.book = book
    self.identity = identity
    self.drain = drain
    self.logger = logger
    turns = Permits(settings.concurrency)
    attempts = Attempts()
  }

  /// Runs of one job follow each other.
  func orderKey(of job: Job) -> [UInt8]? { job.key }

  func handle(_ record: Job, emit: Emitter) async throws -> Disposition {
    // The table of jobs has seen it: a run of the job has ended, or never began.
    guard let value = record.value else { return .skip(reason: "tombstone") }
    let job: BatchJob
    do { job = try BatchJob(decoding: value) } catch {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    }
    guard record.key.map({ $0 == job.key }) ?? false else {
      return .reject(Rejection(code: "bad_key", stage: "check", "the key of the record is not the job's id"))
    }
    var status = BatchStatus(of: job, state: .queued, at: now())
    if book.hasEnded(job) && !job.cancelled { return .skip(reason: "ended") }
    if job.cancelled { return try await cancelUnbegun(job, status, record, emit) }
    try await say(&status, record, emit)
    guard await turns.acquire() else { throw CancellationError() }
    defer { turns.release() }
    switch book.wish(for: job) {
    case .replaced: return .skip(reason: "replaced")
    case .cancelled:
      try await end(&status, .cancelled, "it was cancelled before it began", record, emit)
      return .keep
    case .wanted: break
    }
    noteRunning(by: 1)
    defer { noteRunning(by: -1) }
    return try await run(job, &status, record, emit)
  }

  /// The record that cancels has its turn when its job has ended. Where no run is known, it is said all the same.
  private func cancelUnbegun(
    _ job: BatchJob, _ status: BatchStatus, _ record: Job, _ emit: Emitter
  ) async throws -> Disposition {
    guard !book.knowsEnd(of: job.jobID) else { return .skip(reason: "ended") }
    var status = status
    try await end(&status, .cancelled, "it was cancelled before it began", record, emit)
    return .keep
  }

  // MARK: - one attempt

  private enum Stop: Hashable { case cancelled, timeout, drain }

  private func run(_ job: BatchJob, _ status: inout BatchStatus, _ record: Job, _ emit: Emitter) async throws
    -> Disposition {
    status.attempt = attempts.state.withLock { state in
      state.attempts[job.run, default: 0] += 1
      return state.attempts[job.run, default: 1]
    }
    let begun = ContinuousClock.now
    status.startedNs = now()
    status.state = .running
    try await say(&status, record, emit)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("souk-job-\(UUID().uuidString).json").path
    try Data(job.encoded()).write(to: URL(fileURLWithPath: file))
    defer { unlink(file) }

    let (lines, mouth) = AsyncStream<String>.makeStream()
    let logger = logger
    let child = try await ChildProcess.start(program.launch(
      job: file, output: { mouth.yield($0) },
      errors: { logger.info("job: \($0)", metadata: ["job": "\(job.jobID)"]) }))
    let ending = Task {
      let status = await child.wait()
      mouth.finish()
      return status
    }
    let stopped = Mutex<Stop?>(nil)
    let wanted = book.begin(job)
    defer { book.end(job) }
    let limit = settings.timeout, drain = drain
    let watch = Task {
      await withTaskGroup(of: Stop?.self) { group in
        group.addTask { await wanted.sleep(for: limit) ? (wanted.isRaised ? .cancelled : nil) : .timeout }
        group.addTask {
          await drain.wait()
          return drain.isRaised ? .drain : nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        guard let first, !Task.isCancelled else { return }
        stopped.withLock { $0 = first }
        await child.stop(grace: .seconds(5))
      }
    }
    defer { watch.cancel() }
    var last = JobEvent()
    try await withTaskCancellationHandler {
      var spoken = ContinuousClock.now
      for await line in lines {
        guard let event = JobEvent(line: line) else {
          logger.info("job: \(line)", metadata: ["job": "\(job.jobID)"])
          continue
        }
        last = event
        take(event, &status)
        if event.event == .progress, .now - spoken < settings.interval { continue }
        if event.event != .published, event.event != .failed {
          spoken = .now
          try await say(&status, record, emit)
        }
      }
    } onCancel: { child.kill(SIGTERM) }
    let exit = await ending.value
    if let stop = stopped.withLock({ $0 }), !(exit.isSuccess && last.event == .published) {
      return try await halted(stop, begun, &status, record, emit)
    }
    try Task.checkCancellation()
    return try await judge(exit, last, job, begun, &status, record, emit)
  }

  private func take(_ event: JobEvent, _ status: inout BatchStatus) {
    if let total = event.total { status.partsTotal = total }
    if let done = event.done {
      if event.event == .progress { metrics.finished(max(0, done - status.partsDone), of: status.kind) }
      status.partsDone = done
    }
    if let rows = event.rows { status.rows = rows }
    if let engine = event.engine {
      if status.engine == "dask", engine != "dask" { metrics.fellBack() }
      status.engine = engine
    }
  }

  private func halted(
    _ stop: Stop, _ begun: ContinuousClock.Instant, _ status: inout BatchStatus, _ record: Job, _ emit: Emitter
  ) async throws -> Disposition {
    switch stop {
    case .drain: throw JobError(code: "draining", "the service stops; the job resumes where it is handled next")
    case .cancelled: try await end(&status, .cancelled, "it was cancelled", record, emit, begun)
    case .timeout:
      status.reason = "timeout"
      try await end(
        &status, .failed, "it took longer than \(DurationSetting(settings.timeout)): submit it for less, or set a "
          + "longer --job-timeout", record, emit, begun)
    }
    return .keep
  }

  private func judge(
    _ exit: ExitStatus, _ last: JobEvent, _ job: BatchJob, _ begun: ContinuousClock.Instant,
    _ status: inout BatchStatus, _ record: Job, _ emit: Emitter
  ) async throws -> Disposition {
    switch exit {
    case .exited(0) where last.event == .published:
      (status.dataset, status.manifest, status.sequence) = (last.dataset, last.manifest, last.sequence)
      status.boundaries = last.boundaries
      if let dataset = last.dataset { metrics.found(last.differences, of: dataset) }
      try await end(&status, .done, last.message ?? "", record, emit, begun)
      return .keep
    case .exited(JobProgram.refused), .exited(0):
      status.reason = last.reason ?? "job_failed"
      try await end(&status, .failed, last.message ?? "the program ended without a result", record, emit, begun)
      return .keep
    case .signalled(let signal):
      let kills = attempts.state.withLock { state in
        state.kills[job.run, default: 0] += 1
        return state.kills[job.run, default: 1]
      }
      metrics.failed("killed")
      guard kills <= settings.maxKills else {
        status.reason = "killed"
        try await end(
          &status, .failed, "its process was ended by signal \(signal) \(kills) times: is there enough memory?", record,
          emit, begun)
        return .keep
      }
      throw JobError(code: "job_killed", "the process of job \(job.jobID) was ended by signal \(signal)")
    case .exited(JobProgram.unavailable), .exited(JobProgram.stopped):
      let message = last.event == .failed ? last.message ?? "" : "its process ended with \(exit)"
      metrics.failed(last.reason ?? "outage")
      status.message = message
      try await say(&status, record, emit)
      throw JobError(code: "batch_outage", "job \(job.jobID): \(message)")
    case .exited(let code):
      throw Failure(
        .configuration, code: "batch_programs_failed",
        "\(program.python) \(program.path) ended with exit code \(code): the lines of the log before this one say why; "
          + "batch-runner --check says what Python has")
    }
  }

  // MARK: - what is said

  private func end(
    _ status: inout BatchStatus, _ state: BatchStatus.State, _ message: String, _ record: Job, _ emit: Emitter,
    _ begun: ContinuousClock.Instant = .now
  ) async throws {
    status.state = state
    status.message = message
    status.finishedNs = now()
    try await say(&status, record, emit)
    metrics.ended(status, in: .now - begun)
    logger.info("job ended", metadata: [
      "job": "\(status.jobID)", "state": "\(state.rawValue)", "parts": "\(status.partsDone)/\(status.partsTotal)",
      "message": "\(message)",
    ])
  }

  private func say(_ status: inout BatchStatus, _ record: Job, _ emit: Emitter) async throws {
    status.updatedNs = now()
    var batch = OutgoingBatch()
    batch.append(
      topic: BatchStatus.topic.name, key: status.key, value: status.encoded(),
      headers: identity.headers(schema: BatchStatus.topic.schema, parent: record.header(HeaderName.traceparent)))
    try await emit.send(batch)
  }

  private func noteRunning(by change: Int) {
    let running = attempts.state.withLock { state in
      state.running += change
      return state.running
    }
    metrics.runs(running)
  }

  private func now() -> Int64 { WallClock.microseconds() * 1_000 }
}

/// An attempt that another one makes good: what is finished is kept.
struct JobError: ClassifiedError {
  let code: String
  let errorClass = ErrorClass.transient
  let description: String

  init(code: String, _ description: String) {
    self.code = code
    self.description = description
  }
}
