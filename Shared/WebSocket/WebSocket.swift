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
  private let failure: FirstFailure

  init(
    _ inbound: NIOAsyncChannelInboundStream<Element>, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketMessage>,
    _ channel: any Channel, _ failure: FirstFailure
  ) {
    self.inbound = inbound.makeAsyncIterator()
    self.outbound = outbound
    self.channel = channel
    self.failure = failure
  }

  /// - Returns: nil behind the last element, once the connection was closed from this side.
  /// - Throws: `WebSocketError` that says why the connection ended, `CancellationError`.
  package mutating func next() async throws -> Element? {
    do {
      let element = try await inbound.next()
      // The stream of a cancelled task ends as one that was closed does.
      if element == nil { try Task.checkCancellation() }
      return element
    } catch {
      throw error is CancellationError ? error : failure.error(for: error)
    }
  }

  /// Waits while the server reads more slowly than it is sent to.
  /// - Throws: as `next`.
  package func send(_ message: WebSocketMessage) async throws {
    do { try await outbound.write(message) } catch {
      throw error is CancellationError ? error : failure.error(for: error)
    }
  }

  /// Ends the connection with an error of kind `timedOut` unless `cancel` is called in time.
  package func deadline(in time: Duration, _ message: @autoclosure () -> String) -> WebSocketDeadline {
    let (channel, error) = (channel, WebSocketError(.timedOut, message()))
    return WebSocketDeadline(timer: channel.eventLoop.scheduleTask(in: TimeAmount(time)) {
      channel.pipeline.fireErrorCaught(error)
      channel.close(promise: nil)
    })
  }

  /// For other tasks: closes the connection, so that `next` returns.
  package var closer: WebSocketCloser { WebSocketCloser(channel: channel) }
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

/// Why the connection ended, for the writes that fail because of it.
final class FirstFailure: Sendable {
  private let first = Mutex<WebSocketError?>(nil)

  func note(_ error: WebSocketError) { first.withLock { $0 = $0 ?? error } }

  func error(for error: any Error) -> WebSocketError {
    first.withLock { $0 } ?? WebSocketError(error, isOpen: true)
  }
}

extension TimeAmount {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)
  }
}
