import Core
import Logging

/// Retries through an outage, and says so: the service is not ready meanwhile, its heartbeat declares the retry, the
/// attempt is counted and logged.
package struct OutageRetry: Sendable {
  package var backoff: Backoff
  package var readiness: ReadinessCondition
  /// Of the loop that waits; nil at the start of a service, before any loop.
  package var heartbeat: Heartbeat?
  package var logger: Logger
  /// Counts one failed attempt by the code of its error.
  package var count: @Sendable (_ code: String) -> Void

  package init(
    _ backoff: Backoff, readiness: ReadinessCondition, heartbeat: Heartbeat? = nil, logger: Logger,
    count: @escaping @Sendable (_ code: String) -> Void = { _ in }
  ) {
    self.backoff = backoff
    self.readiness = readiness
    self.heartbeat = heartbeat
    self.logger = logger
    self.count = count
  }

  /// Repeats `operation` until it succeeds.
  ///
  /// - Parameters:
  ///   - step: what is tried, for people.
  ///   - interruption: ends the wait between two attempts: a revoke, a drain.
  ///   - isWanted: asked after each failed attempt; false gives up.
  /// - Returns: nil when it was interrupted or is not wanted any more.
  /// - Throws: errors of `operation` that are not transient.
  package func callAsFunction<Value>(
    _ step: String, until interruption: Interruption, metadata: Logger.Metadata = [:],
    while isWanted: () -> Bool = { true }, _ operation: () async throws -> Value
  ) async throws -> Value? {
    let value = try await backoff.retry(until: interruption, operation) { failed in
      // Three attempts are news, the rest is repetition.
      note(failed, at: step, "retrying", metadata, level: failed.number <= 3 ? .warning : .debug)
      return isWanted()
    }
    if value != nil { readiness.set(ready: true) }
    return value
  }

  /// Says of a failed attempt that another one follows.
  package func note(
    _ failed: FailedAttempt, at step: String?, _ message: Logger.Message, _ metadata: Logger.Metadata = [:],
    level: Logger.Level = .warning
  ) {
    count(failed.code)
    readiness.failed(failed.error, at: step)
    heartbeat?.retrying(after: failed.error, at: step, atMost: failed.delay)
    var metadata = metadata
    if let step { metadata["step"] = "\(step)" }
    metadata["attempt"] = .stringConvertible(failed.number)
    metadata["delay_seconds"] = .stringConvertible(failed.delay / .seconds(1))
    metadata["reason"] = "\(failed.error)"
    logger.log(level: level, message, metadata: metadata)
  }
}

extension ServiceContext {
  /// Waits for what the service needs before it works: repeats `operation` through outages until it succeeds or the
  /// service is drained. Each failed attempt is logged as "waiting for <what>".
  ///
  /// - Parameters:
  ///   - what: for the log: "the object store".
  ///   - readiness: the condition of `/readyz` that is false meanwhile and true afterwards.
  /// - Returns: nil when the service was asked to drain first.
  /// - Throws: errors of `operation` that are not transient.
  package func wait<Value>(
    for what: String, _ readiness: ReadinessCondition, _ backoff: Backoff,
    _ operation: () async throws -> Value
  ) async throws -> Value? {
    if drain.isRaised { return nil }
    let retry = OutageRetry(backoff, readiness: readiness, logger: logger)
    let value = try await backoff.retry(until: drain, operation) { failed in
      retry.note(failed, at: nil, "waiting for \(what)")
      return true
    }
    if value != nil { readiness.set(ready: true) }
    return value
  }
}
