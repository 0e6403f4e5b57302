import NIOCore
import NIOWebSocket

/// What comes in on a connection.
enum Incoming: Sendable {
  case message([UInt8])
  /// A frame that could not be read, with the reason; those behind it can.
  case unreadable(String)
}

/// Between WebSocket frames and TradingView's messages: joins fragments, answers pings and heartbeats, ends a
/// connection that went silent, and closes with a close frame. Runs on the connection's event loop.
final class SocketHandler: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = Incoming
  typealias OutboundIn = [UInt8]
  typealias OutboundOut = WebSocketFrame

  private let settings: TradingViewSettings
  private var decoder: FrameDecoder
  private var fragments: ByteBuffer?
  private var heard = NIODeadline.now()
  private var pinging: RepeatedTask?
  private var isBroken = false
  /// Set once our close frame is on its way: completed when the connection is closed.
  private var goodbye: [EventLoopPromise<Void>]?
  private var hangUp: Scheduled<Void>?
  /// How long the server may take to answer a close frame.
  private static let goodbyeTime = TimeAmount.seconds(1)

  init(settings: TradingViewSettings) {
    self.settings = settings
    decoder = FrameDecoder(maxPayload: settings.maxMessageBytes)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    heard = .now()
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let interval = TimeAmount(settings.pingInterval)
    pinging = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      let (handler, context) = bound.value
      handler.tick(context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    pinging?.cancel()
    hangUp?.cancel()
  }

  private func tick(_ context: ChannelHandlerContext) {
    let silence = NIODeadline.now() - heard
    if silence > TimeAmount(settings.idleLimit) {
      fail(context, SourceError(.connectionLost, "the server was silent for \(silence.nanoseconds / 1_000_000_000) s"))
    } else {
      send(context, .ping, context.channel.allocator.buffer(capacity: 0))
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    if frame.opcode == .connectionClose {
      // The answer to ours, or the server's wish.
      if goodbye == nil { send(context, .connectionClose, frame.unmaskedData) }
      goodbye = goodbye ?? []
      return context.close(promise: nil)
    }
    guard !isBroken, goodbye == nil else { return }
    heard = .now()
    switch frame.opcode {
    case .ping: send(context, .pong, frame.unmaskedData)
    case .pong: break
    case .text, .binary, .continuation: join(context, frame)
    default: fail(context, SourceError(.protocolBroken, "a WebSocket frame of unknown kind"))
    }
  }

  private func join(_ context: ChannelHandlerContext, _ frame: WebSocketFrame) {
    var data = frame.unmaskedData
    if var whole = fragments {
      guard frame.opcode == .continuation, whole.readableBytes + data.readableBytes <= settings.maxMessageBytes else {
        return fail(context, SourceError(.protocolBroken, "fragments out of order, or longer than the limit"))
      }
      fragments = nil
      whole.writeBuffer(&data)
      data = whole
    } else if frame.opcode == .continuation {
      return fail(context, SourceError(.protocolBroken, "a fragment of no message"))
    }
    guard frame.fin else {
      fragments = data
      return
    }
    decoder.feed(data.readableBytesView)
    do {
      while let frame = try decoder.next() {
        switch frame {
        case .heartbeat(let payload):
          let text = FrameDecoder.encode(String(decoding: payload, as: UTF8.self))
          send(context, .text, context.channel.allocator.buffer(bytes: text))
        case .message(let payload):
          context.fireChannelRead(wrapInboundOut(.message(payload)))
        case .unreadable(let reason): context.fireChannelRead(wrapInboundOut(.unreadable(reason)))
        }
      }
    } catch {
      fail(context, SourceError(.protocolBroken, "\(error)"))
    }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    // Behind a close frame there is nothing more to say.
    guard goodbye == nil else { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
    let bytes = context.channel.allocator.buffer(bytes: unwrapOutboundIn(data))
    context.write(wrapOutboundOut(Self.frame(.text, bytes)), promise: promise)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !isBroken { fail(context, (error as? SourceError) ?? TradingViewConnection.meaning(of: error)) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    hangUp?.cancel()
    for promise in goodbye ?? [] { promise.succeed() }
    goodbye = []
    if !isBroken {
      isBroken = true
      context.fireErrorCaught(SourceError(.connectionLost, "the server closed the connection"))
    }
    context.fireChannelInactive()
  }

  private func fail(_ context: ChannelHandlerContext, _ error: SourceError) {
    isBroken = true
    context.fireErrorCaught(error)
    sayGoodbye(context, error.kind == .protocolBroken ? .protocolError : .goingAway, nil)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all else { return context.close(mode: mode, promise: promise) }
    sayGoodbye(context, .normalClosure, promise)
  }

  /// Sends a close frame, and closes the connection when the server has answered it or has had the time to: a
  /// connection that is closed with bytes unread is reset, and the frame may never be read.
  private func sayGoodbye(
    _ context: ChannelHandlerContext, _ code: WebSocketErrorCode, _ promise: EventLoopPromise<Void>?
  ) {
    guard context.channel.isActive else { return context.close(promise: promise) }
    let isFirst = goodbye == nil
    goodbye = (goodbye ?? []) + [promise].compactMap { $0 }
    guard isFirst else { return }
    var data = context.channel.allocator.buffer(capacity: 2)
    data.write(webSocketErrorCode: code)
    send(context, .connectionClose, data)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    hangUp = context.eventLoop.scheduleTask(in: Self.goodbyeTime) { bound.value.close(promise: nil) }
  }

  private func send(_ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer) {
    context.writeAndFlush(wrapOutboundOut(Self.frame(opcode, data)), promise: nil)
  }

  private static func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
  }
}
