import Synchronization

/// A counting semaphore that suspends instead of blocking; first come, first served.
package final class Permits: Sendable {
  private typealias Continuation = CheckedContinuation<Bool, Never>
  private struct Waiter {
    let id: UInt64
    let count: Int
    let continuation: Continuation
  }
  private struct State {
    var available: Int
    var isClosed = false
    var nextID: UInt64 = 0
    var waiters: [Waiter] = []

    mutating func take(_ count: Int) -> Bool {
      guard waiters.isEmpty, available >= count else { return false }
      available -= count
      return true
    }

    /// Takes out the waiters whose turn it is.
    mutating func admit() -> [Continuation] {
      var turns: [Continuation] = []
      while let first = waiters.first, available >= first.count {
        available -= first.count
        turns.append(waiters.removeFirst().continuation)
      }
      return turns
    }
  }
  private let state: Mutex<State>

  package init(_ count: Int) {
    precondition(count > 0)
    state = Mutex(State(available: count))
  }

  /// Permits that are not taken.
  package var available: Int { state.withLock { $0.available } }
  /// Tasks in line.
  package var waiting: Int { state.withLock { $0.waiters.count } }

  /// - Parameter count: at most what there is altogether.
  /// - Returns: false when the calling task was cancelled, or the permits were closed; then none is held.
  package func acquire(_ count: Int = 1) async -> Bool {
    let id: UInt64? = state.withLock { state in
      if !Task.isCancelled, !state.isClosed, state.take(count) { return nil }
      state.nextID += 1
      return state.nextID
    }
    guard let id else { return true }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: Continuation) in
        let answer: Bool? = state.withLock { state in
          // Cancellation may have come before the continuation existed: its handler found nothing to resume.
          if Task.isCancelled || state.isClosed { return false }
          if state.take(count) { return true }
          state.waiters.append(Waiter(id: id, count: count, continuation: continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let (cancelled, turns) = state.withLock { state -> (Continuation?, [Continuation]) in
        let waiter = state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        return (waiter?.continuation, state.admit())
      }
      cancelled?.resume(returning: false)
      for turn in turns { turn.resume(returning: true) }
    }
  }

  package func release(_ count: Int = 1) {
    let turns = state.withLock { state in
      state.available += count
      return state.admit()
    }
    for turn in turns { turn.resume(returning: true) }
  }

  /// Refuses those who wait, and all who come later.
  package func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume(returning: false) }
  }
}
