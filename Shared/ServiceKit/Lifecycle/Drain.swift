import Core
import Dispatch
import Glibc
import Logging
import Synchronization

/// The end of a run: started by a signal, ended by the command or by the deadline.
final class Drain: Sendable {
  let interruption = Interruption()
  private let timeout: Duration
  private let health: Health
  private let logger: Logger
  private let ownsProcess: Bool
  private let settled = Atomic(false)

  init(timeout: Duration, health: Health, logger: Logger, ownsProcess: Bool) {
    self.timeout = timeout
    self.health = health
    self.logger = logger
    self.ownsProcess = ownsProcess
  }

  /// The command returned in time: what is left of the process's end cannot lose anything.
  func finish() { settled.store(true, ordering: .relaxed) }

  /// - Parameter cause: for the log: the signal's name, or what else made the service stop.
  func start(_ cause: String) {
    logger.notice("draining", metadata: ["cause": "\(cause)", "deadline": "\(DurationSetting(timeout))"])
    health.startDraining()
    interruption.raise()
    guard ownsProcess else { return }
    // On threads of their own, because what overruns a deadline is usually a thread stuck in a C library; _exit,
    // because exit() would wait for it. The second one is for a log reader that is stuck too.
    let (seconds, attoseconds) = timeout.components
    let deadline = DispatchTime.now() + .seconds(Int(clamping: seconds))
      + .nanoseconds(Int(clamping: attoseconds / 1_000_000_000))
    DispatchQueue(label: "souk.drain-deadline").asyncAfter(deadline: deadline) { [self] in
      if settled.load(ordering: .relaxed) { return }
      logger.critical(
        "drain deadline passed; what was not yet settled will be done again by the next process",
        metadata: [
          "deadline": "\(DurationSetting(timeout))",
          "exit_code": .stringConvertible(ExitStatus.drainDeadlinePassed.rawValue),
          "hint": "raise --drain-timeout (DRAIN_TIMEOUT), or find out what hangs",
        ])
      _exit(ExitStatus.drainDeadlinePassed.rawValue)
    }
    DispatchQueue(label: "souk.drain-last-resort").asyncAfter(deadline: deadline + .seconds(1)) { [self] in
      if settled.load(ordering: .relaxed) { return }
      _exit(ExitStatus.drainDeadlinePassed.rawValue)
    }
  }
}
