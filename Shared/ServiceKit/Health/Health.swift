import Core
import Synchronization

/// What a process says about itself: whether it should be given work (readiness) and whether it is still alive
/// enough to be left running (liveness).
package final class Health: Sendable {
  package typealias Clock = @Sendable () -> ContinuousClock.Instant

  private struct State {
    var readiness: [ReadinessCondition] = []
    var heartbeats: [Heartbeat] = []
    var draining = false
  }
  private let state = Mutex(State())
  private let now: Clock

  /// - Parameter now: replaced by tests.
  package init(now: @escaping Clock = { ContinuousClock.now }) { self.now = now }

  /// A named condition of `/readyz`. It starts as not ready ("starting"); the same name gives the same condition.
  package func readiness(_ name: String) -> ReadinessCondition {
    state.withLock { state in
      if let known = state.readiness.first(where: { $0.name == name }) { return known }
      let condition = ReadinessCondition(name: name)
      state.readiness.append(condition)
      return condition
    }
  }

  /// A named sign of life for `/livez`. It counts as beaten now; the same name gives the same heartbeat.
  ///
  /// - Parameter maxAge: how long the process may go without a beat before it is to be restarted.
  package func liveness(_ name: String, maxAge: Duration) -> Heartbeat {
    state.withLock { state in
      if let known = state.heartbeats.first(where: { $0.name == name }) { return known }
      let heartbeat = Heartbeat(name: name, maxAge: maxAge, now: now)
      state.heartbeats.append(heartbeat)
      return heartbeat
    }
  }

  /// From now on `/readyz` says no, whatever the conditions say.
  package func startDraining() { state.withLock { $0.draining = true } }

  /// Work begins that nothing can keep from being done: it is ready from now on, unless it has named a condition.
  func began() {
    if state.withLock({ $0.readiness.isEmpty }) { readiness("work").set(ready: true) }
  }

  /// Every condition with its reason, in the order of registration. Before the first is registered the process starts.
  package var readinessReport: HealthReport {
    let (conditions, draining) = state.withLock { ($0.readiness, $0.draining) }
    var entries = conditions.map { condition in
      let (ready, reason) = condition.current
      return HealthReport.Entry(name: condition.name, ok: ready, reason: reason)
    }
    if draining { entries.insert(.init(name: "drain", ok: false, reason: "draining"), at: 0) }
    if entries.isEmpty { entries.append(.init(name: "start", ok: false, reason: "starting")) }
    return HealthReport(entries: entries)
  }

  package var livenessReport: HealthReport {
    HealthReport(entries: state.withLock { $0.heartbeats }.map(\.entry))
  }

  package var isReady: Bool { readinessReport.ok }
  package var isAlive: Bool { livenessReport.ok }
}

/// The answer of `/livez` or `/readyz`.
package struct HealthReport: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var name: String
    package var ok: Bool
    package var reason = ""
  }
  package var entries: [Entry]

  package var ok: Bool { entries.allSatisfy(\.ok) }
}

/// One condition of `/readyz`: a sink that answers, partitions that are assigned.
package final class ReadinessCondition: Sendable {
  package let name: String
  private let state = Mutex((ready: false, reason: "starting"))

  init(name: String) { self.name = name }

  /// - Parameter reason: for anyone who can reach the port, in our own words: why not, or what is fine.
  package func set(ready: Bool, reason: String = "") {
    state.withLock { $0 = (ready, reason) }
  }

  /// Not ready because of `error`, of which only the code is shown: the log says the rest.
  package func failed(_ error: any Error, at step: String? = nil) {
    set(ready: false, reason: (step.map { "\($0): " } ?? "") + publicCode(of: error))
  }

  package var current: (ready: Bool, reason: String) { state.withLock { $0 } }
}
