import Core
import Messages

/// What is known of the options on one underlying: recent prints by order, events, and the contracts. Pure: what
/// follows from a record depends on the records before it alone.
package struct FlowBook: Sendable {
  package enum Outcome: Hashable, Sendable {
    case taken
    /// It was there before.
    case repeated
    /// By its conditions, or without a price and a size.
    case excluded
    /// An earlier print was taken out.
    case cancelled
    /// What it cancels is not remembered: it was part of no event.
    case cancelledNothing
  }

  package let feed: String
  package let underlying: String
  /// By contract; legs, which are of several, under no name.
  var orders: [String: [FlowOrder]] = [:]
  package internal(set) var events: [String: OptionsFlow] = [:]
  /// By expiry and name.
  var contracts: [String: [String: ContractState]] = [:]
  var knownNs: Int64 = 0
  var agedNs: Int64 = 0
  /// That of the newest snapshot.
  var day = ""
  /// The last prints that are in plain orders.
  var recent: ArraySlice<Fill> = []
  static let mostRecent = 64
  /// Prints in the order in which they became known.
  var seen: [(id: Int64, knownNs: Int64)] = []
  var ids: Set<Int64> = []
  var snapshot: Snapshot?

  /// Since the last `settle`.
  package internal(set) var changedEvents: [String] = []
  package internal(set) var isLiveChanged = false
  package internal(set) var changedExpiries: Set<String> = []
  /// Events that were dropped without an open interest to compare with.
  package internal(set) var unverified = 0

  /// The snapshot whose pages come in.
  struct Snapshot: Sendable {
    var name: String
    var pages: Int64 = 0
    var names: Set<String> = []
  }

  static let legs = ""

  // MARK: - prints

  /// Takes a print in.
  /// - Parameters:
  ///   - kind: what its conditions say.
  ///   - day: the date in New York of its time.
  package mutating func take(_ trade: OptionTrade, _ kind: PrintClass, day: String, _ rules: FlowRules) -> Outcome {
    let id = trade.identity
    guard ids.insert(id).inserted else { return .repeated }
    isLiveChanged = true
    knownNs = max(knownNs, trade.knownNs)
    seen.append((id, knownNs))
    defer { age(rules) }
    let (price, size) = (trade.price.double, Int64(trade.size.double))
    guard kind != .excluded, price > 0, size > 0 else { return .excluded }
    if kind == .cancel { return cancel(trade.contract, price, size, trade.exchange ?? "", rules) }
    let side = SideOfPrint(
      price: price, bid: trade.bid?.double, ask: trade.ask?.double, age: trade.quoteNs.map { trade.eventNs - $0 },
      stale: rules.staleQuote)
    let fill = Fill(
      id: id, contract: trade.contract, exchange: trade.exchange ?? "", eventNs: trade.eventNs, price: price,
      size: size, shares: state(of: trade.contract)?.shares ?? 100, confidence: side.confidence,
      isSweep: kind == .sweep)
    switch kind {
    case .multiLeg: add(fill, .legs, .unknown, day, rules)
    case .auction: add(fill, .auction, side.side, day, rules)
    default:
      if let partner = takePartner(of: fill, rules) {
        add(partner, .legs, .unknown, day, rules)
        add(fill, .legs, .unknown, day, rules)
      } else {
        add(fill, .plain, side.side, day, rules)
      }
    }
    return .taken
  }

  func state(of contract: String) -> ContractState? {
    guard contract.utf8.count > 15 else { return nil }
    return contracts[Self.expiry(of: contract)]?[contract]
  }

  /// `2025-12-19` of `SPY251219C00650000`.
  static func expiry(of contract: String) -> String {
    let date = Array(contract.utf8.suffix(15).prefix(6))
    let text = String(decoding: date, as: UTF8.self)
    return "20\(text.prefix(2))-\(text.dropFirst(2).prefix(2))-\(text.suffix(2))"
  }

  private mutating func add(
    _ fill: Fill, _ kind: FlowOrder.Kind, _ side: OptionsFlow.Side, _ day: String, _ rules: FlowRules
  ) {
    let place = kind == .legs ? Self.legs : fill.contract
    var list = orders.removeValue(forKey: place) ?? []
    let index = list.lastIndex { order in
      guard order.kind == kind, order.side == side, order.touchedNs >= knownNs - rules.hold else { return false }
      guard kind == .legs else {
        return abs(fill.eventNs - order.firstNs) <= rules.window
      }
      return abs(fill.eventNs - order.firstNs) <= rules.legWindow && order.fills.first?.exchange == fill.exchange
    }
    if let index {
      list[index].fills.append(fill)
      list[index].firstNs = min(list[index].firstNs, fill.eventNs)
      list[index].touchedNs = knownNs
      judge(&list[index], rules)
    } else {
      var order = FlowOrder(
        kind: kind, side: side, day: day, firstNs: fill.eventNs, touchedNs: knownNs, fills: [fill])
      judge(&order, rules)
      list.append(order)
    }
    orders[place] = list
    guard kind == .plain else { return }
    recent.append(fill)
    if recent.count > Self.mostRecent { recent.removeFirst() }
  }

  /// A print of another contract on the same exchange, of the same size and at the same time: both are legs of one
  /// order.
  /// - Returns: that print, taken out of its order; nil without one.
  private mutating func takePartner(of fill: Fill, _ rules: FlowRules) -> Fill? {
    guard fill.size >= rules.legSize, !fill.exchange.isEmpty else { return nil }
    let partner = recent.last {
      $0.contract != fill.contract && $0.exchange == fill.exchange && $0.size == fill.size
        && abs($0.eventNs - fill.eventNs) <= rules.legWindow
    }
    guard let partner, let list = orders[partner.contract] else { return nil }
    for (index, order) in list.enumerated() where order.kind == .plain {
      guard let place = order.fills.firstIndex(where: { $0.id == partner.id }) else { continue }
      remove(place, ofOrder: index, under: partner.contract, rules)
      return partner
    }
    return nil
  }

  private mutating func cancel(
    _ contract: String, _ price: Double, _ size: Int64, _ exchange: String, _ rules: FlowRules
  ) -> Outcome {
    func isIt(_ fill: Fill) -> Bool { fill.contract == contract && fill.price == price && fill.size == size }
    var found: (place: String, order: Int, fill: Int, rank: (Bool, Int64))?
    for place in [contract, Self.legs] {
      for (index, order) in (orders[place] ?? []).enumerated() {
        for (position, fill) in order.fills.enumerated() where isIt(fill) {
          // The last one, of the exchange that says so before all others.
          let rank = (fill.exchange == exchange, fill.eventNs)
          if let best = found?.rank, (best.0 ? 1 : 0, best.1) >= (rank.0 ? 1 : 0, rank.1) { continue }
          found = (place, index, position, rank)
        }
      }
    }
    guard let found else { return .cancelledNothing }
    remove(found.fill, ofOrder: found.order, under: found.place, rules)
    return .cancelled
  }

  private mutating func remove(_ fill: Int, ofOrder index: Int, under place: String, _ rules: FlowRules) {
    var list = orders.removeValue(forKey: place) ?? []
    let gone = list[index].fills.remove(at: fill)
    recent.removeAll { $0.id == gone.id }
    judge(&list[index], rules)
    if list[index].fills.isEmpty { list.remove(at: index) }
    if !list.isEmpty { orders[place] = list }
  }

  // MARK: - events

  /// Says what an order is, if that is something else than before.
  private mutating func judge(_ order: inout FlowOrder, _ rules: FlowRules) {
    let verdict = order.verdict(rules)
    guard let verdict else {
      guard let id = order.event, var event = events[id], event.status != .withdrawn else { return }
      event.status = .withdrawn
      return put(event)
    }
    let fills = order.fills.sorted { ($0.eventNs, $0.id) < ($1.eventNs, $1.id) }
    guard let first = fills.first, let last = fills.last else { return }
    let id = order.event ?? Self.eventID(feed, "order", first.contract, "\(first.id)")
    order.event = id
    var names: [String] = []
    for fill in fills where !names.contains(fill.contract) { names.append(fill.contract) }
    let size = fills.reduce(0) { $0 + $1.size }
    let weight = fills.reduce(0.0) { $0 + $1.price * Double($1.size) }
    put(OptionsFlow(
      eventID: id, underlying: underlying, feed: feed, rule: verdict.rule, condition: verdict.condition,
      numbers: verdict.numbers, contracts: names, side: order.side, confidence: order.confidence,
      premium: rounded(fills.reduce(0) { $0 + $1.premium }, 100), size: size, prints: Int64(fills.count),
      exchanges: Int64(Set(fills.map(\.exchange)).count), price: rounded(weight / Double(max(1, size)), 10_000),
      firstNs: first.eventNs, lastNs: last.eventNs, knownNs: knownNs, day: order.day,
      openInterestBefore: openInterest(of: names, before: order.day)))
  }

  /// The sum over contracts; nil when it is not known of one of them.
  func openInterest(of names: [String], before day: String) -> Int64? {
    sum(names) { $0.openInterest(before: day) }
  }

  func openInterest(of names: [String], after day: String) -> Int64? {
    sum(names) { $0.openInterest(after: day) }
  }

  private func sum(_ names: [String], _ number: (ContractState) -> Int64?) -> Int64? {
    var sum: Int64 = 0
    for name in names {
      guard let found = state(of: name).flatMap(number) else { return nil }
      sum += found
    }
    return sum
  }

  static func eventID(_ parts: String...) -> String {
    String(SHA256.hash(parts.joined(separator: "/")).hex.prefix(32))
  }

  /// Keeps an event, with the next revision, if it says something new.
  mutating func put(_ event: OptionsFlow) {
    var event = event
    if let known = events[event.eventID] {
      (event.revision, event.openInterestAfter) = (known.revision, event.openInterestAfter ?? known.openInterestAfter)
      if event.openInterestBefore == nil { event.openInterestBefore = known.openInterestBefore }
      var same = known
      same.knownNs = event.knownNs
      guard event != same else { return }
      event.revision += 1
    }
    event.knownNs = knownNs
    events[event.eventID] = event
    isLiveChanged = true
    if !changedEvents.contains(event.eventID) { changedEvents.append(event.eventID) }
  }

  // MARK: - time

  /// Forgets what no later record can change, once a second of the time of knowing.
  private mutating func age(_ rules: FlowRules) {
    let second = knownNs / 1_000_000_000
    guard second > agedNs / 1_000_000_000 else { return }
    agedNs = knownNs
    let surplus = seen.prefix { $0.knownNs < knownNs - rules.memory }
    for entry in surplus { ids.remove(entry.id) }
    seen.removeFirst(surplus.count)
    for (place, list) in orders {
      let kept = list.filter { order in
        order.event.map { events[$0] != nil } ?? (order.touchedNs >= knownNs - rules.hold)
      }
      if kept.count != list.count { orders[place] = kept.isEmpty ? nil : kept }
    }
  }

  /// What was said is acknowledged.
  package mutating func settle() {
    changedEvents.removeAll()
    isLiveChanged = false
    changedExpiries.removeAll()
    unverified = 0
  }
}

extension FlowOrder {
  typealias Verdict = (rule: OptionsFlow.Rule, condition: String, numbers: SignalValues)

  /// Of the side, by size.
  var confidence: Double {
    guard side != .unknown else { return 0 }
    let size = fills.reduce(0) { $0 + $1.size }
    return rounded(fills.reduce(0) { $0 + $1.confidence * Double($1.size) } / Double(max(1, size)), 100)
  }

  /// The rule that holds; nil for an order like any other.
  func verdict(_ rules: FlowRules) -> Verdict? {
    guard !fills.isEmpty else { return nil }
    let premium = fills.reduce(0) { $0 + $1.premium }
    let largest = fills.map(\.size).max() ?? 0
    let dearest = fills.map(\.premium).max() ?? 0
    let block = "size>=\(rules.blockSize) or premium>=\(Int64(rules.blockPremium))"
    if kind == .legs {
      let legs = Set(fills.map(\.contract)).count
      let size = fills.reduce(0) { $0 + $1.size }
      guard legs >= 2, size >= rules.blockSize || premium >= rules.blockPremium else { return nil }
      return (
        .multiLeg, "legs>=2, \(block)",
        SignalValues(names: ["legs", "size", "premium"], numbers: [Double(legs), Double(size), rounded(premium, 100)]))
    }
    let exchanges = Set(fills.map(\.exchange)).count
    let isMarked = fills.contains(where: \.isSweep)
    if kind == .plain, premium >= rules.sweepPremium,
      isMarked || (side != .unknown && fills.count >= 2 && exchanges >= 2) {
      let times = fills.map(\.eventNs)
      let span = Double((times.max() ?? 0) - (times.min() ?? 0)) / 1e6
      return (
        .sweep,
        "prints>=2 on exchanges>=2 within \(rules.window / 1_000_000)ms, or sent as a sweep; "
          + "premium>=\(Int64(rules.sweepPremium))",
        SignalValues(
          names: ["prints", "exchanges", "span_ms", "premium", "marked"],
          numbers: [
            Double(fills.count), Double(exchanges), rounded(span, 1_000), rounded(premium, 100), isMarked ? 1 : 0,
          ]))
    }
    guard largest >= rules.blockSize || dearest >= rules.blockPremium else { return nil }
    return (
      .block, block,
      SignalValues(names: ["size", "premium"], numbers: [Double(largest), rounded(dearest, 100)]))
  }
}

func rounded(_ value: Double, _ parts: Double) -> Double { (value * parts).rounded() / parts }
