import Core
import NIOCore
import NIOWebSocket

/// Between frames and messages: joins fragments, answers pings, ends a connection whose other side went silent or
/// stopped reading, and closes with a close frame. Runs on the connection's event loop.
final class WebSocketHandler<Decoder: WebSocketDecoder>: ChannelDuplexHandler {
  typealias InboundIn = WebSocketFrame
  typealias InboundOut = Decoder.Element
  typealias OutboundIn = WebSocketMessage
  typealias OutboundOut = WebSocketFrame

  private let configuration: WebSocketConfiguration
  private var decoder: Decoder
  private let end: ConnectionEnd
  /// The kind and the bytes so far of a message whose end has not come.
  private var fragments: (kind: WebSocketOpcode, bytes: ByteBuffer)?
  private var pinging: RepeatedTask?
  private var isBroken = false

  private var heard = NIODeadline.now()
  /// While the reader of the messages is slow nothing is read, and silence is not the server's.
  private var isListening = true
  private var sent = NIODeadline.now()
  /// Frames that the connection has not taken yet.
  private var unsent = 0

  /// Set once our close frame is on its way: completed when the connection is closed.
  private var closing: [EventLoopPromise<Void>]?
  /// The close frame was the server's idea.
  private var closedByServer: WebSocketError?
  private var hangUp: Scheduled<Void>?

  init(_ configuration: WebSocketConfiguration, decoder: Decoder, end: ConnectionEnd) {
    self.configuration = configuration
    self.decoder = decoder
    self.end = end
  }

  func handlerAdded(context: ChannelHandlerContext) {
    heard = .now()
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let interval = TimeAmount(configuration.pingInterval)
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
    guard !isBroken, closing == nil else { return }
    let limit = TimeAmount(configuration.idleLimit)
    func seconds(_ since: NIODeadline) -> Int64 { (NIODeadline.now() - since).nanoseconds / 1_000_000_000 }
    if unsent > 0, NIODeadline.now() - sent > limit {
      // It is silent as well: our pings wait behind what it does not read.
      fail(context, WebSocketError(.lost, "the server has read nothing for \(seconds(sent)) s"))
    } else if isListening, NIODeadline.now() - heard > limit {
      fail(context, WebSocketError(.lost, "the server was silent for \(seconds(heard)) s"))
    } else {
      send(context, .ping, context.channel.allocator.buffer(capacity: 0))
    }
  }

  // MARK: - in

  func read(context: ChannelHandlerContext) {
    if !isListening { (isListening, heard) = (true, .now()) }
    context.read()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isListening = false
    // Nothing is handed on any more: only the server's close frame is waited for.
    if closing != nil { context.read() }
    context.fireChannelReadComplete()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    if frame.opcode == .connectionClose { return closeFrame(context, frame.unmaskedData) }
    guard !isBroken, closing == nil else { return }
    heard = .now()
    guard frame.maskKey == nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
      return fail(context, WebSocketError(.protocolBroken, "a masked frame, or one of an extension"))
    }
    switch frame.opcode {
    case .ping: send(context, .pong, frame.data)
    case .pong: break
    case .text, .binary, .continuation: join(context, frame)
    default: fail(context, WebSocketError(.protocolBroken, "a frame of unknown kind"))
    }
  }

  /// The answer to ours, or the server's wish.
  private func closeFrame(_ context: ChannelHandlerContext, _ data: ByteBuffer) {
    if closing == nil {
      var rest = data
      let code = rest.readWebSocketErrorCode().map { Int(UInt16(webSocketErrorCode: $0)) }
      let reason = rest.readableBytes == 0 ? "" : ": '\(excerpt(String(buffer: rest)))'"
      let stated = code.map { "code \($0)" } ?? "no code"
      let error = WebSocketError(.closed(code: code), "the server closed the connection with \(stated)\(reason)")
      closedByServer = error
      end.note(error)
      send(context, .connectionClose, data)
      closing = []
    }
    context.close(promise: nil)
  }

  private func join(_ context: ChannelHandlerContext, _ frame: WebSocketFrame) {
    let isContinuation = frame.opcode == .continuation
    guard isContinuation == (fragments != nil) else {
      return fail(context, WebSocketError(.protocolBroken, "fragments out of order"))
    }
    let kind = fragments?.kind ?? frame.opcode
    var bytes = fragments?.bytes ?? frame.data
    if isContinuation {
      guard bytes.readableBytes + frame.data.readableBytes <= configuration.maxMessageBytes else {
        return fail(
          context, WebSocketError(.tooLarge, "a message is longer than \(configuration.maxMessageBytes) bytes"))
      }
      fragments = nil
      bytes.writeImmutableBuffer(frame.data)
    }
    guard frame.fin else {
      fragments = (kind, bytes)
      return
    }
    let payload = Array(bytes.readableBytesView)
    do throws(WebSocketError) {
      let elements = try decoder.decode(kind == .text ? .text(payload) : .binary(payload)) { reply in
        write(reply, context, nil)
        context.flush()
      }
      for element in elements { context.fireChannelRead(wrapInboundOut(element)) }
    } catch {
      fail(context, error)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // While the connection closes, its end says what there is to say.
    if !isBroken, closing == nil { fail(context, WebSocketError(error, isOpen: true)) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    hangUp?.cancel()
    for promise in closing ?? [] { promise.succeed() }
    if !isBroken {
      if let closedByServer {
        report(context, closedByServer)
      } else if closing == nil {
        report(context, .withoutCloseFrame)
      }
    }
    closing = []
    context.fireChannelInactive()
  }

  private func report(_ context: ChannelHandlerContext, _ error: WebSocketError) {
    isBroken = true
    end.note(error)
    context.fireErrorCaught(error)
  }

  private func fail(_ context: ChannelHandlerContext, _ error: WebSocketError) {
    report(context, error)
    startClosing(context, error.kind.closeCode, nil)
  }

  // MARK: - out

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    // Behind a close frame there is nothing more to say.
    guard closing == nil else { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
    write(unwrapOutboundIn(data), context, promise)
  }

  private func write(
    _ message: WebSocketMessage, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
  ) {
    let buffer = context.channel.allocator.buffer(bytes: message.bytes)
    switch message {
    case .text: write(.text, buffer, context, promise)
    case .binary: write(.binary, buffer, context, promise)
    }
  }

  private func send(_ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer) {
    write(opcode, data, context, nil)
    context.flush()
  }

  private func write(
    _ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?
  ) {
    if unsent == 0 { sent = .now() }
    unsent += 1
    let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { _ in
      self.unsent -= 1
      self.sent = .now()
    }
    context.write(
      wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)), promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all else { return context.close(mode: mode, promise: promise) }
    end.noteOwnClose()
    startClosing(context, .normalClosure, promise)
  }

  /// Sends a close frame, and closes the connection when the server has answered it or has had the time to: a
  /// connection that is closed with bytes unread is reset, and the frame may never be read.
  private func startClosing(
    _ context: ChannelHandlerContext, _ code: WebSocketErrorCode, _ promise: EventLoopPromise<Void>?
  ) {
    guard context.channel.isActive else { return context.close(promise: promise) }
    let isFirst = closing == nil
    closing = (closing ?? []) + [promise].compactMap { $0 }
    guard isFirst else { return }
    var data = context.channel.allocator.buffer(capacity: 2)
    data.write(webSocketErrorCode: code)
    send(context, .connectionClose, data)
    // The reader may have stopped reading, and the server's answer has to be read.
    context.read()
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    hangUp = context.eventLoop.scheduleTask(in: TimeAmount(configuration.closeTime)) { bound.value.close(promise: nil) }
  }

  /// What the server wrote, fit for a log line.
  private func excerpt(_ text: String) -> String {
    String(text.unicodeScalars.prefix(123).map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) })
  }
}
