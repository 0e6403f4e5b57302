import Core
import enum HTTP.RetryAfter
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Opens WebSockets (RFC 6455, without extensions). It tries once: its caller backs off, and the error of a refused
/// handshake carries the `Retry-After` to give to `Backoff.next`.
package struct WebSocketClient: Sendable {
  package let configuration: WebSocketConfiguration

  package init(_ configuration: WebSocketConfiguration) { self.configuration = configuration }

  private typealias Messages<Element: Sendable> = NIOAsyncChannel<Element, WebSocketMessage>

  private enum Handshake<Element: Sendable>: Sendable {
    case accepted(Messages<Element>)
    case refused(EventLoopFuture<HTTPResponseHead>, any Channel)
  }

  /// Connects, runs `body`, and closes the connection with code 1000.
  /// - Throws: `WebSocketError`, and what `body` throws.
  package func connect<Decoder: WebSocketDecoder, Value: Sendable>(
    decoding decoder: Decoder, isolation: isolated (any Actor)? = #isolation,
    _ body: (inout WebSocket<Decoder.Element>) async throws -> Value
  ) async throws -> Value {
    let end = ConnectionEnd()
    let messages = try await open(decoder, end)
    return try await messages.executeThenClose { inbound, outbound in
      var socket = WebSocket(inbound, outbound, messages.channel, end)
      return try await body(&socket)
    }
  }

  private func open<Decoder: WebSocketDecoder>(
    _ decoder: Decoder, _ end: ConnectionEnd
  ) async throws(WebSocketError) -> Messages<Decoder.Element> {
    let url = configuration.url
    let tls = url.isSecure ? try makeTLS() : nil
    let handshake: Handshake<Decoder.Element>
    do {
      handshake = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connectTimeout(TimeAmount(configuration.connectTime))
        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .connect(host: url.host, port: url.port) { channel in
          channel.eventLoop.makeCompletedFuture { try configure(channel, tls, decoder, end) }
        }.get()
    } catch {
      throw WebSocketError(error, isOpen: false)
    }
    switch handshake {
    case .accepted(let messages): return messages
    case .refused(let head, let channel):
      let answer = try? await head.get()
      try? await channel.close()
      guard let answer else { throw WebSocketError(.handshakeRefused(status: nil), "\(url) gave no WebSocket") }
      throw WebSocketError(
        .handshakeRefused(status: Int(answer.status.code)),
        "\(url) answered \(answer.status.code) instead of a WebSocket",
        retryAfter: answer.headers.first(name: "Retry-After").flatMap { RetryAfter.delay($0) })
    }
  }

  private func makeTLS() throws(WebSocketError) -> NIOSSLContext {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let file = configuration.caFile { tls.trustRoots = .file(file) }
    do { return try NIOSSLContext(configuration: tls) } catch {
      throw WebSocketError(.misconfigured, "no TLS with these authorities: \(error)")
    }
  }

  private func configure<Decoder: WebSocketDecoder>(
    _ channel: any Channel, _ tls: NIOSSLContext?, _ decoder: Decoder, _ end: ConnectionEnd
  ) throws -> EventLoopFuture<Handshake<Decoder.Element>> {
    let (pipeline, url, configuration) = (channel.pipeline.syncOperations, configuration.url, configuration)
    if let tls {
      // Names are checked, and literal addresses have none to send.
      let isName = (try? SocketAddress(ipAddress: url.host, port: 0)) == nil
      try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isName ? url.host : nil))
    }
    let upgrader = NIOTypedWebSocketClientUpgrader<Handshake<Decoder.Element>>(
      maxFrameSize: configuration.maxMessageBytes, enableAutomaticErrorHandling: false
    ) { channel, _ in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(WebSocketHandler(configuration, decoder: decoder, end: end))
        return .accepted(try Messages(wrappingChannelSynchronously: channel))
      }
    }
    var headers = HTTPHeaders([("Host", url.authority)])
    for header in configuration.headers { headers.add(name: header.name, value: header.value) }
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: url.path, headers: headers)
    var upgrade = NIOUpgradableHTTPClientPipelineConfiguration(
      upgradeConfiguration: NIOTypedHTTPClientUpgradeConfiguration(
        upgradeRequestHead: head, upgraders: [upgrader],
        notUpgradingCompletionHandler: { channel in
          channel.eventLoop.makeCompletedFuture {
            let head = channel.eventLoop.makePromise(of: HTTPResponseHead.self)
            try channel.pipeline.syncOperations.addHandler(HeadHandler(head))
            return .refused(head.futureResult, channel)
          }
        }))
    // The server may greet in the packet that ends the handshake.
    upgrade.leftOverBytesStrategy = .forwardBytes
    let result = try pipeline.configureUpgradableHTTPClientPipeline(configuration: upgrade)
    let timeout = channel.eventLoop.scheduleTask(in: TimeAmount(configuration.connectTime)) {
      channel.pipeline.fireErrorCaught(WebSocketError(.timedOut, "\(url): no handshake in time"))
      channel.close(promise: nil)
    }
    result.whenComplete { _ in timeout.cancel() }
    return result
  }

  /// Waits for the head of an answer that is no WebSocket.
  private final class HeadHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    private var head: EventLoopPromise<HTTPResponseHead>?
    init(_ head: EventLoopPromise<HTTPResponseHead>) { self.head = head }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      if case .head(let head) = unwrapInboundIn(data) { settle(.success(head)) }
    }
    func channelInactive(context: ChannelHandlerContext) {
      settle(.failure(ChannelError.eof))
      context.fireChannelInactive()
    }
    func handlerRemoved(context: ChannelHandlerContext) { settle(.failure(ChannelError.eof)) }

    private func settle(_ result: Result<HTTPResponseHead, any Error>) {
      head?.completeWith(result)
      head = nil
    }
  }
}

/// Why a WebSocket is not there, or ended. The message holds no payload, and of the URL only host and port.
package typealias WebSocketError = CodedError<WebSocketErrorKind>

package enum WebSocketErrorKind: ErrorKind {
  /// No connection, or no TLS with this name and these authorities.
  case connectFailed
  /// No answer within its time: to the handshake, or of a deadline that the reader set.
  case timedOut
  /// The server answered the handshake with this status, or nil: with nothing. `retryAfter` is what it asked for.
  case handshakeRefused(status: Int?)
  /// The server sent a close frame with this code (RFC 6455, section 7.4); nil: without one.
  case closed(code: Int?)
  /// The connection broke off, or the other side neither spoke nor read for too long.
  case lost
  /// The server broke the protocol.
  case protocolBroken
  /// A frame or message is longer than the limit.
  case tooLarge
  /// The authorities cannot be read.
  case misconfigured

  package var code: String {
    switch self {
    case .connectFailed: "websocket_unreachable"
    case .timedOut: "websocket_timed_out"
    case .handshakeRefused: "websocket_handshake_refused"
    case .closed: "websocket_closed"
    case .lost: "websocket_lost"
    case .protocolBroken: "websocket_protocol_broken"
    case .tooLarge: "websocket_message_too_large"
    case .misconfigured: "websocket_misconfigured"
    }
  }

  package var errorClass: ErrorClass { self == .misconfigured ? .configuration : .transient }

  /// The code of the close frame that tells the server.
  var closeCode: WebSocketErrorCode {
    switch self {
    case .protocolBroken: .protocolError
    case .tooLarge: .messageTooLarge
    default: .goingAway
    }
  }
}

extension WebSocketError {
  /// An error of the network: before the handshake has ended, or behind it.
  init(_ error: any Error, isOpen: Bool) {
    switch error {
    case let error as WebSocketError: self = error
    case NIOWebSocketError.invalidFrameLength: self.init(.tooLarge, "a frame is longer than the limit")
    case let error as NIOWebSocketError: self.init(.protocolBroken, "not a WebSocket as it should be: \(error)")
    case _ where isOpen: self.init(.lost, "the connection broke off: \(error)")
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self.init(.connectFailed, "no TLS: \(error)")
    default: self.init(.connectFailed, "no connection: \(error)")
    }
  }
}
