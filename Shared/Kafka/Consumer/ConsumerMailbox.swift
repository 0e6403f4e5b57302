import Core
import Synchronization

/// What the worker's tasks and the poll thread share: one element on its way to the worker, commands on their
/// way to the thread. The element slot is the whole buffer on this side; librdkafka holds the rest.
final class ConsumerMailbox: Sendable {
  enum Command: Sendable {
    /// Called on the thread; with nil when the thread leaves the group or has ended.
    case call(@Sendable (ConsumerThread?) -> Void)
    /// The `Consumer` was released: no answers will come.
    case abandon
  }

  /// Hands back the result of a call, exactly once.
  typealias Reply<Value> = (Result<Value, KafkaError>) -> Void

  typealias Waiter = CheckedContinuation<Consumer.Element?, any Error>

  private struct State {
    var slot: Consumer.Element?
    var failure: (any ClassifiedError)?
    var waiter: (id: UInt64, continuation: Waiter, deadline: ContinuousClock.Instant?)?
    var nextWaiterID: UInt64 = 0
    var commands: [Command] = []
    var wake: (@Sendable () -> Void)?
    var finished = false
    var interruption = Interruption()
    var epochs: [TopicPartition: UInt64] = [:]
  }
  private let state = Mutex(State())

  // MARK: The worker's side

  func next(before deadline: ContinuousClock.Instant?) async throws -> Consumer.Element? {
    let id = state.withLock { state in
      state.nextWaiterID += 1
      return state.nextWaiterID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (ready, wake) = state.withLock { state in
          precondition(state.waiter == nil, "a consumer has one reader: next() was called while another call waits")
          let ready = Self.take(from: &state)
          if ready == nil { state.waiter = (id, continuation, deadline) }
          return (ready, state.wake)
        }
        if let ready { continuation.resume(with: ready) }
        wake?()  // there is room again
      }
    } onCancel: {
      // Also reached when the cancellation came before the waiter was stored: then `take` saw it.
      let waiter: Waiter? = state.withLock { state in
        guard state.waiter?.id == id else { return nil }
        defer { state.waiter = nil }
        return state.waiter?.continuation
      }
      waiter?.resume(throwing: CancellationError())
    }
  }

  private static func take(from state: inout State) -> Result<Consumer.Element?, any Error>? {
    if Task.isCancelled { return .failure(CancellationError()) }
    if let element = state.slot {
      state.slot = nil
      return .success(element)
    }
    if let failure = state.failure {
      state.failure = nil
      return .failure(failure)
    }
    return state.finished ? .success(nil) : nil
  }

  func send(_ command: Command) {
    let (isTaken, wake) = state.withLock { state in
      if !state.finished { state.commands.append(command) }
      return (!state.finished, state.wake)
    }
    wake?()
    if !isTaken { command.refuse() }
  }

  /// Tells the thread something that has no answer.
  func tell(_ body: @escaping @Sendable (ConsumerThread) -> Void) { send(.call { $0.map(body) }) }

  /// Calls `body` on the thread and waits for the reply, which may come later.
  func ask<Value: Sendable>(
    _ operation: String, _ body: @escaping @Sendable (ConsumerThread, @escaping Reply<Value>) -> Void
  ) async throws(KafkaError) -> Value {
    let result: Result<Value, KafkaError> = await withCheckedContinuation { continuation in
      send(.call { thread in
        guard let thread else { return continuation.resume(returning: .failure(.closed(operation))) }
        body(thread) { continuation.resume(returning: $0) }
      })
    }
    return try result.get()
  }

  /// Calls `body` on the thread and waits for its result.
  func result<Value: Sendable>(
    _ operation: String, of body: @escaping @Sendable (ConsumerThread) throws(KafkaError) -> Value
  ) async throws(KafkaError) -> Value {
    try await ask(operation) { thread, reply in reply(Result { () throws(KafkaError) in try body(thread) }) }
  }

  var interruption: Interruption { state.withLock { $0.interruption } }
  func epoch(of partition: TopicPartition) -> UInt64? { state.withLock { $0.epochs[partition] } }
  var epochs: [TopicPartition: UInt64] { state.withLock { $0.epochs } }

  // MARK: The poll thread's side

  func attach(wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

  func takeCommands() -> [Command] {
    state.withLock { state in
      defer { state.commands.removeAll(keepingCapacity: true) }
      return state.commands
    }
  }

  var hasRoom: Bool { state.withLock { $0.slot == nil && $0.failure == nil } }

  /// When the reader wants to be told that nothing came.
  var readerDeadline: ContinuousClock.Instant? { state.withLock { $0.waiter?.deadline } }

  func deliver(_ element: Consumer.Element) {
    let waiter: Waiter? = state.withLock { state in
      if let waiter = state.waiter {
        state.waiter = nil
        return waiter.continuation
      }
      precondition(state.slot == nil, "the hand-over holds one element")
      state.slot = element
      return nil
    }
    waiter?.resume(returning: element)
  }

  /// Answers a reader whose deadline passed with `.idle`.
  func expireReader(now: ContinuousClock.Instant) {
    let waiter: Waiter? = state.withLock { state in
      guard let waiter = state.waiter, let deadline = waiter.deadline, deadline <= now else { return nil }
      state.waiter = nil
      return waiter.continuation
    }
    waiter?.resume(returning: .idle)
  }

  /// Takes back what the worker has not been given of partitions that left or moved.
  func purge(_ partitions: Set<TopicPartition>) {
    // The old batch may be the last owner of C memory: let it go outside the lock.
    let old: Consumer.Element? = state.withLock { state in
      guard let slot = state.slot else { return nil }
      switch slot {
      case .batch(let batch): state.slot = batch.removing(partitions).map { .batch($0) }
      case .passed(let ends):
        let kept = ends.filter { !partitions.contains($0.key.partition) }
        state.slot = kept.isEmpty ? nil : .passed(kept)
      default: break
      }
      return slot
    }
    _ = old
  }

  func fail(_ error: any ClassifiedError) {
    let waiter: Waiter? = state.withLock { state in
      if let waiter = state.waiter {
        state.waiter = nil
        return waiter.continuation
      }
      if state.failure == nil { state.failure = error }
      return nil
    }
    waiter?.resume(throwing: error)
  }

  func publish(epochs: [TopicPartition: UInt64]) { state.withLock { $0.epochs = epochs } }

  func interrupt() { state.withLock { $0.interruption }.raise() }

  func renewInterruption() {
    state.withLock { state in
      if state.interruption.isRaised { state.interruption = Interruption() }
    }
  }

  func finish() {
    let (waiter, commands, interruption) = state.withLock { state in
      state.finished = true
      state.wake = nil
      state.epochs = [:]
      defer {
        state.waiter = nil
        state.commands = []
      }
      return (state.waiter?.continuation, state.commands, state.interruption)
    }
    interruption.raise()
    waiter?.resume(returning: nil)
    for command in commands { command.refuse() }
  }
}

extension ConsumerMailbox.Command {
  func refuse() { if case .call(let body) = self { body(nil) } }
}

extension KafkaError {
  static func closed(_ operation: String) -> KafkaError {
    KafkaError(operation: operation, name: "_STATE", rawCode: -172, message: "the client is closed")
  }
}
