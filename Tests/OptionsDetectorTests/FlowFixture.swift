import Catalogue
import Core
import FeedSimulator
import Feeds
@testable import Kafka
import Logging
import Messages
@testable import OptionsDetectorService
import Pipeline
import TestSupport
import Values

/// Prints and pages as tests write them.
enum Flow {
  static let call = "AAPL251219C00200000", put = "AAPL251219P00200000"
  /// Monday, 1 December 2025, 10:00 in New York.
  static let open: Int64 = 1_764_601_200_000_000_000
  static let day = "2025-12-01"

  static func decimal(_ value: Double) -> ExactDecimal { ExactDecimal(approximating: "\(value)") ?? .zero }

  /// - Parameters:
  ///   - at: milliseconds after `open`.
  ///   - quote: bid and ask at that time.
  static func print(
    _ contract: String = call, at milliseconds: Int64, _ price: Double, _ size: Int64, x exchange: Int = 302,
    _ conditions: [Int] = [209], quote: (Double, Double)? = (2.00, 2.10), sequence: Int64? = nil,
    knownAfter: Int64 = 5
  ) -> OptionTrade {
    let time = open + milliseconds * 1_000_000
    var trade = OptionTrade(
      contract: contract, underlying: "AAPL", feed: "polygon-options", eventNs: time,
      knownNs: time + knownAfter * 1_000_000, exchange: "\(exchange)", sequence: sequence ?? milliseconds,
      price: decimal(price), size: ExactDecimal(Int32(size)), conditions: conditions.map(String.init))
    if let quote {
      (trade.bid, trade.ask, trade.quoteNs) = (decimal(quote.0), decimal(quote.1), time - 1_000_000)
    }
    return trade
  }

  static func contract(
    _ name: String = call, volume: Int64, openInterest: Int64? = nil, of day: String? = nil, last: Double = 2.10,
    bid: Double = 2.00, ask: Double = 2.10
  ) -> OptionChain.Contract {
    var contract = OptionChain.Contract(contract: name, expiry: "2025-12-19", strike: ExactDecimal(200), right: "call")
    contract.volume = ExactDecimal(Int32(volume))
    contract.openInterest = openInterest.map { ExactDecimal(Int32($0)) }
    contract.openInterestDay = day
    (contract.last, contract.bid, contract.ask) = (decimal(last), decimal(bid), decimal(ask))
    return contract
  }

  static func page(
    _ contracts: [OptionChain.Contract], at milliseconds: Int64 = 0, day: String = day, page: Int64 = 0, of: Int64 = 1
  ) -> OptionChain {
    OptionChain(
      underlying: "AAPL", feed: "polygon-options", page: page, of: of, knownNs: open + milliseconds * 1_000_000,
      day: day, contracts: contracts)
  }

  /// The prints of a simulated market, with the quote that came before each.
  static func prints(of events: some Sequence<SimulatedEvent>) -> [OptionTrade] {
    var quotes: [String: (bid: Int64, at: Int64)] = [:]
    return events.compactMap { event in
      if event.kind == .quote { quotes[event.symbol] = (event.price, event.eventNs) }
      guard event.kind == .trade, let contract = OptionContract(event.symbol) else { return nil }
      var trade = OptionTrade(
        contract: event.symbol, underlying: contract.underlying, feed: "polygon-options", eventNs: event.eventNs,
        knownNs: event.eventNs + 1_000_000, exchange: "\(event.exchange)", sequence: Int64(event.id),
        price: ExactDecimal(unchecked: event.price, scale: 2), size: ExactDecimal(Int32(event.size)),
        conditions: ["\(event.condition)"])
      if let quote = quotes[event.symbol] {
        trade.bid = ExactDecimal(unchecked: quote.bid, scale: 2)
        trade.ask = ExactDecimal(unchecked: quote.bid + 2, scale: 2)
        trade.quoteNs = quote.at
      }
      return trade
    }
  }
}

/// A book, and the table of conditions in front of it.
struct Book {
  var book = FlowBook(feed: "polygon-options", underlying: "AAPL")
  var rules = FlowRules()
  private let table = try? ConditionTable.load(nil)

  @discardableResult
  mutating func take(_ trade: OptionTrade) -> FlowBook.Outcome {
    book.take(trade, table?.read(trade.conditions).class ?? .excluded, day: Flow.day, rules)
  }

  @discardableResult
  mutating func take(_ page: OptionChain) -> FlowBook.PageOutcome { book.take(page, rules) }

  /// Those that stand, in the order of their first prints.
  var standing: [OptionsFlow] {
    book.events.values.filter { $0.status != .withdrawn }.sorted { ($0.firstNs, $0.eventID) < ($1.firstNs, $1.eventID) }
  }
}

/// A sink whose output is memory, which may be killed.
final class FlowFixture: RestartableSink {
  let output = MemoryOutput(of: OptionsFlow.topic)
  private(set) var sink: FlowSink
  private let settings: FlowSink.Settings
  static let partitions: Set<TopicPartition> = [
    TopicPartition(Topics.optionTrades.name, 0), TopicPartition(Topics.optionChains.name, 0),
  ]

  init(_ settings: FlowSink.Settings = FlowSink.Settings(group: "group")) throws {
    self.settings = settings
    sink = try Self.sink(settings, output)
  }

  private static func sink(_ settings: FlowSink.Settings, _ output: MemoryOutput) throws -> FlowSink {
    try FlowSink(
      settings, ConditionTable.load(nil), identity: ServiceIdentity(name: "options-detector"), source: output,
      output: output, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  func crash() async throws {
    sink = try Self.sink(settings, output)
    _ = try await sink.start(Self.partitions)
  }

  /// The code of the reason why a record is refused, or the reason why it is skipped; nil when it is kept.
  @discardableResult
  func append(_ bytes: [UInt8], _ topic: Topic = Topics.optionTrades) -> String? {
    switch sink.append(bytes.span.bytes, of: TopicPartition(topic.name, 0)) {
    case .keep: nil
    case .skip(let reason): reason
    case .reject(let rejection): rejection.code
    }
  }

  func flush(to offset: Int) async throws {
    _ = try await sink.flush(to: [TopicPartition(Topics.optionTrades.name, 0): Int64(offset)])
  }
}

extension MemoryOutput {
  /// The last record of each event.
  var last: [String: OptionsFlow] {
    get throws { Dictionary(try published.map { try OptionsFlow(decoding: $0) }.map { ($0.eventID, $0) }) { $1 } }
  }
}
