/// What a product cost in a chain over time: the cheapest of the chain's stores, out of the changes of each store and
/// the prices as they are now. Times are milliseconds since 1970.
struct PriceSteps: Sendable {
  /// The price of one store from a time on; nil from when it is not known any more.
  struct Step: Hashable, Sendable {
    var time: Double
    var price: Double?
  }
  /// By store, in any order.
  private var stores: [String: [Step]] = [:]
  private var current: Set<String> = []

  var count: Int { stores.count }

  /// A change, with the price before it and since when that held.
  mutating func change(of store: String, from previous: Double, since: Double, to price: Double, at time: Double) {
    stores[store, default: []] += [Step(time: since, price: previous), Step(time: time, price: price)]
  }

  mutating func now(of store: String, _ price: Double, since: Double) {
    stores[store, default: []].append(Step(time: since, price: price))
    current.insert(store)
  }

  /// The cheapest price after each time at which it changed, ascending; nil where no store has one. When a store that
  /// does not have the product any more took it out is not known: its last price does not count.
  var cheapest: [Step] {
    var events: [(time: Double, store: String, price: Double?)] = []
    for (store, steps) in stores {
      var steps = steps.sorted { $0.time < $1.time }
      if !current.contains(store), let last = steps.last { steps[steps.count - 1] = Step(time: last.time, price: nil) }
      events += steps.map { ($0.time, store, $0.price) }
    }
    events.sort { ($0.time, $0.store) < ($1.time, $1.store) }
    var (prices, found): ([String: Double], [Step]) = ([:], [])
    for (index, event) in events.enumerated() {
      prices[event.store] = event.price
      if index + 1 < events.count, events[index + 1].time == event.time { continue }
      let price = prices.values.min()
      if found.isEmpty ? price != nil : found[found.count - 1].price != price {
        found.append(Step(time: event.time, price: price))
      }
    }
    return found
  }

  struct Line: Hashable, Sendable {
    /// No file came meanwhile: whether the price stayed as it was is not known.
    var isGap: Bool
    var points: [Step]
  }

  /// Steps as lines to draw up to a time, those parts apart in which no file came.
  static func lines(_ steps: [Step], silences: [ClosedRange<Double>], until end: Double) -> [Line] {
    let bounds = silences.flatMap { [$0.lowerBound, $0.upperBound] }
    guard let first = steps.first?.time, first < end else { return [] }
    let times = Set(steps.map(\.time) + bounds + [end]).filter { first...end ~= $0 }.sorted()
    var lines: [Line] = []
    var place = 0
    for (start, stop) in zip(times, times.dropFirst()) {
      while place + 1 < steps.count, steps[place + 1].time <= start { place += 1 }
      guard let price = steps[place].price else { continue }
      let isGap = silences.contains { $0.lowerBound <= start && stop <= $0.upperBound }
      let part = [Step(time: start, price: price), Step(time: stop, price: price)]
      if let last = lines.last, last.isGap == isGap, last.points.last?.time == start {
        lines[lines.count - 1].points += part
      } else {
        lines.append(Line(isGap: isGap, points: part))
      }
    }
    return lines
  }
}
