import Core
import Feeds
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import SimulatorServer
import Synchronization

/// A server with the streams and the historical REST queries of Polygon (Massive) and Alpaca, and the bars of Alpha
/// Vantage, for one simulated market.
///
///     ws://host:port/stocks, /options                                Polygon
///     ws://host:port/v2/iex, /v2/sip, /v1beta1/indicative, /opra     Alpaca
///     http://host:port/v2/aggs, /v3/trades, /v3/quotes               Polygon
///     http://host:port/v2/stocks, /v1beta1/options                   Alpaca
///     http://host:port/v3/snapshot/options, /v1beta1/options/snapshots/AAPL   chains of both
///     http://host:port/query                                         Alpha Vantage
///
/// Its clock runs `speed` times as fast as the machine's, from a full minute in the past, so that no timestamp lies in
/// the future. To steer it from outside: `POST /_feed/cut?how=close|reset|mid-frame`, `POST /_feed/silent?value=true`,
/// `GET /_feed/truth`, `GET /_feed/flow`.
package final class FeedSimulator: Sendable {
  struct State {
    var script: FeedScript
    var market: FeedMarket
    var connections: [ObjectIdentifier: Connection] = [:]
    /// Connections made and logins accepted.
    var made = 0
    var logins = 0
    var pages = 0
    var questions: [String] = []
    var isPaused = false
    /// Events after the first subscription at which the market stops; nil for never.
    var limit: Int?
    /// The number of events at the first subscription.
    var base: Int?
    /// Connections are refused before this time.
    var awayUntil = ContinuousClock.now
  }

  struct Connection {
    let channel: any Channel
    let feed: Feed
    let isPacked: Bool
    let number: Int
    var isLoggedIn = false
    /// `trades/AAPL`, `T/*`.
    var interests: Set<String> = []
  }

  let state: Mutex<State>
  private let listener: any Channel
  package let port: Int
  private let speed: Double
  /// Of the time before the market began.
  package let pastBars: PastBars?
  private let began = ContinuousClock.now

  private init(
    _ script: FeedScript, _ market: FeedMarket, _ pastBars: PastBars?, speed: Double, _ listener: any Channel
  ) {
    self.pastBars = pastBars
    state = Mutex(State(script: script, market: market))
    self.listener = listener
    self.speed = speed
    port = listener.localAddress?.port ?? 0
  }

  package var url: String { "127.0.0.1:\(port)" }
  package func change(_ body: (inout FeedScript) -> Void) { state.withLock { body(&$0.script) } }
  /// The number of the first event that was listened to; of the next one before.
  package var first: Int { state.withLock { $0.base ?? $0.market.events.count } }
  var isAway: Bool { state.withLock { ContinuousClock.now < $0.awayUntil } }
  package var connections: Int { state.withLock { $0.connections.count } }
  package var made: Int { state.withLock { $0.made } }
  package var logins: Int { state.withLock { $0.logins } }
  /// Paths and queries of the historical requests.
  package var questions: [String] { state.withLock { $0.questions } }
  /// All events so far.
  package var events: [SimulatedEvent] { state.withLock { $0.market.events } }
  package var finalBars: [String: SimulatedEvent] { state.withLock { $0.market.finalBars } }
  /// The subscriptions of all connections.
  package var interests: Set<String> {
    state.withLock { $0.connections.values.reduce(into: Set()) { $0.formUnion($1.interests) } }
  }

  /// Stops the market; all events so far have been sent.
  package func pause() { state.withLock { $0.isPaused = true } }

  /// Serves while `body` runs.
  /// - Parameters:
  ///   - limit: events after the first subscription at which the market stops; connections stay open.
  ///   - port: 0 for any free port.
  package static func serving<Value: Sendable>(
    _ script: FeedScript = FeedScript(), seed: UInt64 = 1, symbols: [String], rate: Double = 200, speed: Double = 1,
    hasCorrections: Bool = true, events limit: Int? = nil, host: String = "127.0.0.1", port: Int = 0,
    _ body: @Sendable (FeedSimulator) async throws -> Value
  ) async throws -> Value {
    let holder = FeedListener.Holder()
    let listener = try await FeedListener.listen(host, port, holder)
    // A full minute; a day ago when its clock is fast, which must not overtake the machine's.
    let minute: Int64 = 60_000_000_000
    let start = (WallClock.microseconds() * 1_000 / minute - (speed > 1 ? 1_440 : 0)) * minute
    let now = speed > 1 ? start : WallClock.microseconds() * 1_000
    let market = FeedMarket(
      seed: seed, symbols: symbols, rate: rate / speed, startNs: now, hasCorrections: hasCorrections,
      plantEvery: script.plantEvery)
    let begun = now / minute * minute
    let past = script.pastDays == 0 ? nil : try PastBars(
      seed: seed, symbols: symbols, range: begun - Int64(script.pastDays) * 1_440 * minute..<begun)
    let simulator = FeedSimulator(script, market, past, speed: speed, listener)
    simulator.state.withLock { $0.limit = limit }
    holder.simulator = simulator
    let clock = Task { await simulator.run() }
    return try await finishing { try await body(simulator) } then: {
      clock.cancel()
      await clock.value
      try? await listener.close()
      for connection in simulator.state.withLock({ Array($0.connections.values) }) {
        connection.channel.close(promise: nil)
      }
    }
  }

  private func run() async {
    while !Task.isCancelled {
      tick()
      let isDue = state.withLock { state in
        guard let limit = state.script.cutAfter, let base = state.base, state.market.events.count - base >= limit
        else { return false }
        state.script.cutAfter = nil
        return true
      }
      if isDue { cut(.reset) }
      try? await Task.sleep(for: .milliseconds(5))
    }
  }

  /// The market's time, in nanoseconds since 1970.
  private func now(_ start: Int64) -> Int64 {
    start + Int64(Double((ContinuousClock.now - began).nanoseconds) * speed)
  }

  // MARK: - streams

  private func tick() {
    state.withLock { state in
      guard !state.isPaused else { return }
      if state.base == nil, state.connections.values.contains(where: { !$0.interests.isEmpty }) {
        state.base = state.market.events.count
      }
      if let limit = state.limit, let base = state.base, state.market.events.count - base >= limit { return }
      let fresh = state.market.advance(to: now(state.market.startNs))
      guard !fresh.isEmpty, !state.script.isSilent else { return }
      for (id, connection) in state.connections where connection.isLoggedIn && !connection.interests.isEmpty {
        guard connection.channel.isWritable else {
          cutSlowReader(connection)
          state.connections[id] = nil
          continue
        }
        var elements: [String] = []
        for var event in state.market.events[fresh] {
          event.eventNs += state.script.shiftNs
          guard let (channel, json) = FeedWire.element(event, connection.feed) else { continue }
          let symbol = SymbolNames.name(of: event.symbol, for: connection.feed.dialect)
          guard connection.interests.contains("\(channel)/\(symbol)") || connection.interests.contains("\(channel)/*")
          else { continue }
          elements.append(json)
        }
        var rest = elements[...]
        while !rest.isEmpty {
          send("[\(rest.prefix(state.script.frame).joined(separator: ","))]", connection)
          rest = rest.dropFirst(state.script.frame)
        }
      }
    }
  }

  private func cutSlowReader(_ connection: Connection) {
    let text = connection.feed.isPolygon
      ? #"[{"ev":"status","status":"force_disconnect","message":"slow consumer"}]"#
      : #"[{"T":"error","code":407,"msg":"slow client"}]"#
    send(text, connection)
    connection.channel.close(promise: nil)
  }

  func send(_ json: String, _ connection: Connection) {
    let channel = connection.channel
    let data = connection.isPacked
      ? channel.allocator.buffer(bytes: FeedWire.packed(json)) : channel.allocator.buffer(string: json)
    channel.writeAndFlush(
      WebSocketFrame(fin: true, opcode: connection.isPacked ? .binary : .text, data: data), promise: nil)
  }

  /// Sends a text frame as it is to every connection that is subscribed.
  package func broadcast(_ frame: [UInt8]) { _ = write(frame) }

  /// Waits until the connections have taken it, and what was sent before.
  package func broadcastAndWait(_ frame: [UInt8]) async throws {
    for written in write(frame) { try await written.get() }
  }

  private func write(_ frame: [UInt8]) -> [EventLoopFuture<Void>] {
    let channels = state.withLock { state in
      state.connections.values.filter { $0.isLoggedIn && !$0.interests.isEmpty }.map(\.channel)
    }
    return channels.map { channel in
      channel.writeAndFlush(
        WebSocketFrame(fin: true, opcode: .text, data: channel.allocator.buffer(bytes: frame)))
    }
  }

  // MARK: - faults

  package enum Cut: String, CaseIterable, Sendable {
    /// With a close frame.
    case close
    /// Without one.
    case reset
    /// In the middle of a frame.
    case midFrame = "mid-frame"
  }

  /// Ends every connection.
  package func cut(_ how: Cut) {
    let connections = state.withLock { state in
      defer { state.connections = [:] }
      state.awayUntil = .now + state.script.away
      return Array(state.connections.values)
    }
    for connection in connections {
      let channel = connection.channel
      switch how {
      case .reset: channel.close(promise: nil)
      case .close:
        var code = channel.allocator.buffer(capacity: 2)
        code.write(webSocketErrorCode: .goingAway)
        channel.writeAndFlush(WebSocketFrame(fin: true, opcode: .connectionClose, data: code))
          .whenComplete { _ in channel.close(promise: nil) }
      case .midFrame:
        // The head of a text of 1,000 bytes, and ten of them.
        let half = channel.allocator.buffer(bytes: [0x81, 126, 0x03, 0xe8] + Array(#"[{"ev":"T","#.utf8))
        channel.pipeline.context(handlerType: WebSocketFrameEncoder.self).whenComplete { context in
          if case .success(let context) = context { context.writeAndFlush(NIOAny(half), promise: nil) }
          channel.close(promise: nil)
        }
      }
    }
  }
}
