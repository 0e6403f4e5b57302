import HummingbirdCore
import Logging
import NIOCore

/// A server's connections, each held until its channel is closed.
///
/// A connection that is accepted while the server stops is handed to a loop that has ended. SwiftNIO ends the process
/// when the last reference to a connection goes before its writer is finished (`NIOAsyncWriter`), which closing does.
struct HeldConnections<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    base.setup(channel: channel, logger: logger).map { value in
      channel.closeFuture.whenComplete { _ in withExtendedLifetime(value) {} }
      return value
    }
  }

  func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

extension HTTPServerBuilder {
  /// HTTP/1 that may be stopped at any moment. Every server of ours is one.
  package static func stoppableHTTP1(configuration: HTTP1Channel.Configuration = .init()) -> HTTPServerBuilder {
    .init { responder in
      HeldConnections(base: HTTP1Channel(responder: responder, configuration: configuration))
    }
  }
}
