import Core
import Feeds
import Foundation
import Synchronization
import Values

/// Unusual activity that the market was made to have: what a detector should find, and what it should not.
package struct PlantedFlow: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    /// Three prints on three exchanges at the ask.
    case sweep
    /// One large print at the bid.
    case block
    /// Two contracts, marked as legs.
    case legs
    /// A large print that is cancelled.
    case cancelled
    /// A large print that is reported late.
    case late
    /// Two large prints of one order on one exchange.
    case split
  }

  /// Of its first event.
  package var number: Int
  package var kind: Kind
  package var contracts: [String]
  package var firstNs: Int64
  package var size: Int64
  /// Dollars.
  package var premium: Double
  package var side: String

  /// Nothing of it should stand.
  package var isNone: Bool { kind == .cancelled || kind == .late }

  package var line: String {
    let names = contracts.map { "\"\($0)\"" }.joined(separator: ",")
    return "{\"number\":\(number),\"kind\":\"\(kind.rawValue)\",\"contracts\":[\(names)],"
      + "\"first_ns\":\(firstNs),\"size\":\(size),"
      + "\"premium\":\(premium),\"side\":\"\(side)\",\"is_none\":\(isNone)}"
  }
}

/// One print of a planted order.
struct PlantedPrint {
  var contract: String
  var afterNs: Int64
  var price: Int64
  var size: Int64
  var exchange = 302
  var condition = 209
}

extension PlantedFlow {
  private static let millisecond: Int64 = 1_000_000

  /// - Parameters:
  ///   - number: of its first event.
  ///   - names: contracts; the second one is for legs.
  ///   - bid: hundredths; the ask is two above.
  static func make(
    _ kind: Kind, number: Int, _ names: [String], bid: Int64, at time: Int64
  ) -> (flow: PlantedFlow, prints: [PlantedPrint]) {
    let (name, ask) = (names[0], bid + 2)
    let prints: [PlantedPrint] = switch kind {
    case .sweep:
      [(302, 80), (309, 90), (316, 100)].enumerated().map { index, part in
        PlantedPrint(
          contract: name, afterNs: Int64(index + 1) * millisecond, price: ask, size: part.1, exchange: part.0,
          condition: 219)
      }
    case .block: [PlantedPrint(contract: name, afterNs: millisecond, price: bid, size: 600, exchange: 313)]
    case .legs:
      names.prefix(2).map {
        PlantedPrint(contract: $0, afterNs: millisecond, price: bid + 1, size: 300, exchange: 312, condition: 232)
      }
    case .cancelled:
      [209, 201].enumerated().map { index, condition in
        PlantedPrint(
          contract: name, afterNs: Int64(index + 1) * millisecond, price: ask, size: 700, exchange: 313,
          condition: condition)
      }
    case .late:
      [PlantedPrint(contract: name, afterNs: millisecond, price: ask, size: 800, exchange: 313, condition: 204)]
    case .split:
      (1...2).map {
        PlantedPrint(contract: name, afterNs: Int64($0) * 2 * millisecond, price: ask, size: 550, exchange: 313)
      }
    }
    let counted = kind == .cancelled ? Array(prints.prefix(1)) : prints
    let flow = PlantedFlow(
      number: number, kind: kind, contracts: kind == .legs ? Array(names.prefix(2)) : [name],
      firstNs: time + counted[0].afterNs,
      size: counted.reduce(0) { $0 + $1.size },
      premium: Double(counted.reduce(0) { $0 + $1.size * $1.price }),
      side: kind == .legs ? "unknown" : kind == .block ? "sell" : "buy")
    return (flow, prints)
  }
}

extension FeedSimulator {
  /// What the market was made to have so far.
  package var planted: [PlantedFlow] { state.withLock { $0.market.planted } }

  /// A contract of a chain, as an answer about it says.
  package struct ChainContract: Hashable, Sendable {
    package var contract: String
    package var volume: Int64
    package var openInterest: Int64
    /// Hundredths; the ask is two above.
    package var bid: Int64
    package var last: Int64?
  }

  /// The contracts on an underlying: those of the market, and invented ones that do not trade.
  package func chain(_ underlying: String) -> [ChainContract] {
    let (events, symbols, script) = state.withLock { ($0.market.events, $0.market.symbols, $0.script) }
    var names = symbols.filter { OptionContract($0)?.underlying == underlying }
    for index in 0..<script.chainContracts {
      let strike = zeroPadded(Int64(100 + index / 2) * 1_000, 8)
      names.append("\(underlying)291221\(index % 2 == 0 ? "C" : "P")\(strike)")
    }
    names.removeAll { script.goneContracts.contains($0) }
    var found: [String: ChainContract] = [:]
    for name in names {
      let seed = name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
      found[name] = ChainContract(
        contract: name, volume: 0, openInterest: script.openInterest[name] ?? Int64(seed % 400), bid: 150)
    }
    for event in events where found[event.symbol] != nil {
      if event.kind == .trade {
        found[event.symbol]?.volume += event.condition == 201 ? -event.size : event.size
        if event.condition != 201 { found[event.symbol]?.last = event.price }
      } else if event.kind == .quote {
        found[event.symbol]?.bid = event.price
      }
    }
    return found.values.sorted { $0.contract < $1.contract }
  }

  /// Polygon's and Alpaca's snapshots of a chain, in pages.
  func chainAnswer(_ underlying: String, _ query: [String: String], isPolygon: Bool) -> Answer {
    let list = chain(underlying)
    let (size, isCyclic) = state.withLock { ($0.script.pageSize, $0.script.isCyclic) }
    let token = query[isPolygon ? "cursor" : "page_token"]
    let start = token.flatMap { Int($0) } ?? 0
    let limit = min(size, Int(query["limit"] ?? "10") ?? 10)
    let page = list.dropFirst(start).prefix(limit)
    let next = isCyclic ? "0" : start + page.count < list.count ? "\(start + page.count)" : nil
    let now = WallClock.microseconds() * 1_000
    guard isPolygon else {
      let rows = page.map { contract in
        let (bid, ask) = (SimulatedEvent.money(contract.bid), SimulatedEvent.money(contract.bid + 2))
        let last = contract.last.map {
          #""latestTrade":{"t":"\#(FeedWire.rfc3339(now))","p":\#(SimulatedEvent.money($0)),"s":1,"x":"C","c":"I"},"#
        } ?? ""
        return #""\#(contract.contract)":{\#(last)"latestQuote":{"t":"\#(FeedWire.rfc3339(now))","bp":\#(bid),"bs":10,"#
          + #""ap":\#(ask),"as":12},"dailyBar":{"v":\#(contract.volume)},"impliedVolatility":0.31,"#
          + #""greeks":{"delta":0.5,"gamma":0.02,"theta":-0.1,"vega":0.2,"rho":0.01}}"#
      }
      return Answer(body: #"{"snapshots":{\#(rows.joined(separator: ","))},"next_page_token":"#
        + (next.map { "\"\($0)\"}" } ?? "null}"))
    }
    let rows = page.map { contract in
      let (bid, ask) = (SimulatedEvent.money(contract.bid), SimulatedEvent.money(contract.bid + 2))
      let last = contract.last.map { #""last_trade":{"price":\#(SimulatedEvent.money($0)),"size":1,"exchange":302,"#
        + #""conditions":[209],"sip_timestamp":\#(now)},"# } ?? ""
      return #"{"break_even_price":171,"day":{"volume":\#(contract.volume),"close":1.5,"last_updated":\#(now)},"#
        + #""details":{"contract_type":"call","exercise_style":"american","shares_per_contract":100,"#
        + #""ticker":"O:\#(contract.contract)"},"greeks":{"delta":0.5,"gamma":0.02,"theta":-0.1,"vega":0.2},"#
        + #""implied_volatility":0.31,"last_quote":{"bid":\#(bid),"bid_size":10,"ask":\#(ask),"ask_size":12,"#
        + #""last_updated":\#(now)},\#(last)"open_interest":\#(contract.openInterest),"#
        + #""underlying_asset":{"ticker":"\#(underlying)"}}"#
    }
    return polygon(rows, next, "/v3/snapshot/options/\(underlying)", query)
  }
}
