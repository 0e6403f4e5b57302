import Kafka
import Logging
import Markets
import Pipeline
import Redis
import Runtime
import Schemas
import ServiceKit

/// One task to one observation, or to the reason why there is none.
package struct FetchHandler: JobHandler {
  package struct Settings: Hashable, Sendable {
    /// Publishes what is unchanged too.
    package var republishes: Bool
    /// Leaves out a value that is the last one's, at a later time.
    package var onlyChanges: Bool

    package init(republishes: Bool = false, onlyChanges: Bool = false) {
      self.republishes = republishes
      self.onlyChanges = onlyChanges
    }
  }

  private let jobs: JobReader
  private let pool: ProviderPool
  private let states: any StateStore
  private let settings: Settings
  private let identity: ServiceIdentity
  private let readiness: Readiness
  private let logger: Logger
  private let metrics = FetchMetrics()
  private let now: @Sendable () -> Timestamp

  /// What `/readyz` says of the world outside.
  package struct Readiness: Sendable {
    package var state: ReadinessCondition
    package var providers: ReadinessCondition

    package init(_ health: Health) {
      state = health.readiness("state")
      providers = health.readiness("providers")
      providers.set(ready: true)
    }
  }

  package init(
    jobs: JobReader, pool: ProviderPool, states: any StateStore, settings: Settings = Settings(),
    identity: ServiceIdentity, readiness: Readiness, logger: Logger, now: @escaping @Sendable () -> Timestamp
  ) {
    self.jobs = jobs
    self.pool = pool
    self.states = states
    self.settings = settings
    self.identity = identity
    self.readiness = readiness
    self.logger = logger
    self.now = now
  }

  /// Jobs of one series run in their order; a message that cannot be read is under none.
  package func orderKey(of job: Job) -> [UInt8]? {
    guard let value = job.value, let task = try? IngestionTask(decoding: value),
      let wanted = try? jobs.job(task, arrived: .epoch)
    else { return nil }
    return Array(wanted.stateKey.text.utf8)
  }

  package func handle(_ job: Job, emit: Emitter) async throws -> Disposition {
    guard let value = job.value else { return .skip(reason: "tombstone") }
    let wanted: FetchJob
    do {
      wanted = try jobs.job(IngestionTask(decoding: value), arrived: arrival(of: job))
    } catch let error as DecodingFailure {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    } catch let error as FetchError {
      return .reject(Rejection(error, stage: "plan"))
    }
    if isExpired(wanted) { return expired(wanted) }
    do {
      let last = try await states.last(wanted.stateKey)
      readiness.state.set(ready: true)
      let answer = try await pool.ask(wanted, last: last)
      readiness.providers.set(ready: true)
      return try await publish(answer, of: wanted, last, job, emit)
    } catch is Expired {
      return expired(wanted)
    } catch let error as RedisError {
      readiness.state.failed(error)
      throw error
    } catch let error as FetchError {
      guard error.errorClass == .transient else { return .reject(Rejection(error, stage: "fetch")) }
      // Without a deadline it would be asked for ever, for a value that the next job asks for too.
      if error.kind.subject == .time, wanted.deadline == nil {
        logger.info("no value", metadata: ["series": "\(wanted.series)", "reason": "\(error)"])
        return .skip(reason: "no_value")
      }
      if !pool.isTrusted { readiness.providers.failed(error) }
      if isExpired(wanted) { return expired(wanted) }
      throw error
    }
  }

  /// Publishes first and remembers then: a crash between the two publishes once more, and loses nothing.
  private func publish(
    _ answer: ProviderPool.Answer, of wanted: FetchJob, _ last: SeriesState?, _ job: Job, _ emit: Emitter
  ) async throws -> Disposition {
    let observation = MarketObservation(
      series: wanted.series, kind: wanted.kind, material: wanted.material.name, country: wanted.country?.name,
      value: answer.quote.value, currency: answer.quote.currency, unit: answer.quote.unit,
      observedAt: answer.quote.observedAt, source: answer.source, jobID: wanted.task.jobID, fetchedAt: now(),
      flags: answer.flags)
    let state = SeriesState(observation)
    switch SeriesState.change(from: last, to: state) {
    case .new, .corrected: break
    case .older: return .skip(reason: "older")
    case .unchanged: if !settings.republishes { return .skip(reason: "unchanged") }
    case .repeated: if settings.onlyChanges, !settings.republishes { return .skip(reason: "unchanged") }
    }
    let topic = MarketObservation.topic(of: wanted.series.category)
    var batch = OutgoingBatch()
    batch.append(
      topic: topic.name, key: observation.key, value: observation.encoded(),
      headers: identity.headers(schema: topic.schema, parent: job.header(HeaderName.traceparent)),
      partitionBy: observation.partitionKey)
    try await emit.send(batch)
    try await emit.acknowledged()
    // False: another replica published a later one meanwhile, and that is what is remembered.
    if try await !states.record(state, wanted.stateKey) { metrics.overtaken() }
    metrics.published(observation, dueAt: wanted.dueAt, now: now())
    return .keep
  }

  private func isExpired(_ wanted: FetchJob) -> Bool { wanted.deadline.map { $0 < now() } ?? false }

  private func expired(_ wanted: FetchJob) -> Disposition {
    logger.debug("expired", metadata: ["series": "\(wanted.series)", "job": "\(wanted.task.jobID ?? "")"])
    return .skip(reason: "expired")
  }

  /// When a task without a due time came: the same at every attempt.
  private func arrival(of job: Job) -> Timestamp {
    job.timestamp.flatMap { $0 > 0 ? Timestamp(microseconds: $0 * 1_000) : nil } ?? now()
  }
}
