import Synchronization

import Glibc

/// One named thread as an actor's executor, for C libraries that block (libpq, hiredis, `curl_easy`).
///
/// An actor that returns this from `unownedExecutor` may call blocking functions freely: only its own thread
/// waits. A call costs about 13 µs against 0.06 µs for a plain actor, so call per flush, never per record.
/// The thread ends when the executor is released.
package final class ThreadExecutor: SerialExecutor {
  /// What the thread shares with the executor; the thread holds only this, so that releasing the last
  /// reference to the executor can end the thread.
  private final class Inbox: Sendable {
    struct State {
      var jobs: [UnownedJob] = []
      var stopped = false
    }
    let state = Mutex(State())
    let wakeup = Semaphore()
  }
  private let inbox = Inbox()

  /// - Parameter name: shown by `top -H` and debuggers; Linux keeps the first 15 bytes.
  package init(name: String) {
    let start = Start(inbox: inbox, executor: self)
    startThread(named: name) { start.run() }
  }

  deinit {
    inbox.state.withLock { $0.stopped = true }
    inbox.wakeup.signal()
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    inbox.state.withLock { $0.jobs.append(job) }
    inbox.wakeup.signal()
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  private final class Start: @unchecked Sendable {
    private let inbox: Inbox
    // Unowned on purpose: an actor with queued jobs keeps its executor alive, and without jobs it is not used.
    private unowned(unsafe) let executor: ThreadExecutor

    init(inbox: Inbox, executor: ThreadExecutor) {
      self.inbox = inbox
      self.executor = executor
    }

    func run() {
      while true {
        inbox.wakeup.wait()
        let (jobs, stopped) = inbox.state.withLock { state in
          defer { state.jobs.removeAll(keepingCapacity: true) }
          return (state.jobs, state.stopped)
        }
        for job in jobs { job.runSynchronously(on: executor.asUnownedSerialExecutor()) }
        if stopped, jobs.isEmpty { return }
      }
    }
  }
}

/// Runs `body` on a new, detached thread.
/// - Parameter name: shown by `top -H` and debuggers; Linux keeps the first 15 bytes.
/// - Returns: 0, or the code of `pthread_create` when the process is out of threads or memory.
package func tryStartThread(named name: String, _ body: @escaping @Sendable () -> Void) -> Int32 {
  final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void
    init(_ name: String, _ run: @escaping @Sendable () -> Void) { (self.name, self.run) = (name, run) }
  }
  let box = Unmanaged.passRetained(Body(name, body))
  var thread = pthread_t()
  let code = pthread_create(&thread, nil, { raw in
    let body = Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue()
    nameThread(body.name)
    body.run()
    return nil
  }, box.toOpaque())
  if code == 0 { pthread_detach(thread) } else { box.release() }
  return code
}

/// As `tryStartThread`, for threads that the process cannot do without.
package func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
  let code = tryStartThread(named: name, body)
  precondition(code == 0, "pthread_create failed with \(code): out of threads or memory")
}

/// Names the calling thread. Best effort: a missing /proc costs only the name.
private func nameThread(_ name: String) {
  // Through /proc, because pthread_setname_np and prctl are out of Swift's reach (a feature macro, C variadics).
  let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  let bytes = Array(name.utf8.prefix(15))
  _ = write(descriptor, bytes, bytes.count)
  close(descriptor)
}

/// A POSIX semaphore, for handing work to a plain thread.
package final class Semaphore: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  package init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  package func signal() { sem_post(semaphore) }
  package func wait() { while sem_wait(semaphore) != 0 {} }
}
