import Glibc

/// A bar as features see it. A minute that was revised replaces the earlier one of its start.
package struct FeatureBar: Hashable, Sendable {
  /// Nanoseconds since 1970; known when this state of the bar was.
  package var startNs, knownNs: Int64
  package var high, low, close, volume: Double

  package init(startNs: Int64, knownNs: Int64, high: Double, low: Double, close: Double, volume: Double) {
    (self.startNs, self.knownNs) = (startNs, knownNs)
    (self.high, self.low, self.close, self.volume) = (high, low, close, volume)
  }
}

/// The last bars of a symbol and interval.
struct BarWindow: Sendable {
  private(set) var bars: [FeatureBar] = []
  /// The longest window that is computed, and the bar before it.
  let most: Int

  /// - Returns: false when the bar changes nothing: it is older than all that count, or an earlier state.
  mutating func take(_ bar: FeatureBar) -> Bool {
    var place = bars.count
    while place > 0, bars[place - 1].startNs > bar.startNs { place -= 1 }
    if place > 0, bars[place - 1].startNs == bar.startNs {
      guard bars[place - 1].knownNs <= bar.knownNs, bars[place - 1] != bar else { return false }
      bars[place - 1] = bar
      return true
    }
    if place == 0, bars.count == most { return false }
    bars.insert(bar, at: place)
    if bars.count > most { bars.removeFirst() }
    return true
  }

  /// - Returns: nil while there are too few bars, and for a quotient by zero.
  func value(_ kind: FeatureDefinition.OfBars, _ window: Int) -> Double? {
    let needed = kind == .change || kind == .volatility || kind == .volumeRatio ? window + 1 : window
    guard bars.count >= needed, let last = bars.last else { return nil }
    let part = bars.suffix(needed)
    let result: Double
    switch kind {
    case .change: result = last.close / (part.first?.close ?? 0) - 1
    case .volatility:
      let returns = zip(part, part.dropFirst()).map { log($1.close / $0.close) }
      let mean = returns.reduce(0, +) / Double(window)
      result = (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(window - 1)).squareRoot()
    case .mean: result = part.reduce(0) { $0 + $1.close } / Double(window)
    case .highest: result = part.reduce(-.infinity) { max($0, $1.high) }
    case .lowest: result = part.reduce(.infinity) { min($0, $1.low) }
    case .volumeRatio: result = last.volume / (part.dropLast().reduce(0) { $0 + $1.volume } / Double(window))
    case .range:
      result = (part.reduce(-.infinity) { max($0, $1.high) } - part.reduce(.infinity) { min($0, $1.low) }) / last.close
    }
    return result.isFinite ? result : nil
  }
}

/// An event of options or a story, as features see it.
package struct FeatureEvent: Hashable, Sendable {
  package var id: String
  package var revision: Int64
  /// Nanoseconds since 1970.
  package var timeNs, knownNs: Int64
  /// It does not stand any more.
  package var isGone: Bool
  /// Premium and signed premium; score and confidence.
  package var first, second: Double
  /// Outlets of a story.
  package var sources: Int64

  package init(
    id: String, revision: Int64, timeNs: Int64, knownNs: Int64, isGone: Bool, first: Double, second: Double,
    sources: Int64 = 0
  ) {
    (self.id, self.revision, self.timeNs, self.knownNs, self.isGone) = (id, revision, timeNs, knownNs, isGone)
    (self.first, self.second, self.sources) = (first, second, sources)
  }
}

/// The events of a symbol that are near enough to the newest.
struct EventWindow: Sendable {
  /// The longest window that is computed, nanoseconds.
  let longest: Int64
  /// By time, then by id: sums come out the same in whatever order they were taken.
  private(set) var events: [FeatureEvent] = []
  /// Of the newest event that was taken, a withdrawn one included: time does not go back.
  private(set) var newest = Int64.min
  /// Events up to this time are too old.
  private var horizon: Int64 { newest == .min ? .min : newest - longest }

  mutating func take(_ event: FeatureEvent) -> Bool {
    if let known = events.firstIndex(where: { $0.id == event.id }) {
      guard events[known].revision < event.revision else { return false }
      events.remove(at: known)
    } else if event.timeNs <= horizon {
      return false
    }
    newest = max(newest, event.timeNs)
    // One that does not stand is kept too, so that an earlier revision of it does not come back.
    let place = events.firstIndex { (event.timeNs, event.id) < ($0.timeNs, $0.id) } ?? events.count
    events.insert(event, at: place)
    let limit = horizon
    events.removeAll { $0.timeNs <= limit }
    return true
  }

  private func standing(_ window: Duration) -> [FeatureEvent] {
    let begin = newest - Int64(window / .nanoseconds(1))
    return events.filter { !$0.isGone && $0.timeNs > begin }
  }

  func value(_ kind: FeatureDefinition.OfFlow, _ window: Duration) -> Double {
    let events = standing(window)
    return switch kind {
    case .premium: events.reduce(0) { $0 + $1.first }
    case .signedPremium: events.reduce(0) { $0 + $1.second }
    case .events: Double(events.count)
    }
  }

  /// - Returns: nil for the mean of no story.
  func value(_ kind: FeatureDefinition.OfSentiment, _ window: Duration) -> Double? {
    let events = standing(window)
    switch kind {
    case .meanScore:
      let weight = events.reduce(0) { $0 + $1.second }
      return weight > 0 ? events.reduce(0) { $0 + $1.first * $1.second } / weight : nil
    case .stories: return Double(events.count)
    case .sources: return Double(events.reduce(0) { $0 + $1.sources })
    }
  }
}
