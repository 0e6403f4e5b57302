import Synchronization

/// The body of one answer on its way from libcurl's thread to the task that consumes it, through a bounded buffer.
///
/// The producer never waits: it has to pause when the buffer is full, and `onRoom` is called when the consumer
/// has taken what was there. One consumer task at a time.
package final class HTTPBody: Sendable {
  private typealias Waiter = CheckedContinuation<Void, Never>
  private struct State {
    var head: HTTPResponseHead?
    var buffer: [UInt8] = []
    var received = 0
    var isPaused = false
    var end: Result<Void, any Error>?
    var headWaiter: Waiter?
    var bodyWaiter: Waiter?
    var endWaiter: Waiter?
  }
  private let state = Mutex(State())
  private let capacity: Int
  private let onRoom: @Sendable () -> Void

  init(capacity: Int, onRoom: @escaping @Sendable () -> Void) {
    self.capacity = max(1, capacity)
    self.onRoom = onRoom
  }

  /// The next bytes, as many as have arrived (never empty); nil at the end of the body.
  /// - Throws: what ended the transfer early, after the bytes that came before it.
  package func next() async throws -> [UInt8]? {
    while true {
      let (chunk, end, resume) = state.withLock { state -> ([UInt8]?, Result<Void, any Error>?, Bool) in
        guard !state.buffer.isEmpty else { return (nil, state.end, false) }
        var chunk: [UInt8] = []
        swap(&chunk, &state.buffer)
        defer { state.isPaused = false }
        return (chunk, nil, state.isPaused)
      }
      if resume { onRoom() }
      if let chunk { return chunk }
      if let end {
        try end.get()
        return nil
      }
      await wait(\.bodyWaiter) { !$0.buffer.isEmpty || $0.end != nil }
    }
  }

  /// Returns once `isReady` holds.
  /// - Parameter waiter: resumed by the producing side when it may hold.
  private func wait(_ waiter: WritableKeyPath<State, Waiter?>, until isReady: (State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let ready = state.withLock { state in
        if isReady(state) { return true }
        state[keyPath: waiter] = continuation
        return false
      }
      if ready { continuation.resume() }
    }
  }

  /// Bytes taken in so far, read or not.
  package var receivedCount: Int { state.withLock { $0.received } }

  /// Waits for the status line and headers.
  func waitForHead() async throws -> HTTPResponseHead {
    await wait(\.headWaiter) { $0.head != nil || $0.end != nil }
    let (head, end) = state.withLock { ($0.head, $0.end) }
    if let head { return head }
    try end?.get()
    // What libcurl says of a connection that closes behind `100 Continue`, or within the lines of the head.
    throw HTTPError(.connectionLost, "the connection closed before the answer")
  }

  /// Returns when libcurl no longer uses the transfer.
  func waitForEnd() async { await wait(\.endWaiter) { $0.end != nil } }

  // MARK: - the producing side, on libcurl's thread

  func deliver(head: HTTPResponseHead) {
    state.withLock { state in
      state.head = head
      return Self.take(&state.headWaiter)
    }?.resume()
  }

  /// - Returns: false when there is no room now: the same bytes have to be offered again after `onRoom`.
  func offer(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let (taken, waiter) = state.withLock { state -> (Bool, Waiter?) in
      // An empty buffer takes any piece, or one larger than the whole buffer could never pass.
      guard state.buffer.isEmpty || state.buffer.count + bytes.count <= capacity else {
        state.isPaused = true
        return (false, nil)
      }
      state.buffer.append(contentsOf: bytes)
      state.received += bytes.count
      return (true, Self.take(&state.bodyWaiter))
    }
    waiter?.resume()
    return taken
  }

  func finish(_ end: Result<Void, any Error>) {
    let waiters = state.withLock { state in
      if state.end == nil { state.end = end }
      return [Self.take(&state.headWaiter), Self.take(&state.bodyWaiter), Self.take(&state.endWaiter)]
    }
    for waiter in waiters { waiter?.resume() }
  }

  private static func take(_ waiter: inout Waiter?) -> Waiter? {
    defer { waiter = nil }
    return waiter
  }
}
