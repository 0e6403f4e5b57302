import Core
import Foundation
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// A child process that cannot outlive this one.
///
/// It leads a process group of its own (so that a Ctrl-C of the terminal reaches only us, and we decide the order of
/// stopping), the kernel kills it if we die, and `exit` kills whatever still runs. What it leaves behind in its
/// group when it ends is killed too. Waiting never blocks the cooperative pool.
package final class ChildProcess: Sendable {
  private struct State {
    /// The process is a zombie or gone: its number may soon belong to another one.
    var hasEnded = false
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
    let configuration = try launch.configuration()
    return try await withCheckedThrowingContinuation { started in
      Task.detached { await run(launch, configuration, started) }
    }
  }

  /// nil while it runs.
  package var status: ExitStatus? { state.withLock { $0.status } }
  package var isRunning: Bool { status == nil }

  /// Sends a signal to the process, or to its whole group. After its end: does nothing.
  package func kill(_ signal: Int32, wholeGroup: Bool = false) {
    state.withLock { state in
      if !state.hasEnded { _ = Glibc.kill(wholeGroup ? -pid : pid, signal) }
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
}

// MARK: - One run, from start to end

extension ChildProcess {
  private static func run(
    _ launch: Launch, _ configuration: Configuration, _ started: CheckedContinuation<ChildProcess, any Error>
  ) async {
    let begun = Mutex<ChildProcess?>(nil)
    let supervise: @Sendable (ProcessIdentifier) async -> Void = { identifier in
      let child = ChildProcess(name: launch.name, pid: identifier.value)
      begun.withLock { $0 = child }
      Leftovers.insert(child.pid, signal: launch.lastSignal.number)
      started.resume(returning: child)
      await child.untilZombie()
    }
    do {
      let status: TerminationStatus
      switch launch.output {
      case .lines(let handler):
        if let errors = launch.errorLines {
          status = try await Subprocess.run(
            configuration, input: .none, output: .sequence, error: .sequence
          ) { execution in
            async let output: Void = deliver(execution.standardOutput, to: handler)
            async let errorOutput: Void = deliver(execution.standardError, to: errors)
            await supervise(execution.processIdentifier)
            _ = try await (output, errorOutput)
          }.terminationStatus
        } else {
          status = try await Subprocess.run(
            configuration, input: .none, output: .sequence, error: .combinedWithOutput
          ) { execution in
            async let output: Void = deliver(execution.standardOutput, to: handler)
            await supervise(execution.processIdentifier)
            try await output
          }.terminationStatus
        }
      case .inherit:
        status = try await Subprocess.run(
          configuration, input: .none, output: .currentStandardOutput, error: .currentStandardError
        ) { await supervise($0.processIdentifier) }.terminationStatus
      case .discard:
        status = try await Subprocess.run(configuration, input: .none, output: .discarded, error: .discarded) {
          await supervise($0.processIdentifier)
        }.terminationStatus
      case .file(let path):
        let file = try FileDescriptor.open(
          path, .writeOnly, options: [.append, .create],
          permissions: [.ownerReadWrite, .groupRead, .otherRead])
        status = try await Subprocess.run(
          configuration, input: .none, output: .fileDescriptor(file, closeAfterSpawningProcess: true),
          error: .combinedWithOutput
        ) { await supervise($0.processIdentifier) }.terminationStatus
      }
      begun.withLock { $0 }?.end(ExitStatus(status))
    } catch {
      // After the start only the reading of output can fail, and the process is gone by then.
      if let child = begun.withLock({ $0 }) { return child.end(.signalled(SIGKILL)) }
      started.resume(throwing: Failure(.fatal, code: "spawn_failed", "cannot start \(launch.name): \(error)"))
    }
  }

  /// Returns when the process has ended and is not reaped yet, its group killed.
  private func untilZombie() async {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var information = siginfo_t()
        while waitid(P_PID, id_t(self.pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        continuation.resume()
      }
    }
    state.withLock { state in
      state.hasEnded = true
      // The zombie still holds the group's number: what is killed here is surely its own.
      _ = Glibc.kill(-pid, SIGKILL)
    }
  }

  private func end(_ status: ExitStatus) {
    Leftovers.remove(pid)
    let waiters = state.withLock { state in
      state.status = status
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: status) }
  }

  private static func deliver(_ output: SubprocessOutputSequence, to handler: @Sendable (String) -> Void) async throws {
    var line: [UInt8] = []
    for try await buffer in output {
      buffer.withUnsafeBytes { bytes in
        for byte in bytes {
          if byte == UInt8(ascii: "\n") {
            handler(String(decoding: line, as: UTF8.self))
            line.removeAll(keepingCapacity: true)
          } else {
            line.append(byte)
          }
        }
      }
    }
    if !line.isEmpty { handler(String(decoding: line, as: UTF8.self)) }
  }
}

extension ExitStatus {
  fileprivate init(_ status: TerminationStatus) {
    switch status {
    case .exited(let code): self = .exited(code)
    case .signaled(let signal): self = .signalled(signal)
    }
  }
}

extension ChildProcess {
  /// What a command that ran to its end printed.
  package struct Outcome: Sendable {
    package var status: ExitStatus
    package var output: String
    package var errorOutput: String
  }

  /// Runs a command to its end and collects what it prints; kills it after `limit`.
  package static func run(_ launch: Launch, atMost limit: Duration = .seconds(60)) async throws -> Outcome {
    let output = Lines(), errors = Lines()
    var launch = launch
    launch.output = .lines { output.append($0) }
    launch.errorLines = { errors.append($0) }
    let child = try await start(launch)
    if await child.wait(atMost: limit) == nil { child.kill(9, wholeGroup: true) }
    let status = await child.wait()
    return Outcome(status: status, output: output.text, errorOutput: errors.text)
  }

  /// - Throws: `Failure` of class fatal with the end of what the command printed when it does not exit with 0.
  @discardableResult
  package static func runOrThrow(_ launch: Launch, atMost limit: Duration = .seconds(60)) async throws -> String {
    let outcome = try await run(launch, atMost: limit)
    guard outcome.status.isSuccess else {
      let tail = (outcome.errorOutput.isEmpty ? outcome.output : outcome.errorOutput).suffix(2_000)
      throw Failure(.fatal, code: "command_failed", "\(launch.name) ended with \(outcome.status): \(tail)")
    }
    return outcome.output
  }

  private final class Lines: Sendable {
    private let storage = Mutex("")
    func append(_ line: String) { storage.withLock { $0 += line + "\n" } }
    var text: String { storage.withLock { $0 } }
  }
}
