import Catalogue
import Commodities
import Core
import Kafka
import Logging
import Messages
import Pipeline
import Redis
import ServiceKit
import Values

/// Handles one task: publishes one observation, or gives the reason why there is none.
package struct FetchHandler: JobHandler {
  package struct Settings: Hashable, Sendable {
    /// Publishes unchanged values too.
    package var republishes = false
    /// Skips an equal value at a later time.
    package var onlyChanges = false
  }

  let jobs: JobReader
  let pool: ProviderPool
  let states: any StateStore
  var settings = Settings()
  let identity: ServiceIdentity
  let readiness: Readiness
  let logger: Logger
  private let metrics = FetchMetrics()
  let now: @Sendable () -> Timestamp

  /// The conditions of `/readyz` for Redis and the providers.
  package struct Readiness: Sendable {
    package var state: ReadinessCondition
    package var providers: ReadinessCondition

    package init(_ health: Health) {
      state = health.readiness("state")
      providers = health.readiness("providers")
      providers.set(ready: true)
    }
  }

  /// Jobs of one series run in order; an unreadable message has no key.
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
      // Without a deadline it would be retried for ever, for a value that the next job requests too.
      if error.kind.subject == .time, wanted.deadline == nil {
        logger.info("no value", metadata: ["series": "\(wanted.series)", "reason": "\(error)"])
        return .skip(reason: "no_value")
      }
      if !pool.isTrusted { readiness.providers.failed(error) }
      if isExpired(wanted) { return expired(wanted) }
      throw error
    }
  }

  /// Publishes first, then records: a crash in between publishes again and loses nothing.
  private func publish(
    _ answer: ProviderPool.Answer, of wanted: FetchJob, _ last: SeriesState?, _ job: Job, _ emit: Emitter
  ) async throws -> Disposition {
    let observation = CommodityObservation(
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
    let topic = CommodityObservation.topic(of: wanted.series.category)
    var batch = OutgoingBatch()
    batch.append(
      topic: topic.name, key: observation.key, value: observation.encoded(),
      headers: identity.headers(schema: topic.schema, parent: job.header(HeaderName.traceparent)),
      partitionBy: observation.partitionKey)
    try await emit.send(batch)
    try await emit.acknowledged()
    // False: another replica has recorded a later value.
    if try await !states.record(state, wanted.stateKey) { metrics.overtaken() }
    metrics.published(observation, dueAt: wanted.dueAt, now: now())
    return .keep
  }

  private func isExpired(_ wanted: FetchJob) -> Bool { wanted.deadline.map { $0 < now() } ?? false }

  private func expired(_ wanted: FetchJob) -> Disposition {
    logger.debug("expired", metadata: ["series": "\(wanted.series)", "job": "\(wanted.task.jobID ?? "")"])
    return .skip(reason: "expired")
  }

  /// The due time of a task without one: the record's timestamp, the same at every attempt.
  private func arrival(of job: Job) -> Timestamp {
    job.timestamp.flatMap { $0 > 0 ? Timestamp(microseconds: $0 * 1_000) : nil } ?? now()
  }
}
