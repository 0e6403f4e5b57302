import Core
import Synchronization

/// A sign of life of one loop: alive while it beats at least every `maxAge`, has nothing to do, or is inside a
/// retry that it declared.
///
/// Long work beats too, at each of its steps (`working`): a slow statement is alive as long as it is waited for with
/// a limit, a loop that is blocked is not.
package final class Heartbeat: Sendable {
  package let name: String
  package let maxAge: Duration

  private enum Phase {
    case beating
    case working(String)
    case idle
    case retrying(until: ContinuousClock.Instant, reason: String)
  }
  private struct State {
    var last: ContinuousClock.Instant
    var phase = Phase.beating
  }
  private let state: Mutex<State>
  private let now: Health.Clock

  init(name: String, maxAge: Duration, now: @escaping Health.Clock) {
    self.name = name
    self.maxAge = maxAge
    self.now = now
    state = Mutex(State(last: now()))
  }

  /// The loop went round. Ends an idle phase and a declared retry.
  package func beat() {
    let instant = now()
    state.withLock { $0 = State(last: instant) }
  }

  /// A beat from within one round of the loop, by work that takes its time.
  ///
  /// - Parameter step: what it is at, shown on `/livez`.
  package func working(_ step: String) {
    let instant = now()
    state.withLock { $0 = State(last: instant, phase: .working(step)) }
  }

  /// There is nothing to do, so that silence means nothing until the next `beat()`.
  package func idle() {
    state.withLock { $0.phase = .idle }
  }

  /// The loop waits for an outage to end: alive for at most `limit` (plus `maxAge`), unless
  /// declared again. A restart would not help.
  package func retrying(_ reason: String, atMost limit: Duration) {
    let until = now() + limit
    state.withLock { $0.phase = .retrying(until: until, reason: reason) }
  }

  /// The same after `error`, of which only the code is shown.
  package func retrying(after error: any Error, at step: String? = nil, atMost limit: Duration) {
    retrying((step.map { "\($0): " } ?? "") + publicCode(of: error), atMost: limit)
  }

  var entry: HealthReport.Entry {
    let instant = now()
    let state = state.withLock { $0 }
    switch state.phase {
    case .idle:
      return .init(name: name, ok: true, reason: "idle")
    case .retrying(let until, let reason):
      let overdue = instant - until
      if overdue <= maxAge { return .init(name: name, ok: true, reason: "retrying: \(reason)") }
      return .init(name: name, ok: false, reason: "declared retry overdue by \(seconds(overdue)): \(reason)")
    case .beating, .working:
      let step = if case .working(let step) = state.phase { step } else { "" }
      let age = instant - state.last
      if age <= maxAge { return .init(name: name, ok: true, reason: step) }
      return .init(
        name: name, ok: false, reason: "no sign of life for \(seconds(age)), limit \(seconds(maxAge))"
          + (step.isEmpty ? "" : ", in \(step)"))
    }
  }

  private func seconds(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    return "\(seconds).\(attoseconds / 100_000_000_000_000_000)s"
  }
}
