import ArgumentParser
import Catalogue
import Kafka
import KafkaFlags
import Logging
import Messages
import Values

/// Bars of 256 symbols in an embedded broker, evenly over its partitions.
struct MarketFeed {
  static let partitions = 64
  private static let symbolsPerPartition = 4

  let broker: EmbeddedBroker
  let messages: Int
  let symbols: [String]
  /// Of all messages.
  private(set) var bytes = 0

  var description: String { "\(messages) messages of \(bytes / messages) bytes in \(Self.partitions) partitions" }

  /// - Parameter messages: the embedded broker holds 100,000 of each partition.
  init(messages: Int) async throws {
    self.messages = messages
    broker = try EmbeddedBroker(topics: [
      (Topics.marketData.name, Self.partitions), (Topics.marketData.deadLetterName, Self.partitions),
    ])
    let producer = try Self.producer(for: broker)
    symbols = try await Self.symbols(
      Self.symbolsPerPartition, in: Self.partitions, by: producer, named: "SYM").sorted { $0.key < $1.key }
      .flatMap(\.value)
    var batch = OutgoingBatch()
    for index in 0..<messages {
      let bar = bar(index)
      let value = bar.encoded()
      bytes += value.count
      batch.append(topic: Topics.marketData.name, key: bar.key, value: value)
      if batch.count == 20_000 || index == messages - 1 {
        try await producer.send(batch)
        batch = OutgoingBatch()
      }
    }
    await producer.close()
  }

  static func producer(for broker: EmbeddedBroker) throws -> Producer {
    let options = try KafkaOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers])
    return try Producer(options.producerConfiguration(clientID: "bench", logger: Logger(label: "bench")))
  }

  /// The same number of symbols in each partition, so that none overflows.
  static func symbols(
    _ count: Int, in partitions: Int, by producer: Producer, named name: String
  ) async throws -> [Int32: [String]] {
    var symbols: [Int32: [String]] = [:]
    var number = 0
    while symbols.values.reduce(0, { $0 + $1.count }) < partitions * count {
      let symbol = "\(name)\(number)"
      let partition = try await producer.partition(for: Array(symbol.utf8), topic: Topics.marketData.name)
      number += 1
      guard symbols[partition, default: []].count < count else { continue }
      symbols[partition, default: []].append(symbol)
    }
    return symbols
  }

  /// A random walk of prices, new volumes, a new second of each symbol.
  func bar(_ index: Int) -> MarketBar {
    let price = 4_500 + Int64(index &* 2_654_435_761 >> 16) % 200
    func at(_ offset: Int64) -> ExactDecimal { ExactDecimal(mantissa: price + offset, scale: 2) ?? .zero }
    return MarketBar(
      symbol: symbols[index % symbols.count], exchange: "EGX", interval: "1 Minute", datetime: datetime(index),
      values: .candle(.init(
        open: at(0), high: at(70), low: at(-40), close: at(Int64(index % 60)),
        volume: ExactDecimal(Int32(truncatingIfNeeded: 1_000 + index &* 7_919 % 1_000_000)))),
      ingestedAt: LocalDateTime(microseconds: Self.start + Int64(index) * 37))
  }

  private static let start = LocalDateTime(year: 2025, month: 1, day: 20, hour: 10)?.microseconds ?? 0

  private func datetime(_ index: Int) -> LocalDateTime {
    LocalDateTime(microseconds: Self.start + Int64(index / symbols.count % 50_000) * 1_000_000) ?? .epoch
  }

  /// The line that influx-consumer writes for a bar, without a line feed. Cairo is two hours ahead in winter.
  func line(_ index: Int) -> String {
    let bar = bar(index)
    guard case .candle(let candle) = bar.values else { return "" }
    return "stock_price,exchange=EGX,interval=1\\ Minute,symbol=\(bar.symbol) open=\(candle.open),high=\(candle.high),"
      + "low=\(candle.low),close=\(candle.close),volume=\(candle.volume ?? .zero) "
      + "\(bar.datetime.microseconds - 7_200_000_000)"
  }
}
