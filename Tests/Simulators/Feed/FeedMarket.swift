import Core
import Feeds
import Foundation
import Messages
import SimulatorServer

/// One event of the simulated market. Prices are hundredths.
package struct SimulatedEvent: Hashable, Sendable {
  package enum Kind: String, Sendable { case trade, quote, correction, cancel, status, bar, revised }

  /// Its index in the sequence of all events, from 0.
  package var number: Int
  package var kind: Kind
  package var symbol: String
  /// Nanoseconds since 1970; for a bar, its start.
  package var eventNs: Int64
  package var id = 0
  package var price: Int64 = 0
  package var size: Int64 = 0
  /// The trade that a correction or a cancel is about.
  package var originalID = 0
  package var originalPrice: Int64 = 0
  /// Of prints of options: Massive's numbers of the exchange and the condition.
  package var exchange = 302, condition = 209
  package var high: Int64 = 0, low: Int64 = 0, close: Int64 = 0, trades: Int64 = 0
}

/// The events of the simulated market in order: a function of the seed and of the number of events.
///
/// Prices follow a random walk. One trade in a thousand is corrected and one in a thousand cancelled. At the end of
/// each minute there is a bar for every symbol that traded. Late trades belong to the minute before and revise its
/// bar.
package struct FeedMarket: Sendable {
  package let seed: UInt64
  package let symbols: [String]
  /// Events a second of the market's clock.
  package let rate: Double
  package let startNs: Int64
  /// Whether there are corrections, cancels and statuses.
  package let hasCorrections: Bool
  package private(set) var events: [SimulatedEvent] = []
  private var prices: [Int64]
  private var minute: Int64
  private var bars: [[Int: SimulatedEvent]] = []
  private var steps = 0
  private var lastTrade: SimulatedEvent?
  /// Steps between two plants; 0 for none.
  private let plantEvery: Int
  package private(set) var planted: [PlantedFlow] = []
  private let options: [Int]
  /// Nothing else prints so long before and behind a plant: the orders of a detector are of a quarter of a second.
  private static let quiet: Int64 = 700_000_000
  private var next: (first: Int, second: Int, due: Int64)?
  private var busyUntil: [Int64]

  /// - Parameter startNs: at a full minute, so that the first bar covers a full minute.
  package init(
    seed: UInt64, symbols: [String], rate: Double, startNs: Int64, hasCorrections: Bool, plantEvery: Int = 0
  ) {
    self.seed = seed
    self.plantEvery = plantEvery
    options = symbols.indices.filter { SymbolNames.isOption(symbols[$0]) }
    busyUntil = symbols.map { _ in 0 }
    self.symbols = symbols
    self.rate = rate
    self.startNs = startNs
    self.hasCorrections = hasCorrections
    prices = symbols.indices.map { index in
      let dice = splitMix64(seed &+ UInt64(index))
      return SymbolNames.isOption(symbols[index]) ? 150 + Int64(dice % 200) : 5_000 + Int64(dice % 40_000)
    }
    minute = startNs / Self.minuteNs
    bars = [[:], [:]]
  }

  private static let minuteNs: Int64 = 60_000_000_000

  /// Generates the events up to an instant of the market's clock.
  /// - Returns: the new events.
  package mutating func advance(to nanoseconds: Int64) -> Range<Int> {
    let first = events.count
    while true {
      let next = startNs + Int64(Double(steps + 1) / rate * 1e9)
      guard next <= nanoseconds else { break }
      steps += 1
      if next / Self.minuteNs > minute { endMinute(next / Self.minuteNs) }
      step(next)
    }
    return first..<events.count
  }

  private mutating func step(_ time: Int64) {
    if plantEvery > 0 { plant(time) }
    let dice = splitMix64(seed ^ UInt64(steps) &* 0x9e37_79b9)
    let index = Int(dice % UInt64(symbols.count))
    let roll = (dice >> 20) % 1_000
    if hasCorrections, let trade = lastTrade, roll < 2 {
      var event = SimulatedEvent(
        number: events.count, kind: roll == 0 ? .correction : .cancel, symbol: trade.symbol, eventNs: time)
      (event.originalID, event.originalPrice) = (trade.id, trade.price)
      (event.id, event.price, event.size) = roll == 0
        ? (steps, trade.price + 1, trade.size) : (trade.id, trade.price, trade.size)
      lastTrade = nil
      return events.append(event)
    }
    if hasCorrections, roll == 2 {
      return events.append(
        SimulatedEvent(number: events.count, kind: .status, symbol: symbols[index], eventNs: time, id: steps))
    }
    prices[index] = max(100, prices[index] + Int64((dice >> 32) % 7) - 3)
    let price = prices[index]
    let isOption = plantEvery > 0 && SymbolNames.isOption(symbols[index])
    let size = 1 + Int64((dice >> 40) % (isOption ? 20 : 400))
    let isQuote = roll < 350 || (isOption && time < busyUntil[index])
    var event = SimulatedEvent(
      number: events.count, kind: isQuote ? .quote : .trade, symbol: symbols[index], eventNs: time)
    (event.id, event.price, event.size) = (steps, price, size)
    events.append(event)
    guard event.kind == .trade else { return }
    lastTrade = event
    // One trade in twenty belongs to the minute before.
    let isLate = (dice >> 50) % 20 == 0 && bars[0][index] != nil
    add(event, index, isLate ? 0 : 1)
    if isLate, var bar = bars[0][index] {
      bar.kind = .revised
      bar.number = events.count
      events.append(bar)
    }
  }

  /// Unusual activity in contracts that have not printed for a while, because they were told to wait.
  private mutating func plant(_ time: Int64) {
    if steps % plantEvery == 0, next == nil, !options.isEmpty {
      let first = options[Int(splitMix64(seed &+ UInt64(steps)) % UInt64(options.count))]
      // The other leg of an order is on the same underlying.
      let underlying = OptionContract(symbols[first])?.underlying
      let alike = options.filter { OptionContract(symbols[$0])?.underlying == underlying }
      let second = alike.first { $0 > first } ?? alike.first ?? first
      next = (first, second, time + Self.quiet)
      for index in [first, second] { busyUntil[index] = time + 2 * Self.quiet }
    }
    guard let (first, second, due) = next, time >= due else { return }
    next = nil
    let kind = PlantedFlow.Kind.allCases[planted.count % PlantedFlow.Kind.allCases.count]
    let bid = max(150, prices[first])
    let (flow, prints) = PlantedFlow.make(
      kind, number: events.count, [symbols[first], symbols[second]], bid: bid, at: time)
    var quote = SimulatedEvent(number: events.count, kind: .quote, symbol: symbols[first], eventNs: time)
    (quote.id, quote.price) = (steps, bid)
    events.append(quote)
    for (place, print) in prints.enumerated() {
      var event = SimulatedEvent(
        number: events.count, kind: .trade, symbol: print.contract, eventNs: time + print.afterNs)
      (event.id, event.price, event.size) = (steps * 10 + place + 1_000_000_000, print.price, print.size)
      (event.exchange, event.condition) = (print.exchange, print.condition)
      events.append(event)
      let index = print.contract == symbols[first] ? first : second
      if print.condition != 201 { add(event, index, 1) }
    }
    planted.append(flow)
  }

  private mutating func add(_ trade: SimulatedEvent, _ index: Int, _ slot: Int) {
    var bar = bars[slot][index] ?? {
      var bar = SimulatedEvent(
        number: 0, kind: .bar, symbol: trade.symbol, eventNs: minute * Self.minuteNs, price: trade.price)
      (bar.high, bar.low) = (trade.price, trade.price)
      return bar
    }()
    bar.high = max(bar.high, trade.price)
    bar.low = min(bar.low, trade.price)
    bar.close = trade.price
    bar.size += trade.size
    bar.trades += 1
    bars[slot][index] = bar
  }

  private mutating func endMinute(_ next: Int64) {
    for index in symbols.indices {
      guard var bar = bars[1][index] else { continue }
      bar.number = events.count
      events.append(bar)
      bars[1][index] = bar
    }
    bars = [bars[1], [:]]
    minute = next
  }

  /// The last revision of every bar, by symbol and start.
  package var finalBars: [String: SimulatedEvent] {
    events.reduce(into: [:]) { bars, event in
      if event.kind == .bar || event.kind == .revised { bars["\(event.symbol)/\(event.eventNs)"] = event }
    }
  }
}

extension SimulatedEvent {
  /// A line of the truth file.
  package var line: String {
    "{\"number\":\(number),\"kind\":\"\(kind.rawValue)\",\"symbol\":\"\(symbol)\",\"event_ns\":\(eventNs),\"id\":\(id),"
      + "\"price\":\(Self.money(price)),\"size\":\(size),\"original_id\":\(originalID),\"high\":\(Self.money(high)),"
      + "\"low\":\(Self.money(low)),\"close\":\(Self.money(close)),\"trades\":\(trades)}"
  }

  package static func money(_ hundredths: Int64) -> String { "\(hundredths / 100).\(zeroPadded(hundredths % 100, 2))" }
}
