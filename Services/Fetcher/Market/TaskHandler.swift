import Catalogue
import Core
import Kafka
import Logging
import Markets
import Messages
import Metrics
import Pipeline
import Redis
import ServiceKit
import Values

/// Handles one task of market data: asks its source through the adapter of its kind, publishes what is new, and then
/// remembers it: a crash in between publishes again and loses nothing.
package struct TaskHandler: JobHandler {
  let kind: FetchKind
  let adapter: any FetchAdapter
  let sources: [String: SourceClient]
  let identity: ServiceIdentity
  let readiness: FetchHandler.Readiness
  let logger: Logger
  let now: @Sendable () -> Timestamp
  private let delay = Metrics.Timer(label: "souk_fetch_delay_seconds")

  package init(
    _ kind: FetchKind, adapter: any FetchAdapter, sources: [SourceClient], identity: ServiceIdentity,
    readiness: FetchHandler.Readiness, logger: Logger, now: @escaping @Sendable () -> Timestamp
  ) {
    self.kind = kind
    self.adapter = adapter
    self.sources = Dictionary(sources.map { ($0.source.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.identity = identity
    self.readiness = readiness
    self.logger = logger
    self.now = now
  }

  static let descriptions = [
    MetricDescription(
      "souk_fetched_records_total", .counter, "New and changed records of market data, acknowledged by Kafka.",
      labels: ["kind", "source"])
  ]

  package func handle(_ job: Job, emit: Emitter) async throws -> Disposition {
    guard let value = job.value else { return .skip(reason: "tombstone") }
    let task: FetchTask
    do {
      task = try FetchTask(decoding: value)
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", "\(error)"))
    }
    guard task.kind == kind else {
      return .reject(Rejection(code: "kind_differs", stage: "plan", "it is of kind \(task.kind.rawValue)"))
    }
    guard let source = sources[task.source] else {
      return .reject(Rejection(
        code: FetchError.Kind.unknownSource.code, stage: "plan",
        "--data-sources has no source of this name with \(kind.rawValue)"))
    }
    if isOver(task) { return expired(task) }
    let fetched: Fetched
    do {
      fetched = try await adapter.fetch(task, from: source, now: now())
    } catch is Expired {
      return expired(task)
    } catch let error as RedisError {
      readiness.state.failed(error)
      throw error
    } catch let error as FetchError {
      return try failed(error, task, source)
    }
    readiness.state.set(ready: true)
    readiness.providers.set(ready: true)
    try await publish(fetched, of: task, job, emit)
    if !fetched.refused.isEmpty { return .reject(rejection(of: fetched.refused, task)) }
    return fetched.records.isEmpty ? .skip(reason: "unchanged") : .keep
  }

  private func publish(_ fetched: Fetched, of task: FetchTask, _ job: Job, _ emit: Emitter) async throws {
    if !fetched.records.isEmpty {
      var batch = OutgoingBatch()
      var headers: (topic: Topic, headers: [Header])?
      for record in fetched.records {
        if headers?.topic != record.topic {
          let parent = job.header(HeaderName.traceparent)
          headers = (record.topic, identity.headers(schema: record.topic.schema, parent: parent))
        }
        batch.append(
          topic: record.topic.name, key: record.key, value: record.value, headers: headers?.headers ?? [],
          partitionBy: record.partitionKey == record.key ? nil : record.partitionKey)
      }
      try await emit.send(batch)
      try await emit.acknowledged()
      Counter(
        label: "souk_fetched_records_total", dimensions: [("kind", kind.rawValue), ("source", task.source)]
      ).increment(by: fetched.records.count)
      if let due = task.dueAt { delay.record(duration: .microseconds(max(0, now().microseconds - due.microseconds))) }
    }
    do {
      try await fetched.remember()
    } catch let error as RedisError {
      readiness.state.failed(error)
      throw error
    }
  }

  private func failed(_ error: FetchError, _ task: FetchTask, _ source: SourceClient) throws -> Disposition {
    guard error.errorClass == .transient else { return .reject(Rejection(error, stage: "fetch")) }
    if error.kind == .budgetSpent {
      let next = error.retryAfter.map { now().microseconds + Int64($0 / .microseconds(1)) } ?? .max
      let isTooLate = task.deadline.map { $0.microseconds < next } ?? false
      if source.source.exhausted == .skip || isTooLate {
        logger.debug("no request is left of the day", metadata: ["source": "\(task.source)"])
        return .skip(reason: "budget_spent")
      }
    }
    if !sources.values.contains(where: \.gate.isTrusted) { readiness.providers.failed(error) }
    if isOver(task) { return expired(task) }
    throw error
  }

  /// One dead letter for each symbol, as a task of its own.
  private func rejection(of refused: [String: any ClassifiedError], _ task: FetchTask) -> Rejection {
    let errors = refused.sorted { $0.key < $1.key }
    let text = errors.prefix(10).map { "\($0.key): \($0.value)" }.joined(separator: "; ")
    var rejection = Rejection(code: errors[0].value.code, stage: "fetch", text)
    rejection.excerpts = errors.map { symbol, error in
      var alone = task
      alone.symbols = [symbol]
      return Rejection.Excerpt(value: alone.encoded(), code: error.code, message: "\(error)")
    }
    return rejection
  }

  private func isOver(_ task: FetchTask) -> Bool { task.deadline.map { $0 < now() } ?? false }

  private func expired(_ task: FetchTask) -> Disposition {
    logger.debug("expired", metadata: ["schedule": "\(task.schedule ?? "")", "job": "\(task.jobID ?? "")"])
    return .skip(reason: "expired")
  }
}
