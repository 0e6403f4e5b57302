import Synchronization

/// The queue for one provider's tokens: jobs wait here for their turn, first in, first out.
///
/// One task at a time requests tokens for all waiting jobs, so a full queue costs one request to Redis per refill,
/// whatever its length.
package final class RequestBudget: Sendable {
  package enum Answer: Sendable {
    case granted
    /// The provider asked for a pause of this length.
    case paused(Duration)
    /// The provider's day has no more requests; it ends after this time.
    case exhausted(Duration)
    /// The job expired in the queue.
    case expired
    case cancelled
    case failed(any Error)
  }

  private struct Waiter {
    let id: UInt64
    let expiry: ContinuousClock.Instant?
    let continuation: CheckedContinuation<Answer, Never>
  }
  private struct State {
    var queue: ArraySlice<Waiter> = []
    var nextID: UInt64 = 0
    var isFetching = false
    /// A request that was granted as a probe may be under way.
    var isProbing = false
  }
  private let tokens: any TokenSource
  private let state = Mutex(State())

  /// Shorter waits only add requests to Redis.
  private static let shortestWait = Duration.milliseconds(5)

  package init(_ tokens: any TokenSource) { self.tokens = tokens }

  /// Tasks in the queue.
  package var waiting: Int { state.withLock { $0.queue.count } }

  /// - Parameter expiry: when the job expires.
  package func turn(before expiry: ContinuousClock.Instant? = nil) async -> Answer {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let step = state.withLock { state -> (isCancelled: Bool, begins: Bool) in
          if Task.isCancelled { return (true, false) }
          state.queue.append(Waiter(id: id, expiry: expiry, continuation: continuation))
          defer { state.isFetching = true }
          return (false, !state.isFetching)
        }
        if step.isCancelled { continuation.resume(returning: .cancelled) }
        if step.begins { Task { await fetch() } }
      }
    } onCancel: {
      state.withLock { state in
        state.queue.firstIndex { $0.id == id }.map { state.queue.remove(at: $0).continuation }
      }?.resume(returning: .cancelled)
    }
  }

  /// - Returns: the length of the pause.
  package func pause(_ pause: Pause) async throws -> Duration { try await tokens.pause(pause) }

  /// A request succeeded; only the success of a probe changes the shared state.
  package func recover() async throws {
    let wasProbing = state.withLock { state in
      defer { state.isProbing = false }
      return state.isProbing
    }
    if wasProbing { try await tokens.recover() }
  }

  private func fetch() async {
    while true {
      dropExpired()
      let wanted = state.withLock { state in
        if state.queue.isEmpty { state.isFetching = false }
        return state.queue.count
      }
      guard wanted > 0 else { return }
      do {
        let grant = try await tokens.take(upTo: wanted)
        if grant.isProbe { state.withLock { $0.isProbing = true } }
        release(grant.count, .granted)
        if grant.isPaused {
          release(.max, .paused(grant.wait))
        } else if grant.isSpent {
          release(.max, .exhausted(grant.wait))
        } else if grant.count < wanted {
          // At most a second, because jobs in the queue may expire.
          try? await Task.sleep(for: min(max(grant.wait, Self.shortestWait), .seconds(1)))
        }
      } catch {
        release(.max, .failed(error))
      }
    }
  }

  private func dropExpired() {
    let now = ContinuousClock.now
    let isExpired: (Waiter) -> Bool = { $0.expiry.map { $0 <= now } ?? false }
    let expired = state.withLock { state -> [Waiter] in
      let expired = state.queue.filter(isExpired)
      if !expired.isEmpty { state.queue.removeAll(where: isExpired) }
      return expired
    }
    for waiter in expired { waiter.continuation.resume(returning: .expired) }
  }

  private func release(_ count: Int, _ answer: Answer) {
    let released = state.withLock { state in
      let released = state.queue.prefix(count)
      state.queue = state.queue.dropFirst(count)
      return released
    }
    for waiter in released { waiter.continuation.resume(returning: answer) }
  }
}
