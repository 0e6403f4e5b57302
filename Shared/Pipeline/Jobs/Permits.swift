import Synchronization

/// A counting semaphore that suspends instead of blocking; first come, first served.
package final class Permits: Sendable {
  private struct State {
    var available: Int
    var nextID: UInt64 = 0
    var waiting: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
  }
  private let state: Mutex<State>

  package init(_ count: Int) {
    precondition(count > 0)
    state = Mutex(State(available: count))
  }

  /// - Returns: false when the calling task was cancelled; then no permit is held.
  package func acquire() async -> Bool {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: Bool? = state.withLock { state in
          if Task.isCancelled { return false }
          if state.available > 0 {
            state.available -= 1
            return true
          }
          state.waiting.append((id, continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let continuation = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
      }
      continuation?.resume(returning: false)
    }
  }

  package func release() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      if state.waiting.isEmpty {
        state.available += 1
        return nil
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume(returning: true)
  }
}
