import Indicators
import Kafka
import Messages
import Pipeline
import Values

/// A symbol of one feed: each has its series.
package struct SymbolName: Hashable, Sendable {
  package let feed, symbol: String
}

/// Reads the minutes out of the records of `market-bars`.
struct BarReader: ~Copyable {
  struct Minute {
    var name: SymbolName
    var bar: IndicatorBar
    var knownNs: Int64
  }

  enum Reading {
    case minute(Minute)
    case other(Disposition)
  }

  /// Those whose bars are read; all when empty.
  private let feeds: Set<String>
  /// How far behind its own time of knowing a bar may begin, nanoseconds.
  private let maxAhead: Int64
  /// Taken out while a message is read: what is read borrows from it.
  private var decoder: FeedBarDecoder? = FeedBarDecoder()

  init(feeds: Set<String>, maxAhead: Duration) {
    self.feeds = feeds
    self.maxAhead = Int64(maxAhead / .nanoseconds(1))
  }

  mutating func read(_ bytes: RawSpan) -> Reading {
    var decoder = decoder.take() ?? FeedBarDecoder()
    let reading = read(bytes, by: &decoder)
    self.decoder = consume decoder
    return reading
  }

  private func read(_ bytes: RawSpan, by decoder: inout FeedBarDecoder) -> Reading {
    do throws(DecodingFailure) {
      let view = try decoder.decode(bytes)
      let values = view.fields.values
      guard Self.isMinute(view.interval) else { return .other(.skip(reason: "other_interval")) }
      guard !values.isRunning else { return .other(.skip(reason: "running")) }
      let name = SymbolName(feed: Self.text(view.feed), symbol: Self.text(view.symbol))
      guard feeds.isEmpty || feeds.contains(name.feed) else { return .other(.skip(reason: "other_feed")) }
      guard (1...64).contains(name.symbol.utf8.count) else { return Self.refuse("'symbol' is not 1 to 64 bytes") }
      guard values.startNs >= Self.earliest, values.startNs % Self.minute == 0 else {
        return Self.refuse("'start_ns' is not a whole minute since 1990: nanoseconds since 1970 are meant")
      }
      guard values.startNs - values.knownNs <= maxAhead else {
        return .other(.reject(Rejection(
          code: "future_stamp", stage: "check", "it begins later than it was known, by more than --max-ahead")))
      }
      let bar = IndicatorBar(
        start: values.startNs / 1_000_000_000, high: Double(values.high), low: Double(values.low),
        close: Double(values.close), volume: Double(values.volume))
      guard bar.low > 0, bar.high >= bar.low, (bar.low...bar.high).contains(bar.close), bar.volume >= 0 else {
        return Self.refuse("its prices are not above zero with the close between low and high, or its volume is below")
      }
      return .minute(Minute(name: name, bar: bar, knownNs: values.knownNs))
    } catch {
      return .other(.reject(Rejection(code: error.code, stage: "decode", error.description)))
    }
  }

  private static func refuse(_ reason: String) -> Reading {
    .other(.reject(Rejection(code: "bad_value", stage: "check", reason)))
  }

  private static let minute: Int64 = 60_000_000_000
  /// 1990-01-01: a stamp in another unit is far before it.
  static let earliest: Int64 = 631_152_000 * 1_000_000_000

  private static func isMinute(_ interval: RawSpan) -> Bool {
    interval.withUnsafeBytes { $0.elementsEqual("1m".utf8) }
  }

  private static func text(_ span: RawSpan) -> String {
    span.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}

extension Double {
  private static let powersOfTen: [Double] = (0...18).map { (0..<$0).reduce(1) { power, _ in power * 10 } }

  /// The nearest number to a decimal of up to 15 digits, as all prices are; of a longer one within a unit of the last
  /// place.
  init(_ decimal: ExactDecimal) { self = Double(decimal.mantissa) / Self.powersOfTen[Int(decimal.scale)] }
}
