import Core
import Synchronization

/// Lets one batch at a time into a producer, in the order they came, and only while the bytes that wait for
/// acknowledgement leave room. So batches never interleave, and memory is bounded by the budget.
final class Admission: Sendable {
  private let turn = Permits(1)
  private let room: Permits
  private let budget: Int
  private let closed = Mutex<KafkaError?>(nil)

  init(budget: Int) {
    self.budget = budget
    room = Permits(budget)
  }

  var inFlightBytes: Int { budget - room.available }
  /// A batch is being handed over, or waits for room.
  var isOccupied: Bool { turn.available == 0 }
  var closedBy: KafkaError? { closed.withLock { $0 } }

  /// A batch beyond the whole budget goes when it would be alone.
  private func share(_ bytes: Int) -> Int { min(bytes, budget) }

  /// Waits for a turn and for room, and takes both.
  func enter(_ bytes: Int) async throws(KafkaError) {
    guard await turn.acquire() else { throw closedBy ?? .cancelled("produce") }
    guard await room.acquire(share(bytes)) else {
      turn.release()
      throw closedBy ?? .cancelled("produce")
    }
  }

  /// The batch is handed to the library: the next may come in.
  func leave() { turn.release() }

  /// A batch is acknowledged.
  func release(_ bytes: Int) { room.release(share(bytes)) }

  /// Refuses all who wait, and all who come later.
  func close(_ error: KafkaError) {
    closed.withLock { $0 = $0 ?? error }
    turn.close()
    room.close()
  }
}
