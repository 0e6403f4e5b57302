/// Stops requests to a provider that is down. Pure: the caller passes the time.
///
/// Closed until `threshold` consecutive requests fail, or one is refused for its credentials; then open, without
/// requests for `openFor`, which doubles after each failed probe up to `openAtMost`. After that time one request at a
/// time probes, and its outcome closes or opens the breaker.
///
/// Outcomes of requests from an earlier state are ignored.
package struct CircuitBreaker: Hashable, Sendable {
  package struct Settings: Hashable, Sendable {
    package var threshold: Int
    package var openFor: Duration
    package var openAtMost: Duration

    package init(threshold: Int = 5, openFor: Duration = .seconds(5), openAtMost: Duration = .seconds(120)) {
      precondition(threshold > 0 && openFor > .zero && openAtMost >= openFor, "a breaker opens, for more than no time")
      self.threshold = threshold
      self.openFor = openFor
      self.openAtMost = openAtMost
    }
  }

  package enum State: Hashable, Sendable {
    /// Failures in a row.
    case closed(failures: Int)
    case open(until: ContinuousClock.Instant)
    /// Whether the probe is in flight.
    case halfOpen(isProbing: Bool)
  }

  /// The permission for one request; the caller returns it with the outcome.
  package struct Ticket: Hashable, Sendable {
    fileprivate let generation: UInt64
  }

  package enum Admission: Hashable, Sendable {
    case admitted(Ticket)
    /// Until this time; nil: until the probe in flight ends.
    case refused(until: ContinuousClock.Instant?)
  }

  package let settings: Settings
  package private(set) var state = State.closed(failures: 0)
  /// Openings since it was last closed.
  private var openings = 0
  private var generation: UInt64 = 0
  /// Subjects of the failures since the last success.
  private var subjects: Set<String> = []

  package init(_ settings: Settings = Settings()) { self.settings = settings }

  package mutating func admit(at now: ContinuousClock.Instant) -> Admission {
    switch state {
    case .closed: return .admitted(Ticket(generation: generation))
    case .open(let until) where now < until: return .refused(until: until)
    case .halfOpen(isProbing: true): return .refused(until: nil)
    case .open, .halfOpen:
      enter(.halfOpen(isProbing: true))
      return .admitted(Ticket(generation: generation))
    }
  }

  package mutating func succeeded(_ ticket: Ticket) {
    guard ticket.generation == generation else { return }
    switch state {
    case .closed:
      state = .closed(failures: 0)
      subjects = []
    case .halfOpen:
      openings = 0
      enter(.closed(failures: 0))
    case .open: break
    }
  }

  /// - Parameter subject: a failure that may concern only this subject counts once between successes.
  package mutating func failed(_ ticket: Ticket, at now: ContinuousClock.Instant, of subject: String? = nil) {
    guard ticket.generation == generation else { return }
    if case .closed = state, let subject, !subjects.insert(subject).inserted { return }
    switch state {
    case .closed(let failures) where failures + 1 < settings.threshold: state = .closed(failures: failures + 1)
    case .closed, .halfOpen: open(at: now)
    case .open: break
    }
  }

  /// The provider refuses the credentials: no further request can succeed.
  package mutating func refused(_ ticket: Ticket, at now: ContinuousClock.Instant) {
    guard ticket.generation == generation else { return }
    if case .open = state { return }
    open(at: now)
  }

  /// The request ended without an outcome: another request may probe.
  package mutating func abandoned(_ ticket: Ticket) {
    guard ticket.generation == generation, case .halfOpen = state else { return }
    enter(.halfOpen(isProbing: false))
  }

  private mutating func open(at now: ContinuousClock.Instant) {
    let length = openings >= 30 ? settings.openAtMost : min(settings.openAtMost, settings.openFor * (1 << openings))
    openings += 1
    enter(.open(until: now + length))
  }

  private mutating func enter(_ state: State) {
    self.state = state
    subjects = []
    generation += 1
  }
}
