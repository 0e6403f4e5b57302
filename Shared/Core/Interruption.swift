import Synchronization

/// A flag that is raised once and wakes every task that waits for it: a drain, a revoke, a shutdown.
///
/// Waiting never blocks a thread, and a wait that is cancelled returns early.
package final class Interruption: Sendable {
  private struct State {
    var raised = false
    var nextID: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
  }
  private let state = Mutex(State())

  package init() {}

  package var isRaised: Bool { state.withLock { $0.raised } }

  package func raise() {
    let waiters = state.withLock { state in
      state.raised = true
      defer { state.waiters = [:] }
      return state.waiters.values
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when raised, or when the calling task is cancelled.
  package func wait() async {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          // Cancellation may have come before the continuation existed: its handler found nothing to resume.
          if state.raised || Task.isCancelled { return true }
          state.waiters[id] = continuation
          return false
        }
        if ready { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }

  /// Sleeps for `duration` unless raised first. Returns true when it was raised (or the task was cancelled).
  package func sleep(for duration: Duration) async -> Bool {
    if isRaised || Task.isCancelled { return true }
    return await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        await self.wait()
        return true
      }
      group.addTask { (try? await Task.sleep(for: duration)) == nil }
      let first = await group.next() ?? true
      group.cancelAll()
      return first || self.isRaised
    }
  }
}
