import Core
import LocalServers
import Operations
import Synchronization

import Glibc

/// Keeps one process of the fleet running until it is told to stop.
final class Supervisor: Sendable {
  enum Event: Sendable {
    case ended(ExitStatus, restartIn: Duration)
    case restarted
  }

  private struct State {
    var child: ChildProcess?
    var restarts = 0
    var finished: ExitStatus?
    var failure: Failure?
  }

  let plan: ProcessPlan
  let logPath: String
  private let executable: String
  private let state = Mutex(State())
  private let stopping = Interruption()
  /// Raised when the process has ended and will not be started again.
  private let over = Interruption()
  private let report: @Sendable (Supervisor, Event) -> Void

  init(
    _ plan: ProcessPlan, executable: String, logPath: String,
    report: @escaping @Sendable (Supervisor, Event) -> Void
  ) {
    self.plan = plan
    self.executable = executable
    self.logPath = logPath
    self.report = report
  }

  var isRunning: Bool { state.withLock { $0.child?.isRunning == true } }
  var restarts: Int { state.withLock { $0.restarts } }
  /// How it ended for good; nil before.
  var finished: ExitStatus? { state.withLock { $0.finished } }
  /// Why the fleet must stop, if it must.
  var failure: Failure? { state.withLock { $0.failure } }

  /// Starts the process; returns as soon as it runs.
  func start() async throws {
    let child = try await launch()
    Task { await keepRunning(child) }
  }

  /// SIGTERM, and SIGKILL after `grace`.
  /// - Returns: how it ended.
  @discardableResult
  func stop(grace: Duration) async -> ExitStatus? {
    stopping.raise()
    let child = state.withLock { $0.child }
    guard let child else { return nil }
    await child.stop(grace: grace)
    await over.wait()
    return finished
  }

  private func launch() async throws -> ChildProcess {
    var launch = Launch(executable, plan.arguments)
    launch.environment = plan.environment
    launch.environment["HTTP_PORT"] = "\(plan.httpPort)"
    launch.output = .file(logPath)
    let child = try await ChildProcess.start(launch)
    state.withLock { $0.child = child }
    // A stop that came while it was being started has not seen this one.
    if stopping.isRaised { child.kill(SIGTERM) }
    return child
  }

  private func keepRunning(_ first: ChildProcess) async {
    var policy = RestartPolicy()
    var child = first
    while true {
      let began = ContinuousClock.now
      let status = await child.wait()
      switch policy.ended(status, after: ContinuousClock.now - began, stopping: stopping.isRaised) {
      case .finished: return end(status)
      case .stopFleet:
        return end(status, because: Failure(
          .configuration, code: "service_misconfigured",
          "\(plan.name) ended with \(status); the end of \(logPath):\n\(tail(of: logPath))"))
      case .restart(let delay):
        report(self, .ended(status, restartIn: delay))
        if await stopping.sleep(for: delay) { return end(status) }
        do {
          child = try await launch()
        } catch {
          return end(status, because: Failure(.fatal, code: "cannot_restart", "\(plan.name): \(error)"))
        }
        state.withLock { $0.restarts += 1 }
        report(self, .restarted)
      }
    }
  }

  private func end(_ status: ExitStatus, because failure: Failure? = nil) {
    state.withLock { state in
      state.finished = status
      state.failure = failure
    }
    over.raise()
  }
}

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
