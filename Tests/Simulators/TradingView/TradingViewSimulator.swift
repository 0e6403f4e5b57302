import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import SimulatorServer
import Synchronization

import Foundation

/// A WebSocket server with the part of TradingView's protocol that carries bars, and with faults on request.
package final class TradingViewSimulator: Sendable {
  private struct State {
    var script: SimulatorScript
    var methods: [String] = []
    var heartbeatsAnswered = 0
    var connections = 0
    var refusal = SimulatorScript.Refusal(status: 403)
    var closeCodes: [Int] = []
    var writers: [ObjectIdentifier: (channel: any Channel, sessions: [String: String])] = [:]
  }

  private let state: Mutex<State>
  private let listener: Mutex<(any Channel)?>
  package let port: Int
  private let scheme: String

  private init(_ script: SimulatorScript, _ listener: any Channel, isSecure: Bool) {
    state = Mutex(State(script: script))
    scheme = isSecure ? "tradingview+wss" : "tradingview+ws"
    self.listener = Mutex(listener)
    port = listener.localAddress?.port ?? 0
  }

  /// For `--source`.
  package var url: String { url(host: "127.0.0.1") }
  package func url(host: String) -> String { "\(scheme)://\(host):\(port)/socket.io/websocket" }
  /// The methods that were called, in their order.
  package var methods: [String] { state.withLock { $0.methods } }
  package var heartbeatsAnswered: Int { state.withLock { $0.heartbeatsAnswered } }
  package var connections: Int { state.withLock { $0.connections } }
  /// Of the close frames that clients sent; 0 for one without a code.
  package var closeCodes: [Int] { state.withLock { $0.closeCodes } }
  package func change(_ body: (inout SimulatorScript) -> Void) { state.withLock { body(&$0.script) } }

  /// PEM files of a server that speaks TLS.
  package struct Certificate: Sendable {
    package var chain: String
    package var key: String

    package init(chain: String, key: String) {
      self.chain = chain
      self.key = key
    }

    func context() throws -> NIOSSLContext {
      try NIOSSLContext(configuration: .makeServerConfiguration(
        certificateChain: NIOSSLCertificate.fromPEMFile(chain).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))))
    }
  }

  /// Serves on a free port while `body` runs; with a certificate, TLS only.
  package static func serving<Value: Sendable>(
    _ script: SimulatorScript, certificate: Certificate? = nil,
    _ body: @Sendable (TradingViewSimulator) async throws -> Value
  ) async throws -> Value {
    let holder = Holder()
    let tls = try certificate?.context()
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.backlog, value: 64)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        let upgrader = NIOWebSocketServerUpgrader(
          maxFrameSize: 1 << 20,
          shouldUpgrade: { channel, head in
            let isWelcome = holder.simulator?.state.withLock { state in
              if !state.script.refusals.isEmpty {
                state.refusal = state.script.refusals.removeFirst()
                return false
              }
              state.refusal = SimulatorScript.Refusal(status: 403)
              return state.script.origin.map { head.headers["Origin"].first == $0 } ?? true
            } ?? true
            return channel.eventLoop.makeSucceededFuture(isWelcome ? HTTPHeaders() : nil)
          },
          upgradePipelineHandler: { channel, _ in
            channel.eventLoop.makeCompletedFuture {
              guard let simulator = holder.simulator else { return }
              let pipeline = channel.pipeline.syncOperations
              pipeline.removeHandler(try pipeline.handler(type: Refusal.self), promise: nil)
              try pipeline.addHandler(Talker(simulator))
            }
          })
        return channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
        }.flatMap {
          channel.pipeline.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
        }.flatMapThrowing { try channel.pipeline.syncOperations.addHandler(Refusal(holder)) }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let simulator = TradingViewSimulator(script, listener, isSecure: tls != nil)
    holder.simulator = simulator
    return try await finishing { try await body(simulator) } then: {
      try? await listener.close()
      simulator.hangUp()
    }
  }

  /// Closes every connection.
  package func hangUp() {
    for channel in state.withLock({ $0.writers.values.map(\.channel) }) { channel.close(promise: nil) }
  }

  /// Sends a changed or new bar to every open series of a symbol, and keeps it.
  package func update(_ symbol: String, _ bar: SimulatorScript.Bar) {
    let writers = state.withLock { state in
      var bars = state.script.bars[symbol] ?? []
      bars.removeAll { $0.values[0] == bar.values[0] }
      state.script.bars[symbol] = bars + [bar]
      return state.writers.values.map { $0 }
    }
    for (channel, sessions) in writers {
      for (session, name) in sessions where name == symbol {
        Self.send(Self.framed(Self.bars("du", session, [bar])), on: channel)
      }
    }
  }

  private final class Holder: Sendable {
    private let storage = Mutex<TradingViewSimulator?>(nil)
    var simulator: TradingViewSimulator? {
      get { storage.withLock { $0 } }
      set { storage.withLock { $0 = newValue } }
    }
  }

  // MARK: - one connection

  /// Answers what is no WebSocket.
  private final class Refusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart
    private let holder: Holder
    init(_ holder: Holder) { self.holder = holder }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard case .end = unwrapInboundIn(data) else { return }
      let refusal = holder.simulator?.state.withLock { $0.refusal }
      var head = HTTPResponseHead(
        version: .http1_1, status: .init(statusCode: refusal?.status ?? 403),
        headers: ["Content-Length": "0", "Connection": "close"])
      if let delay = refusal?.retryAfter { head.headers.add(name: "Retry-After", value: delay) }
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
  }

  private final class Talker: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame
    private let simulator: TradingViewSimulator
    private var waiting: [[Any]] = []
    private var heartbeatsLeft = 0
    private var symbols: [String: String] = [:]
    private var given: [String: Int] = [:]

    init(_ simulator: TradingViewSimulator) { self.simulator = simulator }

    func handlerAdded(context: ChannelHandlerContext) {
      let channel = context.channel
      heartbeatsLeft = simulator.state.withLock { state in
        state.connections += 1
        state.writers[ObjectIdentifier(self)] = (channel, [:])
        return state.script.heartbeats
      }
      // Several frames in one message, as the server does.
      var text = TradingViewSimulator.framed(#"{"session_id":"<0.1.2>_sim","protocol":"json"}"#)
      for number in 0..<heartbeatsLeft { text += TradingViewSimulator.framed("~h~\(number + 1)") }
      TradingViewSimulator.send(text, on: channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
      simulator.state.withLock { $0.writers[ObjectIdentifier(self)] = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let frame = unwrapInboundIn(data)
      switch frame.opcode {
      case .text: break
      case .ping:
        let pong = WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)
        context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        return
      case .connectionClose:
        var data = frame.unmaskedData
        let code = data.readWebSocketErrorCode().map { Int(UInt16(webSocketErrorCode: $0)) } ?? 0
        let answers = simulator.state.withLock { state in
          state.closeCodes.append(code)
          return state.script.answersClose
        }
        guard answers else { return }
        context.writeAndFlush(
          wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData)), promise: nil)
        return context.close(promise: nil)
      default: return
      }
      var rest = String(buffer: frame.unmaskedData)[...]
      while rest.hasPrefix("~m~") {
        rest = rest.dropFirst(3)
        guard let length = Int(rest.prefix { $0.isNumber }) else { return }
        rest = rest.drop { $0.isNumber }.dropFirst(3)
        let payload = String(rest.utf16.prefix(length)) ?? ""
        rest = rest.dropFirst(payload.count)
        take(payload, context.channel)
      }
    }

    private func take(_ payload: String, _ channel: any Channel) {
      if payload.hasPrefix("~h~") {
        heartbeatsLeft -= 1
        simulator.state.withLock { $0.heartbeatsAnswered += 1 }
        if heartbeatsLeft == 0 {
          let calls = waiting
          waiting = []
          for call in calls { answer(call, channel) }
        }
        return
      }
      guard let object = try? JSONSerialization.jsonObject(with: Data(payload.utf8)) as? [String: Any],
        let method = object["m"] as? String, let parameters = object["p"] as? [Any]
      else { return }
      simulator.state.withLock { $0.methods.append(method) }
      let call = [method] + parameters
      if heartbeatsLeft > 0 { waiting.append(call) } else { answer(call, channel) }
    }

    private func answer(_ call: [Any], _ channel: any Channel) {
      let method = call[0] as? String ?? ""
      let session = call.count > 1 ? call[1] as? String ?? "" : ""
      switch method {
      case "resolve_symbol":
        let text = call[3] as? String ?? ""
        let object = try? JSONSerialization.jsonObject(with: Data(text.dropFirst().utf8)) as? [String: String]
        let symbol = object?["symbol"]?.split(separator: ":").last.map(String.init) ?? ""
        symbols[session] = symbol
      case "create_series": give(session, call[6] as? Int ?? 0, isFirst: true, channel)
      case "request_more_data": give(session, call[3] as? Int ?? 0, isFirst: false, channel)
      case "chart_delete_session":
        symbols[session] = nil
        let known = symbols
        simulator.state.withLock { $0.writers[ObjectIdentifier(self)]?.sessions = known }
      default: break
      }
    }

    private func give(_ session: String, _ count: Int, isFirst: Bool, _ channel: any Channel) {
      let symbol = symbols[session] ?? ""
      let (bars, fault, page, saysEnd) = simulator.state.withLock { state in
        let fault = state.script.faults[symbol]
        if case .hangUp(let times) = fault {
          state.script.faults[symbol] = times > 1 ? .hangUp(times: times - 1) : nil
        }
        return (state.script.bars[symbol], fault, state.script.pageSize, state.script.saysEnd)
      }
      func send(_ text: String) { TradingViewSimulator.send(text, on: channel) }
      func error(_ method: String, _ parameters: [String]) {
        let list = parameters.map { "\"\($0)\"" }.joined(separator: ",")
        send(TradingViewSimulator.framed("{\"m\":\"\(method)\",\"p\":[\(list)]}"))
      }
      switch fault {
      case .symbolError(let text): return error("symbol_error", [session, "symbol_1", text])
      case .seriesError(let text): return error("series_error", [session, "s1", "s1", text])
      case .criticalError(let text): return error("critical_error", [session, text, "create_series"])
      case .protocolError(let text): return error("protocol_error", [text])
      case .hangUp: return channel.close(promise: nil)
      case .silence: return
      case .raw(let text): return send(text.replacing("$session", with: session))
      case .replay(let messages):
        let known = symbols
        simulator.state.withLock { $0.writers[ObjectIdentifier(self)]?.sessions = known }
        for message in messages {
          if message == "CLOSE" { return channel.close(promise: nil) }
          send(Capture.renamed(message, session: session))
        }
        return
      case .before(let payloads):
        for payload in payloads {
          send(TradingViewSimulator.framed(payload.replacing("$session", with: session)))
        }
      case .split, nil: break
      }
      guard let bars else { return error("symbol_error", [session, "symbol_1", "invalid symbol"]) }
      let before = isFirst ? 0 : given[session] ?? 0
      let end = bars.count - before
      let start = max(0, end - min(count, page))
      given[session] = before + (end - start)
      let known = symbols
      simulator.state.withLock { $0.writers[ObjectIdentifier(self)]?.sessions = known }
      let completed = start == 0 && saysEnd ? "end" : "limit"
      let text = TradingViewSimulator.framed(#"{"m":"series_loading","p":["\#(session)","s1","s1"]}"#)
        + TradingViewSimulator.framed(
          #"{"m":"symbol_resolved","p":["\#(session)","symbol_1",{"description":"بنك 🏦","pricescale":100}]}"#)
        + TradingViewSimulator.framed(
          TradingViewSimulator.bars("timescale_update", session, Array(bars[start..<end])))
        + TradingViewSimulator.framed(
          #"{"m":"series_completed","p":["\#(session)","s1","streaming","s1",{"data_completed":"\#(completed)"}]}"#)
      guard case .split(let size) = fault else { return send(text) }
      var characters = text[...]
      while !characters.isEmpty {
        send(String(characters.prefix(size)))
        characters = characters.dropFirst(size)
      }
    }
  }

  // MARK: - frames

  static func framed(_ payload: String) -> String { "~m~\(payload.utf16.count)~m~\(payload)" }

  private static func bars(_ method: String, _ session: String, _ bars: [SimulatorScript.Bar]) -> String {
    let list = bars.enumerated().map { "{\"i\":\($0),\"v\":[\($1.values.joined(separator: ","))]}" }
      .joined(separator: ",")
    return "{\"m\":\"\(method)\",\"p\":[\"\(session)\",{\"s1\":{\"node\":\"sim\",\"s\":[\(list)],"
      + "\"ns\":{\"d\":\"\",\"indexes\":[]},\"t\":\"s1\"}},{\"index\":0,\"zoffset\":0}],\"t\":1755043200}"
  }

  private static func send(_ text: String, on channel: any Channel) {
    channel.writeAndFlush(
      WebSocketFrame(fin: true, opcode: .text, data: channel.allocator.buffer(string: text)), promise: nil)
  }
}
