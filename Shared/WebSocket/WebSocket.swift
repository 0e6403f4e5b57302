import Core
import NIOCore
import Synchronization

/// A message as it was sent. Whether a text is UTF-8 is for its reader to say.
package enum WebSocketMessage: Hashable, Sendable {
  case text([UInt8])
  case binary([UInt8])

  package static func text(_ text: String) -> Self { .text(Array(text.utf8)) }

  package var bytes: [UInt8] {
    switch self {
    case .text(let bytes), .binary(let bytes): bytes
    }
  }
}

/// Takes messages apart as they arrive, before their reader asks for them, and answers those that cannot wait for it
/// (heartbeats of a feed's own).
package protocol WebSocketDecoder: Sendable {
  associatedtype Element: Sendable

  /// - Parameter reply: sends at once.
  /// - Throws: ends the connection.
  mutating func decode(
    _ message: WebSocketMessage, reply: (WebSocketMessage) -> Void
  ) throws(WebSocketError) -> [Element]
}

/// Messages as they are.
package struct PlainMessages: WebSocketDecoder {
  package init() {}

  package mutating func decode(
    _ message: WebSocketMessage, reply: (WebSocketMessage) -> Void
  ) throws(WebSocketError) -> [WebSocketMessage] {
    [message]
  }
}

/// An open connection, for one task; see `WebSocketClient`.
///
/// What is not read stays with the server: behind a few elements the connection is no longer read from.
package struct WebSocket<Element: Sendable> {
  private var inbound: NIOAsyncChannelInboundStream<Element>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<WebSocketMessage>
  private let channel: any Channel
  private let end: ConnectionEnd

  init(
    _ inbound: NIOAsyncChannelInboundStream<Element>, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketMessage>,
    _ channel: any Channel, _ end: ConnectionEnd
  ) {
    self.inbound = inbound.makeAsyncIterator()
    self.outbound = outbound
    self.channel = channel
    self.end = end
  }

  /// - Returns: nil behind the last element, once the connection was closed from this side.
  /// - Throws: `WebSocketError` that says why the connection ended, `CancellationError`.
  package mutating func next() async throws -> Element? {
    do {
      if let element = try await inbound.next() { return element }
    } catch {
      throw error is CancellationError ? error : end.error(for: error)
    }
    // The stream of a cancelled task ends as one that was closed does; so does that of a server which closed before
    // the handshake was handled here.
    try Task.checkCancellation()
    try end.requireOwnClose()
    return nil
  }

  /// Waits while the server reads more slowly than it is sent to.
  /// - Throws: as `next`.
  package func send(_ message: WebSocketMessage) async throws { try await sender.send(message) }

  /// Ends the connection with an error of kind `timedOut` unless `cancel` is called in time.
  package func deadline(in time: Duration, _ message: @autoclosure () -> String) -> WebSocketDeadline {
    let (channel, error) = (channel, WebSocketError(.timedOut, message()))
    return WebSocketDeadline(timer: channel.eventLoop.scheduleTask(in: TimeAmount(time)) {
      channel.pipeline.fireErrorCaught(error)
      channel.close(promise: nil)
    })
  }

  /// For other tasks: sends as `send` does.
  package var sender: WebSocketSender { WebSocketSender(outbound: outbound, channel: channel, end: end) }

  /// For other tasks: closes the connection, so that `next` returns.
  package var closer: WebSocketCloser { WebSocketCloser(channel: channel) }
}

package struct WebSocketSender: Sendable {
  let outbound: NIOAsyncChannelOutboundWriter<WebSocketMessage>
  let channel: any Channel
  let end: ConnectionEnd

  /// - Throws: as `WebSocket.send`.
  package func send(_ message: WebSocketMessage) async throws {
    do {
      try await outbound.write(message)
      // The event loop has written it when it takes this turn, and has said whether the connection takes more. Without
      // it a loop that is slower than the sender gets thousands of messages before the first one holds the sender back.
      try await channel.eventLoop.submit {}.get()
    } catch {
      throw error is CancellationError ? error : end.error(for: error)
    }
  }
}

package struct WebSocketCloser: Sendable {
  let channel: any Channel

  /// Says goodbye with code 1000.
  package func close() { channel.close(promise: nil) }
}

package struct WebSocketDeadline: Sendable {
  let timer: Scheduled<Void>

  package func cancel() { timer.cancel() }
}

/// How the connection ended, for the reads and writes that fail because of it.
final class ConnectionEnd: Sendable {
  private struct State {
    var first: WebSocketError?
    var isOwnClose = false
  }
  private let state = Mutex(State())

  func note(_ error: WebSocketError) { state.withLock { $0.first = $0.first ?? error } }
  func noteOwnClose() { state.withLock { $0.isOwnClose = true } }

  func error(for error: any Error) -> WebSocketError {
    state.withLock { $0.first } ?? WebSocketError(error, isOpen: true)
  }

  /// - Throws: why the connection ended, unless it was closed from this side.
  func requireOwnClose() throws(WebSocketError) {
    let (first, isOwnClose) = state.withLock { ($0.first, $0.isOwnClose) }
    if let first { throw first }
    if !isOwnClose { throw .withoutCloseFrame }
  }
}

extension WebSocketError {
  static var withoutCloseFrame: WebSocketError {
    WebSocketError(.lost, "the server closed the connection without a close frame")
  }
}

extension TimeAmount {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)
  }
}
