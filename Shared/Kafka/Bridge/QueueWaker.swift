import CRdKafka
import Synchronization

/// Interrupts the poll of C queues from any thread, and does nothing once they are destroyed: those who wake
/// can outlive the queues.
final class QueueWaker: Sendable {
  private struct Queues: @unchecked Sendable {
    var pointers: [OpaquePointer]
  }
  private let queues: Mutex<Queues>

  init(_ pointers: [OpaquePointer]) {
    let queues = Queues(pointers: pointers)
    self.queues = Mutex(queues)
  }

  func wake() {
    queues.withLock { for queue in $0.pointers { rd_kafka_queue_yield(queue) } }
  }

  /// Destroys the queues; the caller does not use them again.
  func destroy() {
    queues.withLock { queues in
      for queue in queues.pointers { rd_kafka_queue_destroy(queue) }
      queues.pointers = []
    }
  }
}
