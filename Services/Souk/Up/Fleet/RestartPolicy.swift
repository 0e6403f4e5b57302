import Core
import LocalServers

/// What to do when a child process of the fleet has ended.
struct RestartPolicy: Sendable {
  enum Decision: Hashable, Sendable {
    /// It was asked to stop.
    case finished
    case restart(after: Duration)
    /// No restart can help: a setting is wrong.
    case stopFleet
  }

  /// Ran at least this long: the next failure starts with a short delay again.
  static let steady = Duration.seconds(30)
  private var backoff: Backoff

  init(backoff: Backoff = Backoff(base: .milliseconds(500), cap: .seconds(30))) { self.backoff = backoff }

  mutating func ended(_ status: ExitStatus, after ran: Duration, stopping: Bool) -> Decision {
    if stopping { return .finished }
    switch status {
    // EX_USAGE and EX_CONFIG of sysexits.h.
    case .exited(64), .exited(78): return .stopFleet
    default:
      if ran >= Self.steady { backoff.reset() }
      return .restart(after: backoff.next())
    }
  }
}
