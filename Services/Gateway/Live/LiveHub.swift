import Catalogue
import Core
import ServiceKit
import Synchronization

/// A record of a live topic, for those who listen.
struct LiveEvent: Sendable {
  /// The kinds that clients choose among, by topic.
  static let kinds = [
    Topics.marketTicks.name: "tick", Topics.marketBars.name: "bar", Topics.marketGaps.name: "gap",
    Topics.technicalSignals.name: "signal", Topics.optionsFlow.name: "flow", Topics.sentimentEvents.name: "sentiment",
    Topics.newsArticles.name: "news", Topics.batchStatus.name: "job",
  ]
  /// What a listener may ask for, and what it gets unasked.
  static let listed = kinds.values.sorted(), standard = "tick,bar,gap"

  let kind: String
  let symbol: String
  /// The record as the topic has it.
  let json: [UInt8]
  /// Names what a newer event of the same name replaces; nil for an event that is sent even when newer ones follow.
  let replaced: String?

  init(kind: String, symbol: String, json: [UInt8]) {
    (self.kind, self.symbol, self.json) = (kind, symbol, json)
    replaced = switch kind {
    case "job": "job \(symbol)"
    // A later record of an id, or of a bar of one begin, replaces the earlier one whole.
    case "signal": json.starts(with: Self.id) ? Self.name(kind, json, until: ",") : nil
    case "bar": Self.name(kind, json, until: ",\"published_ns\":") ?? Self.name(kind, json, until: ",\"known_ns\":")
    case "tick": json.starts(with: Self.quote) ? "tick \(symbol)" : nil
    default: nil
    }
  }

  private static let id = Array("{\"id\":\"".utf8), quote = Array("{\"kind\":\"quote\"".utf8)

  private static func name(_ kind: String, _ json: [UInt8], until mark: String) -> String? {
    json.firstRange(of: Array(mark.utf8)).map { "\(kind) " + String(decoding: json[..<$0.lowerBound], as: UTF8.self) }
  }
}

/// Hands live records on to clients, and keeps the last ones for a client that comes back.
///
/// An event's id names the process and counts: a client that comes back to the same process, in time, goes on where it
/// was. To any other it is told `reset` first, and it asks for the state of things anew.
final class LiveHub: Sendable {
  private struct State {
    var next: UInt64 = 0
    var kept: [(number: UInt64, event: LiveEvent)] = []
    var listeners: [ObjectIdentifier: LiveListener] = [:]
  }
  private let state = Mutex(State())
  private let epoch: String
  private let history: Int
  private let maxListeners: Int

  /// - Parameters:
  ///   - history: events that are kept for those who come back.
  ///   - epoch: names the process.
  init(history: Int, maxListeners: Int, epoch: String) {
    (self.history, self.maxListeners, self.epoch) = (history, maxListeners, epoch)
  }

  /// Whether events have to be made at all.
  var isHeard: Bool { history > 0 || state.withLock { !$0.listeners.isEmpty } }

  func publish(_ events: [LiveEvent]) {
    guard !events.isEmpty else { return }
    state.withLock { state in
      for event in events {
        for listener in state.listeners.values { listener.offer(event, state.next) }
        state.kept.append((state.next, event))
        state.next += 1
      }
      // Now and then, so that it is not moved for each event.
      if state.kept.count > history * 2 { state.kept.removeFirst(state.kept.count - history) }
    }
  }

  /// The last events of a symbol that are kept, the newest first.
  func recent(_ symbol: String, kinds: Set<String>, most: Int) -> [LiveEvent] {
    let kept = state.withLock { $0.kept }
    var found: [LiveEvent] = []
    for (_, event) in kept.reversed() where found.count < most && event.symbol == symbol && kinds.contains(event.kind) {
      found.append(event)
    }
    return found
  }

  /// - Throws: `Problem` 503 when as many clients listen as may.
  func admit() throws(Problem) {
    guard state.withLock({ $0.listeners.count < maxListeners }) else {
      throw Problem(
        503, "too_many_listeners", "\(maxListeners) clients listen already: --max-listeners",
        headers: [("retry-after", "5")])
    }
  }

  /// Most events of one write.
  private static let atOnce = 500

  /// Sends events to one client until it goes or the service drains.
  /// - Parameters:
  ///   - last: what the client says as `Last-Event-ID`.
  ///   - current: how things are, asked once nothing that follows is missed.
  ///   - isLast: whether nothing comes behind an event.
  func serve(
    _ listener: LiveListener, after last: String?, to writer: EventWriter,
    from current: @Sendable () -> LiveEvent? = { nil }, until isLast: @Sendable (LiveEvent) -> Bool = { _ in false }
  ) async throws {
    let id = ObjectIdentifier(listener)
    let isResumed = state.withLock { state -> Bool in
      state.listeners[id] = listener
      GatewayMetrics.listeners(state.listeners.count)
      guard let last, let number = number(last), let first = state.kept.first?.number, first <= number + 1 else {
        return last == nil
      }
      for (kept, event) in state.kept where kept > number { listener.offer(event, kept) }
      return true
    }
    defer {
      state.withLock { state in
        state.listeners[id] = nil
        GatewayMetrics.listeners(state.listeners.count)
      }
    }
    if !isResumed { try await writer.send("{}", event: "reset") }
    if let current = current() {
      try await writer.send([ServerEvent(current.json, event: current.kind)])
      if isLast(current) { return }
    }
    for await _ in listener.signal {
      let taken = listener.takeAll()
      let last = taken.firstIndex { isLast($0.1) }
      let count = last.map { $0 + 1 } ?? taken.count
      for start in stride(from: 0, to: count, by: Self.atOnce) {
        try await writer.send(taken[start..<min(count, start + Self.atOnce)].map { number, event in
          ServerEvent(event.json, event: event.kind, id: "\(epoch)-\(number)")
        })
      }
      if last != nil { return }
      guard !listener.isTooSlow else {
        GatewayMetrics.slow()
        return try await writer.send("{\"code\":\"too_slow\"}", event: "end")
      }
    }
  }

  private func number(_ id: String) -> UInt64? {
    let parts = id.split(separator: "-")
    guard parts.count == 2, parts[0] == epoch else { return nil }
    return UInt64(parts[1])
  }
}

/// One client that listens. Of quotes and of states of a bar, a signal and a job the newest stands for those that a
/// slow client has not taken; of anything else none is left out, so a client that is too far behind is sent away.
final class LiveListener: Sendable {
  private struct Entry {
    var number: UInt64
    var event: LiveEvent
  }
  private struct State {
    var entries: [Entry] = []
    /// Places in `entries` of what a newer one replaces.
    var places: [String: Int] = [:]
    var isTooSlow = false
  }
  private let state = Mutex(State())
  private let symbols: Set<String>
  private let kinds: Set<String>
  private let most: Int
  let signal: AsyncStream<Void>
  private let awake: AsyncStream<Void>.Continuation

  /// - Parameters:
  ///   - symbols: empty for all.
  ///   - most: events that may wait for the client.
  init(symbols: [String], kinds: [String], most: Int) {
    (self.symbols, self.kinds, self.most) = (Set(symbols), Set(kinds), most)
    (signal, awake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  var isTooSlow: Bool { state.withLock { $0.isTooSlow } }

  func offer(_ event: LiveEvent, _ number: UInt64) {
    guard kinds.contains(event.kind), symbols.isEmpty || symbols.contains(event.symbol) else { return }
    state.withLock { state in
      guard !state.isTooSlow else { return }
      let name = event.replaced
      if let name, let place = state.places[name] {
        state.entries[place] = Entry(number: number, event: event)
      } else if state.entries.count < most {
        if let name { state.places[name] = state.entries.count }
        state.entries.append(Entry(number: number, event: event))
      } else {
        state.isTooSlow = true
      }
    }
    awake.yield()
  }

  /// In the order they came; what replaced another stands in its place.
  func takeAll() -> [(UInt64, LiveEvent)] {
    state.withLock { state in
      defer { (state.entries, state.places) = ([], [:]) }
      return state.entries.sorted { $0.number < $1.number }.map { ($0.number, $0.event) }
    }
  }
}
