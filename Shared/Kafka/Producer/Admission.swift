import Synchronization

/// The door of a producer: lets one batch at a time in, in the order they came, and only while the bytes that
/// wait for acknowledgement leave room. So batches never interleave, and memory is bounded by the budget.
final class Admission: Sendable {
  private struct Waiter {
    var id: UInt64
    var bytes: Int
    var continuation: CheckedContinuation<KafkaError?, Never>
  }
  private struct State {
    var inFlight = 0
    var occupied = false
    var nextID: UInt64 = 0
    var queue: [Waiter] = []
    var closed: KafkaError?
  }
  private let state = Mutex(State())
  private let budget: Int

  init(budget: Int) { self.budget = budget }

  var inFlightBytes: Int { state.withLock { $0.inFlight } }
  var waiting: Int { state.withLock { $0.queue.count } }
  var isOccupied: Bool { state.withLock { $0.occupied } }
  var closedBy: KafkaError? { state.withLock { $0.closed } }

  private func fits(_ bytes: Int, _ state: borrowing State) -> Bool {
    // A batch beyond the whole budget goes when it would be alone.
    !state.occupied && (state.inFlight == 0 || state.inFlight + bytes <= budget)
  }

  /// Waits for a turn and for room, and takes both.
  func enter(_ bytes: Int) async throws(KafkaError) {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let refusal: KafkaError? = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<KafkaError?, Never>) in
        let answer: KafkaError?? = state.withLock { state in
          if let closed = state.closed { return .some(closed) }
          if Task.isCancelled { return .some(.cancelled("produce")) }
          if state.queue.isEmpty && fits(bytes, state) {
            state.occupied = true
            state.inFlight += bytes
            return .some(nil)
          }
          state.queue.append(Waiter(id: id, bytes: bytes, continuation: continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let waiter: Waiter? = state.withLock { state in
        state.queue.firstIndex { $0.id == id }.map { state.queue.remove(at: $0) }
      }
      waiter?.continuation.resume(returning: .cancelled("produce"))
      admitNext()
    }
    if let refusal { throw refusal }
  }

  /// The batch is handed to the library: the next may come in.
  func leave() {
    state.withLock { $0.occupied = false }
    admitNext()
  }

  /// A batch is acknowledged.
  func release(_ bytes: Int) {
    state.withLock { $0.inFlight -= bytes }
    admitNext()
  }

  private func admitNext() {
    let waiter: Waiter? = state.withLock { state in
      guard let first = state.queue.first, fits(first.bytes, state) else { return nil }
      state.occupied = true
      state.inFlight += first.bytes
      return state.queue.removeFirst()
    }
    waiter?.continuation.resume(returning: nil)
  }

  /// Refuses everybody who waits, and all who come later.
  func close(_ error: KafkaError) {
    let waiters = state.withLock { state in
      if state.closed == nil { state.closed = error }
      defer { state.queue = [] }
      return state.queue
    }
    for waiter in waiters { waiter.continuation.resume(returning: error) }
  }
}
