import Core
import Feeds
import Foundation
import Messages
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// The port of the simulator: WebSockets and plain HTTP.
enum FeedListener {
  final class Holder: Sendable {
    private let storage = Mutex<FeedSimulator?>(nil)
    var simulator: FeedSimulator? {
      get { storage.withLock { $0 } }
      set { storage.withLock { $0 = newValue } }
    }
  }

  static func listen(_ host: String, _ port: Int, _ holder: Holder) async throws -> any Channel {
    try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 64)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        let upgrader = NIOWebSocketServerUpgrader(
          maxFrameSize: 1 << 20,
          shouldUpgrade: { channel, head in
            let isThere = feed(head.uri) != nil && holder.simulator?.isAway == false
            return channel.eventLoop.makeSucceededFuture(isThere ? HTTPHeaders() : nil)
          },
          upgradePipelineHandler: { channel, head in
            channel.eventLoop.makeCompletedFuture {
              guard let simulator = holder.simulator, let feed = feed(head.uri) else { return }
              let pipeline = channel.pipeline.syncOperations
              pipeline.removeHandler(try pipeline.handler(type: Answerer.self), promise: nil)
              let isPacked = head.headers.first(name: "Content-Type") == "application/msgpack"
              try pipeline.addHandler(FeedTalk(simulator, feed, isPacked: isPacked && !feed.isPolygon))
            }
          })
        return channel.pipeline.configureHTTPServerPipeline(
          withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in })
        ).flatMapThrowing { try channel.pipeline.syncOperations.addHandler(Answerer(holder)) }
      }
      .bind(host: host, port: port).get()
  }

  static func feed(_ path: String) -> Feed? {
    switch path.prefix(while: { $0 != "?" }) {
    case "/stocks": .polygonStocks
    case "/options": .polygonOptions
    case "/v2/iex", "/v2/sip", "/v2/delayed_sip", "/v2/test": .alpacaStocks
    case "/v1beta1/indicative", "/v1beta1/opra": .alpacaOptions
    default: nil
    }
  }

  /// Answers historical queries.
  private final class Answerer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let holder: Holder
    private var head: HTTPRequestHead?
    init(_ holder: Holder) { self.holder = holder }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): self.head = head
      case .body: break
      case .end:
        guard let head, let simulator = holder.simulator else { return }
        let answer = simulator.answer(head)
        let channel = context.channel
        let body = channel.allocator.buffer(string: answer.body)
        var headers = HTTPHeaders([("Content-Type", "application/json"), ("Content-Length", "\(body.readableBytes)")])
        if let delay = answer.retryAfter { headers.add(name: "Retry-After", value: delay) }
        let begin = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
        let delay = simulator.state.withLock { $0.script.answerDelay }
        let close = !head.isKeepAlive
        context.eventLoop.scheduleTask(in: .nanoseconds(Int64(delay / .nanoseconds(1)))) {
          channel.write(HTTPServerResponsePart.head(begin), promise: nil)
          channel.write(HTTPServerResponsePart.body(.byteBuffer(body)), promise: nil)
          let ended = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
          if close { ended.whenComplete { _ in channel.close(promise: nil) } }
        }
      }
    }
  }
}

/// One connection to a stream.
private final class FeedTalk: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame
  private let simulator: FeedSimulator
  private let feed: Feed
  private let isPacked: Bool

  init(_ simulator: FeedSimulator, _ feed: Feed, isPacked: Bool) {
    self.simulator = simulator
    self.feed = feed
    self.isPacked = isPacked
  }

  private var id: ObjectIdentifier { ObjectIdentifier(self) }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    let slowLimit = simulator.state.withLock { $0.script.slowLimit }
    channel.setOption(.writeBufferWaterMark, value: .init(low: slowLimit / 4, high: slowLimit)).whenFailure { _ in }
    if slowLimit < FeedScript().slowLimit {
      // Without this limit the kernel's send buffer grows to megabytes.
      channel.setOption(.socketOption(.so_sndbuf), value: .init(slowLimit)).whenFailure { _ in }
    }
    let connection = simulator.state.withLock { state in
      state.made += 1
      let connection = FeedSimulator.Connection(
        channel: channel, feed: feed, isPacked: isPacked, number: state.made)
      state.connections[id] = connection
      return connection
    }
    simulator.send(
      feed.isPolygon
        ? #"[{"ev":"status","status":"connected","message":"Connected Successfully"}]"#
        : #"[{"T":"success","msg":"connected"}]"#, connection)
  }

  func handlerRemoved(context: ChannelHandlerContext) { simulator.state.withLock { $0.connections[id] = nil } }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    switch frame.opcode {
    case .text, .binary: break
    case .ping:
      let pong = WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)
      return context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
    case .connectionClose:
      let answer = WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData)
      context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
      return context.close(promise: nil)
    default: return
    }
    var bytes = Array(frame.unmaskedData.readableBytesView)
    guard (frame.opcode == .binary) == isPacked else {
      return say(feed.isPolygon ? nil : error(412, "option messages are only available in MsgPack format"))
    }
    if isPacked {
      var writer = JSONWriter()
      do throws(DecodingFailure) { try MessagePack.transcode(bytes.span.bytes, into: &writer) } catch {
        return say(self.error(400, "invalid syntax"))
      }
      bytes = writer.array()
    }
    guard let request = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let action = request["action"] as? String
    else { return say(error(400, "invalid syntax")) }
    feed.isPolygon ? polygon(action, request["params"] as? String ?? "") : alpaca(action, request)
  }

  private func error(_ code: Int, _ message: String) -> String {
    #"[{"T":"error","code":\#(code),"msg":"\#(message)"}]"#
  }

  /// Sends a text; `thenClose` closes the connection after it.
  private func say(_ text: String?, thenClose: Bool = false) {
    guard let connection = simulator.state.withLock({ $0.connections[id] }) else { return }
    if let text { simulator.send(text, connection) }
    if thenClose {
      let channel = connection.channel
      channel.eventLoop.execute { channel.close(promise: nil) }
    }
  }

  private enum Login { case letIn(closing: FeedSimulator.Connection?), wrongKey, noPlan, tooMany }

  private func logIn(_ isRight: Bool) -> Login {
    simulator.state.withLock { state in
      guard isRight, state.script.refusedLogins == 0 else {
        state.script.refusedLogins = max(0, state.script.refusedLogins - 1)
        return .wrongKey
      }
      if state.script.refusedFeeds.contains(feed.rawValue) { return .noPlan }
      let others = state.connections.filter { $0.key != id && $0.value.isLoggedIn && $0.value.feed == feed }
      var closing: FeedSimulator.Connection?
      if others.count >= state.script.connections {
        guard feed.isPolygon else { return .tooMany }
        if let oldest = others.min(by: { $0.value.number < $1.value.number }) {
          closing = oldest.value
          state.connections[oldest.key] = nil
        }
      }
      state.logins += 1
      state.connections[id]?.isLoggedIn = true
      return .letIn(closing: closing)
    }
  }

  private func polygon(_ action: String, _ params: String) {
    func status(_ status: String, _ message: String) -> String {
      #"[{"ev":"status","status":"\#(status)","message":"\#(message)"}]"#
    }
    switch action {
    case "auth":
      switch logIn(params == simulator.state.withLock { $0.script.key }) {
      case .letIn(let closing):
        if let closing {
          simulator.send(status("max_connections", "Maximum number of websocket connections exceeded."), closing)
          closing.channel.close(promise: nil)
        }
        say(status("auth_success", "authenticated"))
      case .wrongKey: say(status("auth_failed", "authentication failed"), thenClose: true)
      case .noPlan, .tooMany:
        say(status("auth_failed", "Your plan doesn't include websocket access."), thenClose: true)
      }
    case "subscribe", "unsubscribe":
      guard simulator.state.withLock({ $0.connections[id]?.isLoggedIn }) == true else {
        return say(status("auth_required", "Authenticate first"))
      }
      // All of a request at once, so that a test knows from which event on a listener is to have everything.
      let answers = simulator.state.withLock { state in
        params.split(separator: ",").compactMap { word -> String? in
          guard let point = word.firstIndex(of: ".") else { return nil }
          let interest = "\(word[..<point])/\(word[word.index(after: point)...])"
          if interest.hasSuffix("/*"), !state.script.allowsStar { return status("error", "not authorized") }
          let isNew = action == "unsubscribe"
            ? state.connections[id]?.interests.remove(interest) != nil
            : state.connections[id]?.interests.insert(interest).inserted ?? false
          return isNew ? status("success", "\(action)d to: \(word)") : nil
        }
      }
      for answer in answers { say(answer) }
    default: say(status("error", "unknown action"))
    }
  }

  private func alpaca(_ action: String, _ request: [String: Any]) {
    switch action {
    case "auth":
      let isRight = simulator.state.withLock {
        request["key"] as? String == $0.script.key && request["secret"] as? String == $0.script.secret
      }
      switch logIn(isRight) {
      case .letIn: say(#"[{"T":"success","msg":"authenticated"}]"#)
      case .wrongKey: say(error(402, "auth failed"), thenClose: true)
      case .noPlan: say(error(409, "insufficient subscription"), thenClose: true)
      case .tooMany: say(error(406, "connection limit exceeded"), thenClose: true)
      }
    case "subscribe", "unsubscribe":
      let names = ["trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds"]
      var words: Set<String> = []
      for name in names { for symbol in request[name] as? [String] ?? [] { words.insert("\(name)/\(symbol)") } }
      let asked = words
      let answer = simulator.state.withLock { state -> String in
        guard let connection = state.connections[id], connection.isLoggedIn else {
          return error(401, "not authenticated")
        }
        if !state.script.allowsStar, asked.contains(where: { $0.hasSuffix("/*") }) {
          return error(413, "star subscription is not allowed")
        }
        let after = action == "subscribe" ? connection.interests.union(asked) : connection.interests.subtracting(asked)
        let counted = Set(
          after.filter { $0.hasPrefix("trades/") || $0.hasPrefix("quotes/") }.map { $0.split(separator: "/")[1] })
        if let limit = state.script.symbolLimit, counted.count > limit { return error(405, "symbol limit exceeded") }
        state.connections[id]?.interests = after
        let lists = names.map { name in
          let symbols = after.filter { $0.hasPrefix("\(name)/") }.map { "\"\($0.dropFirst(name.utf8.count + 1))\"" }
          return "\"\(name)\":[\(symbols.sorted().joined(separator: ","))]"
        }
        return #"[{"T":"subscription",\#(lists.joined(separator: ","))}]"#
      }
      say(answer)
    default: say(error(400, "invalid syntax"))
    }
  }
}
