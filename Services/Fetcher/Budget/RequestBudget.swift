import Runtime
import Synchronization

/// The line in front of one provider's tokens: each job waits here for its turn, first come, first served.
///
/// One task at a time fetches tokens, for all who wait: a full line costs one question to Redis per refill, however
/// long it is.
package final class RequestBudget: Sendable {
  package enum Answer: Sendable {
    case granted
    /// The provider asked to be left alone, for so long.
    case paused(Duration)
    /// Its time passed in the line.
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
    var line: ArraySlice<Waiter> = []
    var nextID: UInt64 = 0
    var isFetching = false
    /// A request that was granted as a probe may be under way.
    var isProbing = false
  }
  private let tokens: any TokenSource
  private let state = Mutex(State())

  /// Shorter waits only make more questions.
  private static let shortestWait = Duration.milliseconds(5)

  package init(_ tokens: any TokenSource) { self.tokens = tokens }

  /// Tasks in line.
  package var waiting: Int { state.withLock { $0.line.count } }

  /// - Parameter expiry: after it a turn is of no use.
  package func turn(before expiry: ContinuousClock.Instant? = nil) async -> Answer {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let step = state.withLock { state -> (isCancelled: Bool, begins: Bool) in
          if Task.isCancelled { return (true, false) }
          state.line.append(Waiter(id: id, expiry: expiry, continuation: continuation))
          defer { state.isFetching = true }
          return (false, !state.isFetching)
        }
        if step.isCancelled { continuation.resume(returning: .cancelled) }
        if step.begins { Task { await fetch() } }
      }
    } onCancel: {
      state.withLock { state in
        state.line.firstIndex { $0.id == id }.map { state.line.remove(at: $0).continuation }
      }?.resume(returning: .cancelled)
    }
  }

  /// - Returns: for how long the provider is left alone.
  package func pause(_ pause: Pause) async throws -> Duration { try await tokens.pause(pause) }

  /// A request had a good answer; only a probe's is news to the others.
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
        if state.line.isEmpty { state.isFetching = false }
        return state.line.count
      }
      guard wanted > 0 else { return }
      do {
        let grant = try await tokens.take(upTo: wanted)
        if grant.isProbe { state.withLock { $0.isProbing = true } }
        release(grant.count, .granted)
        if grant.isPaused {
          release(.max, .paused(grant.wait))
        } else if grant.count < wanted {
          // Not longer than a second, whatever the rate: a job in the line may expire.
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
      let expired = state.line.filter(isExpired)
      if !expired.isEmpty { state.line.removeAll(where: isExpired) }
      return expired
    }
    for waiter in expired { waiter.continuation.resume(returning: .expired) }
  }

  private func release(_ count: Int, _ answer: Answer) {
    let released = state.withLock { state in
      let released = state.line.prefix(count)
      state.line = state.line.dropFirst(count)
      return released
    }
    for waiter in released { waiter.continuation.resume(returning: answer) }
  }
}
