import Catalogue
import Core
import Features
import Kafka
import Messages
import Pipeline

/// The windows of all symbols of a partition, and which of them have changed since the last flush.
struct WindowBook {
  struct Name: Hashable, Comparable, Sendable {
    var kind: WindowPlan.Kind
    var feed, symbol: String

    static func < (one: Name, other: Name) -> Bool {
      (one.kind.rawValue, one.feed, one.symbol) < (other.kind.rawValue, other.feed, other.symbol)
    }
  }

  private var members: [Name: EventWindows] = [:]
  private var changed: Set<Name> = []
  /// Events that wait for a flush.
  private(set) var rows = 0

  var count: Int { members.count }

  func knows(_ name: Name) -> Bool { members[name] != nil }

  mutating func take(_ event: FeatureEvent, of name: Name, _ plan: WindowPlan) -> EventWindows.Outcome {
    let outcome = members[name, default: EventWindows(name.kind)].take(event, plan)
    if outcome == .taken {
      changed.insert(name)
      rows += 1
    }
    return outcome
  }

  func forEachChanged(_ plan: WindowPlan, _ body: (TechnicalSignal) -> Void) {
    for name in changed.sorted() {
      members[name]?.forEachChanged(plan) { body(TechnicalSignal(name, $0)) }
    }
  }

  /// Adds the parts of the states that have changed.
  func appendStates(of group: String, to batch: inout OutgoingBatch, headers: [Header], writer: inout JSONWriter) {
    for name in changed.sorted() {
      guard let windows = members[name] else { continue }
      let days = (windows.isSpanChanged ? [nil] : []) + windows.changedDays.keys.sorted().map(Optional.some)
      for day in days {
        let isGone = day.map { windows.changedDays[$0] == false } ?? false
        batch.append(
          SymbolState(
            group: group, feed: name.feed, symbol: name.symbol, part: windows.part(day),
            bytes: isGone ? [] : windows.encoded(day)),
          to: Topics.signalStates, isGone: isGone, headers: headers, writer: &writer)
      }
    }
  }

  mutating func settle() {
    for name in changed { members[name]?.settle() }
    changed.removeAll(keepingCapacity: true)
    rows = 0
  }

  /// - Returns: false when the state is unreadable: what it knew begins anew.
  mutating func restore(_ state: SymbolState, _ plan: WindowPlan) -> Bool {
    guard let (kind, day) = EventWindows.named(state.part), let bytes = state.bytes else { return false }
    let name = Name(kind: kind, feed: state.feed, symbol: state.symbol)
    var windows = members[name] ?? EventWindows(kind)
    guard (try? windows.restore(day, bytes, plan)) != nil else { return false }
    members[name] = windows
    return true
  }
}

extension TechnicalSignal {
  init(_ name: WindowBook.Name, _ row: EventWindows.Row) {
    self.init(
      symbol: name.symbol, feed: name.feed, interval: name.kind.interval, startNs: row.startNs, knownNs: row.knownNs,
      bars: Int64(row.days), values: SignalValues(names: name.kind.names, numbers: row.values), events: row.events)
  }
}

/// Reads the events of options and of stories.
struct EventReader {
  /// Those whose options count; all when empty.
  let feeds: Set<String>
  /// How far an event may be ahead of the time at which it was known, nanoseconds.
  let maxAhead: Int64

  enum Reading {
    case event(WindowBook.Name, FeatureEvent)
    case other(Disposition)
  }

  func read(_ bytes: RawSpan, _ kind: WindowPlan.Kind) -> Reading {
    let (name, event): (WindowBook.Name, FeatureEvent)
    do throws(DecodingFailure) {
      switch kind {
      case .flow:
        let flow = try OptionsFlow(decoding: bytes)
        guard feeds.isEmpty || feeds.contains(flow.feed) else { return .other(.skip(reason: "other_feed")) }
        (name, event) = (.init(kind: kind, feed: flow.feed, symbol: flow.underlying), FeatureEvent(flow))
      case .sentiment:
        let story = try SentimentEvent(decoding: bytes)
        // A story has many sources; the series is one.
        (name, event) = (.init(kind: kind, feed: kind.rawValue, symbol: story.symbol), FeatureEvent(story))
      }
    } catch {
      return .other(.reject(Rejection(code: error.code, stage: "decode", error.description)))
    }
    guard (1...64).contains(name.symbol.utf8.count), event.first.isFinite, event.second.isFinite,
      event.timeNs >= BarReader.earliest
    else {
      return .other(.reject(Rejection(
        code: "bad_value", stage: "check",
        "its symbol is not 1 to 64 bytes, a number is none, or its time is not nanoseconds since 1970")))
    }
    guard event.timeNs - event.knownNs <= maxAhead else {
      return .other(.reject(Rejection(
        code: "future_stamp", stage: "check", "it happened later than it was known, by more than --max-ahead")))
    }
    return .event(name, event)
  }
}
