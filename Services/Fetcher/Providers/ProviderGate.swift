import Budgets
import Core
import HTTP
import Logging
import Redis
import ServiceKit
import Synchronization
import Values

/// What stands before every request to one provider: its circuit breaker, its places, its budget, and the pauses that
/// it asks for. The answers are others' business.
package final class ProviderGate: Sendable {
  package struct Settings: Sendable {
    package var breaker = CircuitBreaker.Settings()
    /// The longest pause that a provider can ask for.
    package var longestPause = Duration.seconds(300)
  }

  /// In messages.
  private let name: String
  private let settings: Settings
  private let budget: RequestBudget
  private let places: Permits
  private let breaker: Mutex<CircuitBreaker>
  package let metrics: ProviderMetrics
  private let logger: Logger
  private let now: @Sendable () -> Timestamp

  /// - Parameters:
  ///   - word: the provider's in metrics.
  ///   - concurrency: requests in flight at once.
  package init(
    _ name: String, word: String, settings: Settings, concurrency: Int, tokens: any TokenSource, logger: Logger,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.name = name
    self.settings = settings
    self.logger = logger
    self.now = now
    budget = RequestBudget(tokens)
    places = Permits(concurrency)
    breaker = Mutex(CircuitBreaker(settings.breaker))
    metrics = ProviderMetrics(word)
  }

  /// False while the breaker is not closed.
  package var isTrusted: Bool {
    breaker.withLock { if case .closed = $0.state { true } else { false } }
  }

  /// Makes one request when it is its turn.
  /// - Parameters:
  ///   - subject: of an unreadable answer, which may concern it alone.
  ///   - deadline: of its use; nil: none.
  ///   - meaning: what an error of `request` says of the provider.
  /// - Throws: what `request` throws; `FetchError` without a request; `RedisError` when the budget is unreachable;
  ///   `Expired` when the deadline passed before its turn; `CancellationError`.
  package func ask<Answer: Sendable>(
    _ subject: String, before deadline: Timestamp?, meaning: (any Error) -> any Error = { $0 },
    _ request: () async throws -> Answer
  ) async throws -> Answer {
    try refuseWhileOpen()
    guard await places.acquire() else { throw CancellationError() }
    defer { places.release() }
    try refuseWhileOpen()
    try await takeTurn(deadline)
    let ticket: CircuitBreaker.Ticket
    switch breaker.withLock({ $0.admit(at: .now) }) {
    case .admitted(let admitted): ticket = admitted
    case .refused(let until): throw Self.suspended(until)
    }
    let start = ContinuousClock.now
    metrics.began()
    defer { metrics.ended(in: .now - start) }
    do {
      let answer = try await request()
      settle(ticket, nil, subject)
      // If this fails, another replica sends one more probe.
      try? await budget.recover()
      return answer
    } catch let error as RedisError {
      throw error
    } catch {
      let failure = meaning(error)
      settle(ticket, failure, subject)
      try await pause(after: failure)
      throw error
    }
  }

  // MARK: - Admission

  private func refuseWhileOpen() throws {
    try breaker.withLock { breaker in
      if case .open(let until) = breaker.state, ContinuousClock.now < until { throw Self.suspended(until) }
    }
  }

  private static func suspended(_ until: ContinuousClock.Instant?) -> FetchError {
    FetchError(
      .suspended, "no request, because it failed too often", retryAfter: until.map { max(.zero, $0 - .now) })
  }

  private func takeTurn(_ deadline: Timestamp?) async throws {
    let start = ContinuousClock.now
    let expiry = deadline.map { start + .microseconds($0.microseconds - now().microseconds) }
    switch await budget.turn(before: expiry) {
    case .granted: metrics.waited(.now - start)
    case .expired: throw Expired()
    case .cancelled: throw CancellationError()
    case .failed(let error): throw error
    case .paused(let delay):
      throw FetchError(.rateLimited, "no request, because it asked for a pause", retryAfter: delay)
    case .exhausted(let delay):
      metrics.spent()
      throw FetchError(.budgetSpent, "no request, because the budget of its day is spent", retryAfter: delay)
    }
  }

  // MARK: - Outcome

  private func settle(_ ticket: CircuitBreaker.Ticket, _ failure: (any Error)?, _ subject: String) {
    let (before, after) = breaker.withLock { breaker in
      let before = breaker.state
      switch failure {
      case nil: breaker.succeeded(ticket)
      case is CancellationError: breaker.abandoned(ticket)
      case let error as FetchError: settle(&breaker, ticket, error, subject)
      default: breaker.failed(ticket, at: .now)
      }
      return (before, breaker.state)
    }
    if let error = failure as? any ClassifiedError { metrics.failed(error.code) }
    metrics.breaker(after)
    switch (before, after) {
    case (.open, _), (.closed, .closed): break
    case (_, .open):
      let isRefused = (failure as? FetchError)?.kind == .refused
      logger.log(
        level: isRefused ? .error : .warning,
        isRefused ? "provider suspended: check the key of its source" : "provider suspended",
        metadata: ["source": "\(name)", "reason": "\(failure.map { "\($0)" } ?? "")"])
    case (_, .closed): logger.info("provider answers again", metadata: ["source": "\(name)"])
    default: break
    }
  }

  /// Only failures of transport and credentials concern the provider; others concern one series.
  private func settle(
    _ breaker: inout CircuitBreaker, _ ticket: CircuitBreaker.Ticket, _ error: FetchError, _ subject: String
  ) {
    switch error.kind {
    case .refused: breaker.refused(ticket, at: .now)
    // An unreadable answer may concern one series only.
    case .unreadable: breaker.failed(ticket, at: .now, of: subject)
    case .rateLimited, .minuteQuotaSpent, .dayQuotaSpent, .budgetSpent, .unrecognised: breaker.abandoned(ticket)
    default: breaker.succeeded(ticket)
    }
    if error.kind == .unrecognised {
      logger.warning("answer not recognised", metadata: ["source": "\(name)", "reason": "\(error)"])
    }
  }

  /// Pauses all replicas for the time that the provider asks for; without one, doubles the pause each time.
  package func pause(after failure: any Error) async throws {
    let pause: Pause
    switch failure {
    case let error as FetchError where error.kind.isRateLimit:
      pause = error.retryAfter.map { .asked(min($0, settings.longestPause)) }
        ?? .growing(from: Self.firstPause(error.kind), atMost: longestPause(error.kind))
    case let error as HTTPError where error.kind == .status(503):
      guard let delay = error.retryAfter else { return }
      pause = .asked(min(delay, settings.longestPause))
    default: return
    }
    metrics.paused()
    let delay = try await budget.pause(pause)
    logger.info("a provider asked for a pause", metadata: [
      "source": "\(name)", "for": "\(delay)", "reason": "\(failure)",
    ])
  }

  private static func firstPause(_ limit: FetchError.Kind) -> Duration {
    switch limit {
    case .minuteQuotaSpent: .seconds(60)
    case .dayQuotaSpent: .seconds(900)
    default: .seconds(1)
    }
  }

  /// A daily quota gets a longer pause than a few minutes.
  private func longestPause(_ limit: FetchError.Kind) -> Duration {
    max(limit == .dayQuotaSpent ? .seconds(3_600) : Self.firstPause(limit), settings.longestPause)
  }
}

/// The job's deadline passed while it waited for its turn.
package struct Expired: Error {}
