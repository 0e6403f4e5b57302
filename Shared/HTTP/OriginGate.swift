import Synchronization

/// At most `limit` holders of each key at a time; the rest wait in the order they came.
///
/// Portals are small servers: what one of them gets at once is bounded, whatever the fleet could do.
package final class OriginGate: Sendable {
  private struct Waiter {
    let id: UInt64
    let continuation: CheckedContinuation<Bool, Never>
  }
  private struct Lane {
    var holders = 0
    var waiters: [Waiter] = []
  }
  private struct State {
    var lanes: [String: Lane] = [:]
    var nextID: UInt64 = 0
  }
  private let state = Mutex(State())
  private let limit: Int

  /// - Parameter limit: 0 is no limit.
  package init(limit: Int) { self.limit = limit }

  /// Runs `body` when it is its turn.
  /// - Throws: `CancellationError` when cancelled while waiting, and what `body` throws.
  package func enter<T>(_ key: String, _ body: () async throws -> T) async throws -> T {
    guard limit > 0 else { return try await body() }
    guard await acquire(key) else { throw CancellationError() }
    defer { release(key) }
    return try await body()
  }

  private func acquire(_ key: String) async -> Bool {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> Bool? in
          if Task.isCancelled { return false }
          var lane = state.lanes[key] ?? Lane()
          defer { state.lanes[key] = lane }
          if lane.holders < limit {
            lane.holders += 1
            return true
          }
          lane.waiters.append(Waiter(id: id, continuation: continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      state.withLock { state -> Waiter? in
        guard let index = state.lanes[key]?.waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return state.lanes[key]?.waiters.remove(at: index)
      }?.continuation.resume(returning: false)
    }
  }

  private func release(_ key: String) {
    state.withLock { state -> Waiter? in
      guard var lane = state.lanes[key] else { return nil }
      defer { state.lanes[key] = lane.holders == 0 ? nil : lane }
      // The place passes straight to the next in line, so a later caller never overtakes.
      if !lane.waiters.isEmpty { return lane.waiters.removeFirst() }
      lane.holders -= 1
      return nil
    }?.continuation.resume(returning: true)
  }
}
