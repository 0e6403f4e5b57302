import Synchronization

/// One batch on its way: counts its acknowledgements down and wakes those who wait for the last.
final class AckTicket: Sendable {
  let id: UInt64
  let bytes: Int
  let total: Int

  private struct State {
    var outstanding: Int
    var failed = 0
    var refused: [ProduceError.Refused] = []
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    var nextWaiter: UInt64 = 0
  }
  private let state: Mutex<State>

  init(id: UInt64, total: Int, bytes: Int) {
    self.id = id
    self.total = total
    self.bytes = bytes
    state = Mutex(State(outstanding: total))
  }

  /// - Returns: true when this was the last part of the batch.
  func complete(_ count: Int, refused: [ProduceError.Refused] = [], failed: Int = 0) -> Bool {
    let (done, waiters) = state.withLock { state in
      precondition(state.outstanding >= count, "more acknowledgements than records")
      state.outstanding -= count
      state.failed += failed
      state.refused += refused.prefix(max(0, ProduceError.limit - state.refused.count))
      guard state.outstanding == 0 else { return (false, [CheckedContinuation<Void, Never>]()) }
      defer { state.waiters = [:] }
      return (true, Array(state.waiters.values))
    }
    for waiter in waiters { waiter.resume() }
    return done
  }

  /// Fails whatever is still open.
  func abandon(_ error: KafkaError) {
    let open = state.withLock { $0.outstanding }
    if open > 0 { _ = complete(open, refused: [.init(index: 0, error: error)], failed: open) }
  }

  /// - Returns: false when the waiting task was cancelled first.
  func wait() async -> Bool {
    let id = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          if state.outstanding == 0 || Task.isCancelled { return true }
          state.waiters[id] = continuation
          return false
        }
        if ready { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
    return state.withLock { $0.outstanding == 0 }
  }

  /// Nothing was acknowledged or refused so far; with nothing taken either, the batch can be withdrawn.
  var isUntouched: Bool { state.withLock { $0.outstanding == total } }

  var isComplete: Bool { state.withLock { $0.outstanding == 0 } }

  var error: ProduceError? {
    state.withLock { state in
      state.failed == 0 ? nil : ProduceError(total: total, failed: state.failed, refused: state.refused)
    }
  }
}

/// Acknowledgements that are still to come.
package struct PendingAcks: Sendable {
  let ticket: AckTicket

  /// How many records are meant.
  package var count: Int { ticket.total }
  package var isComplete: Bool { ticket.isComplete }

  /// Waits until every record is acknowledged by all in-sync replicas.
  /// - Throws: when some were not; class `transient` when the waiting task is cancelled.
  package var value: Void {
    get async throws(ProduceError) {
      guard await ticket.wait() else { throw ProduceError(total: ticket.total, all: .cancelled("produce")) }
      if let error = ticket.error { throw error }
    }
  }
}

extension KafkaError {
  static func cancelled(_ operation: String) -> KafkaError {
    KafkaError(operation: operation, name: "_CANCELLED", rawCode: 0, message: "the waiting task was cancelled")
  }
}
