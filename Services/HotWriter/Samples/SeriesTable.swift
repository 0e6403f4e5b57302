import Core
import Redis
import Values

/// What a tick gives a sample of.
package enum TickField: String, CaseIterable, Sendable {
  case price, size, bid, ask
  case bidSize = "bid_size"
  case askSize = "ask_size"
}

/// What a bar gives a sample of.
package enum BarField: String, CaseIterable, Sendable {
  case open, high, low, close, volume, vwap, trades
  /// When the state was received, in microseconds since 1970, and which state of the bar it is.
  case known, revision

  /// They say which of two states of a bar is the later one, and are always kept.
  static let order: [BarField] = [.known, .revision]
}

/// Which series there are, and how long each keeps its samples.
package struct SeriesPolicy: Sendable {
  package var tickFields: [TickField]
  /// Those of ``BarField/order`` first.
  package var barFields: [BarField]
  package var tickRetention: Duration
  /// By interval, as bars write it.
  package var barRetention: RetentionByName
  /// Values of indicators that have a series; all are in the hash of features.
  package var signalFields: Set<String> = []

  package init(
    tickFields: [TickField], barFields: [BarField], tickRetention: Duration, barRetention: RetentionByName
  ) {
    self.tickFields = tickFields
    self.barFields = barFields.isEmpty ? [] : BarField.order + barFields.filter { !BarField.order.contains($0) }
    self.tickRetention = tickRetention
    self.barRetention = barRetention
  }
}

/// One time series of Redis, as this process knows it.
struct Series: Sendable {
  /// `ts:AAPL:price`, `ts:AAPL:1m:close`.
  let key: String
  /// The key as a word of a pipeline.
  let frame: [UInt8]
  /// Milliseconds.
  let retention: Int64
  /// Names and values in turn.
  let labels: [String]
  /// The symbol and the interval of a series of bars.
  var bar: (symbol: String, interval: String)? {
    labels.count == 8 && labels[5] == "bar" ? (labels[1], labels[7]) : nil
  }
  /// It exists in the server, with the policy that writing relies on.
  var isReady = false
  /// The newest stamp that the server is known to hold, milliseconds since 1970; below zero when it holds none.
  var newest: Int64 = -1
  /// The last sample of it in the buffer of this flush, where there is one.
  var pending = -1
}

/// The series of every symbol, by number. Series are made on first use, so that a symbol costs what it has.
struct SeriesTable: Sendable {
  private let policy: SeriesPolicy
  private(set) var symbols = ByteTable()
  private(set) var intervals = ByteTable()
  private(set) var series: [Series] = []
  /// Of `symbol * TickField.allCases.count + field`; -1 for none.
  private var ticks: [Int32] = []
  /// By interval, of `symbol * BarField.allCases.count + field`.
  private var bars: [[Int32]] = []
  private var signals: [SignalName: Int] = [:]

  init(_ policy: SeriesPolicy) { self.policy = policy }

  subscript(_ number: Int) -> Series {
    _read { yield series[number] }
    _modify { yield &series[number] }
  }

  /// The number of a symbol; nil when it would be new and there are `most` of them.
  mutating func symbol(_ text: RawSpan, most: Int) -> Int? {
    if symbols.count >= most { return symbols.find(text) }
    return symbols.number(of: text)
  }

  mutating func interval(_ text: RawSpan) -> Int { intervals.number(of: text) }

  mutating func tick(_ field: Int, of symbol: Int) -> Int {
    let width = TickField.allCases.count
    if let known = Self.known(&ticks, symbol * width + field, width) { return known }
    let name = TickField.allCases[field].rawValue
    let text = String(decoding: symbols.texts[symbol], as: UTF8.self)
    ticks[symbol * width + field] = Int32(series.count)
    return make("ts:\(text):\(name)", policy.tickRetention, ["symbol", text, "field", name, "kind", "tick"])
  }

  mutating func bar(_ field: Int, of symbol: Int, interval: Int) -> Int {
    let width = BarField.allCases.count
    while bars.count <= interval { bars.append([]) }
    if let known = Self.known(&bars[interval], symbol * width + field, width) { return known }
    let name = BarField.allCases[field].rawValue
    let text = String(decoding: symbols.texts[symbol], as: UTF8.self)
    let length = String(decoding: intervals.texts[interval], as: UTF8.self)
    bars[interval][symbol * width + field] = Int32(series.count)
    return make(
      "ts:\(text):\(length):\(name)", policy.barRetention.of(length),
      ["symbol", text, "field", name, "kind", "bar", "interval", length])
  }

  /// The series of one value of an indicator; nil for one that is not kept.
  mutating func signal(_ name: String, of symbol: Int, interval: Int) -> Int? {
    guard policy.signalFields.contains(name) else { return nil }
    let place = SignalName(symbol: symbol, interval: interval, name: name)
    if let known = signals[place] { return known }
    let text = String(decoding: symbols.texts[symbol], as: UTF8.self)
    let length = String(decoding: intervals.texts[interval], as: UTF8.self)
    let made = make(
      "ts:\(text):\(length):\(name)", policy.barRetention.of(length),
      ["symbol", text, "field", name, "kind", "signal", "interval", length])
    signals[place] = made
    return made
  }

  /// The series that signals of an interval may have: those of events are named by their kind, `flow_dev` of `flow-1h`.
  func signalNames(of interval: String) -> [String] {
    let kinds = ["flow", "sentiment"]
    if let kind = kinds.first(where: { interval.hasPrefix("\($0)-") }) {
      return policy.signalFields.filter { $0.hasPrefix("\(kind)_") }
    }
    return policy.signalFields.filter { name in !kinds.contains { name.hasPrefix("\($0)_") } }
  }

  /// Series that the server has, as far as this process knows.
  var ready: Int { series.reduce(0) { $0 + ($1.isReady ? 1 : 0) } }

  private struct SignalName: Hashable, Sendable {
    let symbol, interval: Int
    let name: String
  }

  private static func known(_ numbers: inout [Int32], _ place: Int, _ width: Int) -> Int? {
    while numbers.count <= place { numbers.append(contentsOf: repeatElement(-1, count: width)) }
    return numbers[place] < 0 ? nil : Int(numbers[place])
  }

  private mutating func make(_ key: String, _ retention: Duration, _ labels: [String]) -> Int {
    let milliseconds = retention.components.seconds * 1_000 + retention.components.attoseconds / 1_000_000_000_000_000
    series.append(Series(key: key, frame: RedisPipeline.frame(key), retention: milliseconds, labels: labels))
    return series.count - 1
  }

  /// No buffer holds samples any more.
  mutating func forgetPending() {
    for index in series.indices { series[index].pending = -1 }
  }
}
