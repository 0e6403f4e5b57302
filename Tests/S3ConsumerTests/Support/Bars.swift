import Catalogue
import Kafka
import Logging
import Messages
import TestSupport
import Values

/// Bars that tell themselves apart: the volume is their number.
struct Bars {
  static let symbols = ["COMI", "ETEL", "EGX30", "A/B", "../up", "ÄÖ", "TMGH", "FWRY", "SWDY", "ABUK"]

  static let logger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }()

  static func bar(_ number: Int, symbol: String? = nil) -> MarketBar {
    let second = number % 14_400
    return MarketBar(
      symbol: symbol ?? symbols[number % symbols.count], exchange: "EGX", interval: "1 Minute",
      datetime: LocalDateTime(
        year: 2025, month: 1, day: 20 + number / 7 % 3, hour: 10 + second / 3600, minute: second / 60 % 60,
        second: second % 60)!,
      values: .candle(.init(
        open: ExactDecimal("45.50")!, high: ExactDecimal("46.20")!, low: ExactDecimal("45.10")!,
        close: ExactDecimal("46.00")!, volume: ExactDecimal(Int32(number)))))
  }

  /// As the independent reader prints it.
  static func line(_ bar: MarketBar) -> String {
    guard case .candle(let candle) = bar.values else { return "" }
    return "\(bar.symbol) \(bar.datetime) \(candle.volume.map { "\($0)" } ?? "")"
  }

  static func batch(_ bars: [MarketBar], topic: Topic = Topics.marketData) -> OutgoingBatch {
    var batch = OutgoingBatch()
    for bar in bars { batch.append(topic: topic.name, key: bar.key, value: bar.encoded()) }
    return batch
  }
}
