import Runtime
import Synchronization

import Glibc

/// A child process that cannot outlive this one.
///
/// It leads a process group of its own (so that a Ctrl-C of the terminal reaches only us, and we decide the order of
/// stopping), the kernel kills it if we die, and `exit` kills whatever still runs. What it leaves behind in its
/// group when it ends is killed too. Waiting never blocks the cooperative pool.
package final class ChildProcess: Sendable {
  private struct State {
    var status: ExitStatus?
    var waiters: [CheckedContinuation<ExitStatus, Never>] = []
  }

  package let name: String
  package let pid: pid_t
  private let state = Mutex(State())

  private init(name: String, pid: pid_t) {
    self.name = name
    self.pid = pid
  }

  /// - Throws: `Failure`: configuration when the program is not there, fatal when the system refuses to start it.
  package static func start(_ launch: Launch) async throws -> ChildProcess {
    let (pid, readers) = try await Spawner.shared.start(launch)
    let child = ChildProcess(name: launch.name, pid: pid)
    Leftovers.insert(pid, signal: launch.lastSignal.number)
    for reader in readers { startThread(named: "out-\(launch.name)") { reader.run() } }
    startThread(named: "wait-\(launch.name)") { child.reap(readers) }
    return child
  }

  /// nil while it runs.
  package var status: ExitStatus? { state.withLock { $0.status } }
  package var isRunning: Bool { status == nil }

  /// Sends a signal to the process, or to its whole group. After its end: does nothing.
  package func kill(_ signal: Int32, wholeGroup: Bool = false) {
    // Under the lock the process is not reaped yet, so the number cannot belong to another process.
    state.withLock { state in
      if state.status == nil { _ = Glibc.kill(wholeGroup ? -pid : pid, signal) }
    }
  }

  /// Returns when the process has ended and its last line was delivered.
  @discardableResult
  package func wait() async -> ExitStatus {
    await withCheckedContinuation { continuation in
      let status = state.withLock { state in
        if state.status == nil { state.waiters.append(continuation) }
        return state.status
      }
      if let status { continuation.resume(returning: status) }
    }
  }

  /// - Returns: nil when it still runs after `limit`.
  package func wait(atMost limit: Duration) async -> ExitStatus? {
    let either = Interruption()
    let timer = Task {
      try await Task.sleep(for: limit)
      either.raise()
    }
    defer { timer.cancel() }
    Task {
      await self.wait()
      either.raise()
    }
    await either.wait()
    return status
  }

  /// Asks with `signal`, and kills the whole group if it has not ended within `grace`.
  @discardableResult
  package func stop(signal: Int32 = SIGTERM, grace: Duration = .seconds(10)) async -> ExitStatus {
    kill(signal)
    // A stopped process (SIGSTOP) would never see the signal.
    kill(SIGCONT)
    if let status = await wait(atMost: grace) { return status }
    kill(SIGKILL, wholeGroup: true)
    return await wait()
  }

  private func reap(_ readers: [LineReader]) {
    var information = siginfo_t()
    while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    // The zombie still holds the group's number: what is killed here is surely its own.
    _ = Glibc.kill(-pid, SIGKILL)
    for reader in readers { reader.waitUntilFinished() }
    let (status, waiters) = state.withLock { state in
      var raw: Int32 = 0
      while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
      let status = ExitStatus(waitStatus: raw)
      state.status = status
      defer { state.waiters = [] }
      return (status, state.waiters)
    }
    Leftovers.remove(pid)
    for waiter in waiters { waiter.resume(returning: status) }
  }
}
