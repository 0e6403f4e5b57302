import Catalogue
import Values

/// What the indicators of a symbol are at the end of one bar, and which rules fire on it; or how many events of options
/// and stories one hour has, and how unusual that is.
///
/// `technical-signals`, key and order `symbol`. A signal is named by its `id`, which is made of symbol, feed, interval
/// and the bar's start; a later record of the same id replaces the earlier one whole, because the bar or an earlier one
/// was revised. Times are nanoseconds since 1970, UTC; values are numbers of double precision in their shortest digits.
package struct TechnicalSignal: FieldwiseMessage {
  /// `AAPL/alpaca-stocks/1m/1764599400000000000`.
  package private(set) var id: String
  package var symbol: String
  package var feed: String
  package var interval: String
  package var startNs: Int64
  package var knownNs: Int64
  /// Bars of the series up to this one: with fewer than 250, averages of long memory still feel where it began. Of
  /// events the earlier days that the hour is compared with.
  package var bars: Int64
  package var values: SignalValues
  package var events: [Event]

  /// A rule and the numbers of its two sides.
  package struct Event: Hashable, Sendable {
    package var rule: String
    package var condition: String
    package var left, right: Double

    package init(rule: String, condition: String, left: Double, right: Double) {
      (self.rule, self.condition, self.left, self.right) = (rule, condition, left, right)
    }
  }

  package static let topic = Topics.technicalSignals

  package init(
    symbol: String, feed: String, interval: String, startNs: Int64, knownNs: Int64, bars: Int64,
    values: SignalValues, events: [Event] = []
  ) {
    id = "\(symbol)/\(feed)/\(interval)/\(startNs)"
    self.symbol = symbol
    self.feed = feed
    self.interval = interval
    self.startNs = startNs
    self.knownNs = knownNs
    self.bars = bars
    self.values = values
    self.events = events
  }

  package var key: [UInt8] { Array(symbol.utf8) }

  package static let blank = Self(
    symbol: "", feed: "", interval: "", startNs: 0, knownNs: 0, bars: 0, values: SignalValues(names: [], numbers: []))
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("id", &id, "Made from symbol, feed, interval and start; the last record of an id holds")
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.required("feed", &feed, "The feed that the bars are of")
    try coder.required("interval", &interval, "`1m`, `15m`, `1h`, `1d`; of events `flow-1h`, `sentiment-1h`")
    try coder.required(
      "start_ns", &startNs, "Beginning of the bar or the hour; of a daily one midnight in New York [ns since 1970]")
    try coder.required("known_ns", &knownNs, "When the record was known that this is the effect of [ns since 1970]")
    try coder.required(
      "bars", &bars, "Bars of the series up to this one; of events the earlier days that the hour is compared with")
    try coder.required(
      "values", &values,
      "Indicators by name, in the unit of the prices or of their definition; unknown ones are left out")
    try coder.field("events", &events, "The rules that fire on this bar")
  }
}

/// Numbers by their names, in order: `{"rsi14": 57.3, "obv": 1200}`.
package struct SignalValues: Hashable, Sendable, WrappingJSONValue {
  package static var wrapping: JSONWrapping { .map(Double.self) }

  package let names: [String]
  /// NaN for one that there is not, which is not written.
  package let numbers: [Double]

  package init(names: [String], numbers: [Double]) {
    self.names = names
    self.numbers = numbers
  }

  package subscript(_ name: String) -> Double? {
    names.firstIndex(of: name).flatMap { numbers[$0].isNaN ? nil : numbers[$0] }
  }

  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    for (name, number) in zip(names, numbers) where !number.isNaN {
      writer.key(named: name)
      number.write(to: &writer)
    }
    writer.endObject()
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    var (names, numbers): ([String], [Double]) = ([], [])
    var cursor = try coder.reader.beginObject()
    while let name = try coder.reader.nextName(&cursor) {
      names.append(name)
      numbers.append(try coder.reader.double(field: name))
    }
    return Self(names: names, numbers: numbers)
  }
}

extension TechnicalSignal.Event: FieldwiseObject {
  package static let blank = Self(rule: "", condition: "", left: 0, right: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("rule", &rule, "Name of the rule")
    try coder.required("condition", &condition, "What became true on this bar: `sma50>sma200`")
    try coder.required("left", &left, "Value of the condition's left side")
    try coder.required("right", &right, "Value of the condition's right side")
  }
}
