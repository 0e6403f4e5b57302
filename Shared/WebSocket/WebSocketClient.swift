import enum HTTP.RetryAfter
import Core
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
