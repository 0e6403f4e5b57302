import NIOCore
import NIOWebSocket

/// Between WebSocket frames and TradingView's messages: joins fragments, answers pings and heartbeats, and ends a
/// connection that went silent. Runs on the connection's event loop.
final class SocketHandler: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = [UInt8]
  typealias OutboundIn = [UInt8]
  typealias OutboundOut = WebSocketFrame

  private let settings: TradingViewSettings
  private var decoder: FrameDecoder
  private var fragments: ByteBuffer?
  private var heard = NIODeadline.now()
  private var pinging: RepeatedTask?
  private var isBroken = false

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

  func handlerRemoved(context: ChannelHandlerContext) { pinging?.cancel() }

  private func tick(_ context: ChannelHandlerContext) {
    let silence = NIODeadline.now() - heard
    if silence > TimeAmount(settings.idleLimit) {
      fail(context, SourceError(.connectionLost, "the server was silent for \(silence.nanoseconds / 1_000_000_000) s"))
    } else {
      send(context, .ping, context.channel.allocator.buffer(capacity: 0))
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isBroken else { return }
    let frame = unwrapInboundIn(data)
    heard = .now()
    switch frame.opcode {
    case .ping: send(context, .pong, frame.unmaskedData)
    case .pong: break
    case .connectionClose:
      send(context, .connectionClose, frame.unmaskedData)
      context.close(promise: nil)
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
          context.fireChannelRead(wrapInboundOut(payload))
        }
      }
    } catch {
      fail(context, SourceError(.protocolBroken, "\(error)"))
    }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let bytes = context.channel.allocator.buffer(bytes: unwrapOutboundIn(data))
    context.write(wrapOutboundOut(Self.frame(.text, bytes)), promise: promise)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !isBroken { fail(context, (error as? SourceError) ?? TradingViewConnection.meaning(of: error)) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !isBroken {
      isBroken = true
      context.fireErrorCaught(SourceError(.connectionLost, "the server closed the connection"))
    }
    context.fireChannelInactive()
  }

  private func fail(_ context: ChannelHandlerContext, _ error: SourceError) {
    isBroken = true
    context.fireErrorCaught(error)
    context.close(promise: nil)
  }

  private func send(_ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer) {
    context.writeAndFlush(wrapOutboundOut(Self.frame(opcode, data)), promise: nil)
  }

  private static func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
    WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
  }
}
