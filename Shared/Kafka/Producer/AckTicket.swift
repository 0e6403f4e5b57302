import Core
import Synchronization

/// One batch in flight: counts its acknowledgements down and wakes the tasks that wait for the last.
final class AckTicket: Sendable {
  let id: UInt64
  let bytes: Int
  let total: Int

  private struct State {
    var outstanding: Int
    var failed = 0
    var leading: KafkaError?
  }
  private let state: Mutex<State>
  /// Raised with the last acknowledgement.
  private let completed = Interruption()

  init(id: UInt64, total: Int, bytes: Int) {
    self.id = id
    self.total = total
    self.bytes = bytes
    state = Mutex(State(outstanding: total))
    if total == 0 { completed.raise() }
  }

  /// - Parameters:
  ///   - failed: how many of them failed, and `error` the worst reason.
  /// - Returns: true when this was the last part of the batch.
  func complete(_ count: Int, failed: Int = 0, _ error: KafkaError? = nil) -> Bool {
    let isLast = state.withLock { state in
      precondition(state.outstanding >= count, "more acknowledgements than records")
      state.outstanding -= count
      state.failed += failed
      state.leading = .worse(state.leading, error)
      return state.outstanding == 0
    }
    if isLast { completed.raise() }
    return isLast
  }

  /// Fails the records that are not acknowledged.
  func abandon(_ error: KafkaError) {
    let open = state.withLock { $0.outstanding }
    if open > 0 { _ = complete(open, failed: open, error) }
  }

  /// - Returns: false when the waiting task was cancelled first.
  func wait() async -> Bool {
    await completed.wait()
    return isComplete
  }

  /// Nothing was acknowledged or refused so far; with nothing taken either, the batch can be withdrawn.
  var isUntouched: Bool { state.withLock { $0.outstanding == total } }

  var isComplete: Bool { state.withLock { $0.outstanding == 0 } }

  /// The failure that decides, with how many records failed.
  var error: KafkaError? {
    state.withLock { state in
      guard var error = state.leading else { return nil }
      error.message = "\(state.failed) of \(total) records not produced: \(error.message)"
      return error
    }
  }
}

/// Acknowledgements that are still to come.
package struct PendingAcks: Sendable {
  let ticket: AckTicket

  package var isComplete: Bool { ticket.isComplete }

  /// Waits until every record is acknowledged by all in-sync replicas.
  /// - Throws: when some were not; class `transient` when the waiting task is cancelled.
  package var value: Void {
    get async throws(KafkaError) {
      guard await ticket.wait() else { throw .cancelled("produce") }
      if let error = ticket.error { throw error }
    }
  }
}

extension KafkaError {
  static func cancelled(_ operation: String) -> KafkaError {
    KafkaError(operation: operation, name: "_CANCELLED", rawCode: 0, message: "the waiting task was cancelled")
  }
}
