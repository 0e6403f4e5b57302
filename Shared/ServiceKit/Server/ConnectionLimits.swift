import Core
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
import ServiceLifecycle
import Synchronization

/// What connections to the endpoint may hold: each has a time for its next whole request and for taking the answer,
/// and beyond a number of them the one that has been silent for longest is closed for the newest. So connections that
/// are left half open, by mistake or not, end, and never keep a probe out.
package struct ConnectionLimits: Sendable {
  /// Longer than the scrape intervals of most, so that their connections last.
  package var requestTime = TimeAmount.seconds(75)
  package var maxConnections = 64
  /// Whether an answer may last: then every part of it that the client takes gives it more time.
  package var allowsStreams = false
  /// The flags of the address, for messages.
  var hostSetting = "--http-host (HTTP_HOST)"
  var portSetting = "--http-port (HTTP_PORT)"
  private let open = OpenConnections()

  package init() {}

  package func makeHandler() -> some RemovableChannelHandler { ConnectionWatch(self) }

  /// In the order of their last whole request or answer.
  private final class OpenConnections: Sendable {
    private struct State {
      var next: UInt64 = 0
      var channels: [UInt64: any Channel] = [:]
    }
    private let state = Mutex(State())

    /// - Parameter place: of the same connection before.
    func note(_ channel: any Channel, after place: UInt64?, limit: Int) -> UInt64 {
      let (place, surplus) = state.withLock { state in
        if let place { state.channels[place] = nil }
        state.next += 1
        state.channels[state.next] = channel
        let oldest = state.channels.count > limit ? state.channels.keys.min() : nil
        return (state.next, oldest.flatMap { state.channels.removeValue(forKey: $0) })
      }
      surplus?.close(promise: nil)
      return place
    }

    func forget(_ place: UInt64) { state.withLock { $0.channels[place] = nil } }
  }

  /// One connection's, on its event loop.
  private final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionLimits
    private var place: UInt64?
    private var deadline: Scheduled<Void>?

    init(_ limits: ConnectionLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) { goOn(context) }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
      end()
      context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if case .end = unwrapInboundIn(data) { goOn(context) }
      context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      var promise = promise
      switch unwrapOutboundIn(data) {
      case .end: goOn(context)
      case .body where limits.allowsStreams:
        let taken = promise ?? context.eventLoop.makePromise()
        taken.futureResult.assumeIsolated().whenSuccess { if self.place != nil { self.goOn(context) } }
        promise = taken
      case .head, .body: break
      }
      context.write(data, promise: promise)
    }

    /// The time begins again.
    private func goOn(_ context: ChannelHandlerContext) {
      let channel = context.channel
      deadline?.cancel()
      deadline = context.eventLoop.scheduleTask(in: limits.requestTime) { channel.close(promise: nil) }
      place = limits.open.note(channel, after: place, limit: limits.maxConnections)
    }

    private func end() {
      deadline?.cancel()
      if let place { limits.open.forget(place) }
      place = nil
    }
  }
}

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

  /// The server, with answers that are dated and, by RFC 9110, name it where the configuration does.
  package func service(
    _ configuration: ServerConfiguration, logger: Logger, onRunning: @escaping @Sendable (any Channel) -> Void,
    answer: @escaping @Sendable (Request) async -> Response
  ) throws -> any Service {
    let name = configuration.serverName
    return try buildServer(
      configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
      responder: { request, writer, _ in
        var response = await answer(request)
        response.headers[.date] = CivilDate.httpText(WallClock.seconds())
        if let name { response.headers[.server] = name }
        try await writer.write(response: response.head, body: response.body)
      },
      onServerRunning: { onRunning($0) })
  }
}
