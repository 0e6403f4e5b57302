import enum HTTP.RetryAfter
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import Runtime

/// One WebSocket to TradingView.
struct TradingViewConnection {
  typealias Messages = NIOAsyncChannel<Incoming, [UInt8]>

  private enum Handshake: Sendable {
    case accepted(Messages)
    case refused(EventLoopFuture<HTTPResponseHead>, any Channel)
  }

  /// - Throws: `SourceError`.
  static func open(_ settings: TradingViewSettings) async throws -> Messages {
    let tls = settings.address.isSecure ? try makeTLS(settings) : nil
    let handshake: Handshake
    do {
      handshake = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connectTimeout(TimeAmount(settings.connectTime))
        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .connect(host: settings.address.host, port: settings.address.port) { channel in
          channel.eventLoop.makeCompletedFuture { try configure(channel, settings, tls) }
        }.get()
    } catch {
      throw meaning(of: error)
    }
    switch handshake {
    case .accepted(let messages): return messages
    case .refused(let head, let channel):
      let answer = try? await head.get()
      try? await channel.close()
      guard let answer else { throw SourceError(.handshakeRefused, "\(settings.address) gave no WebSocket") }
      let hint = answer.status == .forbidden ? "; it wants another --source-origin, or another address of ours" : ""
      throw SourceError(
        .handshakeRefused, "\(settings.address) answered \(answer.status.code) instead of a WebSocket\(hint)",
        retryAfter: answer.headers.first(name: "Retry-After").flatMap { RetryAfter.delay($0) })
    }
  }

  private static func makeTLS(_ settings: TradingViewSettings) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    if let file = settings.caFile { configuration.trustRoots = .file(file) }
    do { return try NIOSSLContext(configuration: configuration) } catch {
      throw SourceError(.misconfigured, "no TLS with these authorities: \(error)")
    }
  }

  private static func configure(
    _ channel: any Channel, _ settings: TradingViewSettings, _ tls: NIOSSLContext?
  ) throws -> EventLoopFuture<Handshake> {
    let pipeline = channel.pipeline.syncOperations
    if let tls {
      // Names are checked, and literal addresses have none to send.
      let host = settings.address.host
      let isName = (try? SocketAddress(ipAddress: host, port: 0)) == nil
      try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isName ? host : nil))
    }
    let upgrader = NIOTypedWebSocketClientUpgrader<Handshake>(maxFrameSize: settings.maxMessageBytes) { channel, _ in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(SocketHandler(settings: settings))
        return .accepted(try Messages(wrappingChannelSynchronously: channel))
      }
    }
    var headers = HTTPHeaders()
    headers.add(name: "Host", value: settings.address.authority)
    headers.add(name: "Origin", value: settings.origin)
    headers.add(name: "User-Agent", value: "Mozilla/5.0 (compatible; souk/\(Souk.version))")
    let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: settings.address.path, headers: headers)
    var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
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
    configuration.leftOverBytesStrategy = .forwardBytes
    let result = try pipeline.configureUpgradableHTTPClientPipeline(configuration: configuration)
    let patience = channel.eventLoop.scheduleTask(in: TimeAmount(settings.connectTime)) {
      channel.pipeline.fireErrorCaught(SourceError(.timedOut, "\(settings.address): no handshake in time"))
      channel.close(promise: nil)
    }
    result.whenComplete { _ in patience.cancel() }
    return result
  }

  /// What an error of the network is to the service.
  static func meaning(of error: any Error) -> SourceError {
    switch error {
    case let error as SourceError: error
    case is NIOConnectionError, is ChannelError, is IOError: SourceError(.connectFailed, "no connection: \(error)")
    case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: SourceError(.connectFailed, "no TLS: \(error)")
    case let error as NIOWebSocketError: SourceError(.protocolBroken, "not a WebSocket as it should be: \(error)")
    default: SourceError(.connectionLost, "\(error)")
    }
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
