import Core

/// The features of a group of one symbol at one time.
package struct FeatureRow: Hashable, Sendable {
  package struct Value: Hashable, Sendable {
    package var feature: FeatureDefinition
    /// Nil while there are too few records.
    package var number: Double?
  }

  package var symbol: String
  package var group: String
  /// The end of the bar, or the time of the newest event; nanoseconds since 1970.
  package var eventNs: Int64
  /// When the latest record was known that this is the effect of.
  package var knownNs: Int64
  package var values: [Value]
}

/// Computes the features of all symbols, record by record: the live system and batches use this one.
///
/// A value depends on the records in its window only, and not on their order, so an engine that is given the window
/// alone says the same as one that has seen everything.
package struct FeatureEngine: Sendable {
  private struct Name: Hashable {
    var symbol, group: String
  }

  package let set: FeatureSet
  private let groups: [String: [FeatureDefinition]]
  private var bars: [Name: BarWindow] = [:]
  private var events: [Name: EventWindow] = [:]

  package init(_ set: FeatureSet) {
    self.set = set
    groups = Dictionary(grouping: set.features, by: \.group)
  }

  /// Bars that a window of a group needs; 0 for a group without features.
  package func bars(of group: String) -> Int {
    (groups[group] ?? []).reduce(0) { most, feature in
      if case .bars(_, let window) = feature.value { max(most, window + 1) } else { most }
    }
  }

  /// The longest window of a group of events; zero for a group without features.
  package func window(of group: String) -> Duration {
    (groups[group] ?? []).reduce(.zero) { longest, feature in
      switch feature.value {
      case .flow(_, let window), .sentiment(_, let window): max(longest, window)
      case .bars, .signal: longest
      }
    }
  }

  /// - Parameters:
  ///   - interval: `1m`.
  ///   - length: of the interval.
  /// - Returns: nil when nothing changes.
  package mutating func take(
    _ bar: FeatureBar, symbol: String, interval: String, length: Duration
  ) -> FeatureRow? {
    let group = "bars:\(interval)"
    guard let features = groups[group] else { return nil }
    let name = Name(symbol: symbol, group: group)
    let empty = BarWindow(most: bars(of: group))
    guard bars[name, default: empty].take(bar), let window = bars[name], let last = window.bars.last else { return nil }
    return FeatureRow(
      symbol: symbol, group: group, eventNs: last.startNs + Int64(length / .nanoseconds(1)),
      knownNs: max(bar.knownNs, last.knownNs),
      values: features.map { feature in
        guard case .bars(let kind, let count) = feature.value else { return .init(feature: feature) }
        return .init(feature: feature, number: window.value(kind, count))
      })
  }

  /// - Parameter eventNs: the end of the bar.
  /// - Returns: nil for an interval without features.
  package func take(
    signals: [String: Double], symbol: String, interval: String, eventNs: Int64, knownNs: Int64
  ) -> FeatureRow? {
    guard let features = groups["signals:\(interval)"] else { return nil }
    return FeatureRow(
      symbol: symbol, group: "signals:\(interval)", eventNs: eventNs, knownNs: knownNs,
      values: features.map { feature in
        guard case .signal(let name) = feature.value else { return .init(feature: feature) }
        return .init(feature: feature, number: signals[name].flatMap { $0.isFinite ? $0 : nil })
      })
  }

  /// - Parameter source: flow or sentiment.
  /// - Returns: nil when nothing changes.
  package mutating func take(
    _ event: FeatureEvent, symbol: String, source: FeatureDefinition.Source
  ) -> FeatureRow? {
    let group = source.rawValue
    guard let features = groups[group] else { return nil }
    let name = Name(symbol: symbol, group: group)
    let longest = Int64(window(of: group) / .nanoseconds(1))
    guard events[name, default: EventWindow(longest: longest)].take(event), let window = events[name] else {
      return nil
    }
    return FeatureRow(
      symbol: symbol, group: group, eventNs: window.newest, knownNs: event.knownNs,
      values: features.map { feature in
        switch feature.value {
        case .flow(let kind, let length): .init(feature: feature, number: window.value(kind, length))
        case .sentiment(let kind, let length): .init(feature: feature, number: window.value(kind, length))
        case .bars, .signal: .init(feature: feature)
        }
      })
  }

  /// The length of an interval: `1m`, `1h`, `1d`; of a day 24 hours, so that its bar has ended.
  package static func length(of interval: String) -> Duration? {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = interval.last.flatMap({ units[$0] }), let count = Int(interval.dropLast()), count > 0 else {
      return nil
    }
    return .seconds(count * unit)
  }
}
