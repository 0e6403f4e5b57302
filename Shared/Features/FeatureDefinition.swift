import Core
import StrictYAML

/// A number that is computed of a symbol's records, and what it is computed of.
///
/// A definition never changes: another one under the same name has another version, and both can be computed side by
/// side.
package struct FeatureDefinition: Hashable, Sendable {
  package enum Source: String, CaseIterable, Sendable {
    /// `market-bars`, `technical-signals`, `options-flow`, `sentiment-events`.
    case bars, signals, flow, sentiment
  }

  /// What is computed of the last bars.
  package enum OfBars: String, CaseIterable, Sendable {
    /// Close against the close `window` bars before, less 1.
    case change = "return"
    /// Sample standard deviation of the last `window` logarithmic returns.
    case volatility
    /// Of the last `window` closes, highs and lows.
    case mean, highest, lowest
    /// Volume against the mean of the `window` bars before.
    case volumeRatio = "volume_ratio"
    /// Highest high less lowest low of the last `window` bars, against the close.
    case range
  }

  /// What is computed of the events within `window` of the newest one.
  package enum OfFlow: String, CaseIterable, Sendable {
    /// Dollars; with the sign of the side that was taken: bought calls and sold puts count for a rise.
    case premium
    case signedPremium = "signed_premium"
    case events
  }

  package enum OfSentiment: String, CaseIterable, Sendable {
    /// Weighted by the confidence that the story is about the symbol.
    case meanScore = "mean_score"
    case stories
    /// Outlets, over all stories.
    case sources
  }

  package enum Value: Hashable, Sendable {
    case bars(OfBars, window: Int)
    /// The value of an indicator that signal-worker writes.
    case signal(String)
    case flow(OfFlow, window: Duration)
    case sentiment(OfSentiment, window: Duration)
  }

  package var name: String
  package var version: Int
  package var source: Source
  /// Of bars and signals: `1m`.
  package var interval: String?
  package var value: Value
  /// How long after its event time a value can be used.
  package var freshness: Duration
  package var about: String

  /// `return_5m@1`
  package var id: String { "\(name)@\(version)" }
  /// Features of one group have one event time: `bars:1m`, `sentiment`.
  package var group: String { interval.map { "\(source.rawValue):\($0)" } ?? source.rawValue }

  /// Everything that makes the value, in one line: of one id always the same.
  package var text: String {
    let what = switch value {
    case .bars(let value, let window): "\(value.rawValue) of \(window)"
    case .signal(let name): name
    case .flow(let value, let window): "\(value.rawValue) of \(DurationSetting(window))"
    case .sentiment(let value, let window): "\(value.rawValue) of \(DurationSetting(window))"
    }
    return "\(group) \(what) fresh \(DurationSetting(freshness))"
  }

  private static let keys = ["name", "version", "source", "interval", "value", "window", "freshness", "about"]

  init(_ row: YAMLValue, origin: String) throws(Failure) {
    let fields = try YAMLFields(row, of: "feature", known: Self.keys, origin: origin)
    name = try fields.required("name")
    guard Self.isName(name) else { throw fields.wrong("name", "1 to 64 small letters, digits and _ are expected") }
    guard let version = try fields.count("version", in: 1...9_999) else { throw fields.wrong("version is missing") }
    guard let source = try fields.choice("source", as: Source.self) else { throw fields.wrong("source is missing") }
    guard let freshness = try fields.duration("freshness"), freshness > .zero else {
      throw fields.wrong("freshness is missing, or not above zero")
    }
    (self.version, self.source, self.freshness) = (version, source, freshness)
    about = try fields.text("about") ?? ""
    let value = try fields.required("value")
    interval = try fields.text("interval")
    switch source {
    case .bars, .signals:
      guard let interval, ["m", "h", "d", "s"].contains(interval.last), Int(interval.dropLast()) ?? 0 > 0 else {
        throw fields.wrong("interval", "1m, 1h or 1d is expected")
      }
    case .flow, .sentiment:
      guard interval == nil else { throw fields.wrong("interval", "\(source.rawValue) has none") }
    }
    func window() throws(Failure) -> Duration {
      guard let window = try fields.duration("window"), window > .zero, window <= .seconds(90 * 86_400) else {
        throw fields.wrong("window", "a time up to 90d is expected")
      }
      return window
    }
    switch source {
    case .bars:
      guard let kind = OfBars(rawValue: value) else { throw Self.unknown(value, OfBars.self, fields) }
      guard let window = try fields.count("window", in: (kind == .volatility ? 2 : 1)...1_000) else {
        throw fields.wrong("window is missing: a number of bars")
      }
      self.value = .bars(kind, window: window)
    case .signals:
      guard try fields.text("window") == nil else { throw fields.wrong("window", "an indicator has its own") }
      guard Self.isName(value) else { throw fields.wrong("value", "the name of an indicator is expected") }
      self.value = .signal(value)
    case .flow:
      guard let kind = OfFlow(rawValue: value) else { throw Self.unknown(value, OfFlow.self, fields) }
      self.value = .flow(kind, window: try window())
    case .sentiment:
      guard let kind = OfSentiment(rawValue: value) else { throw Self.unknown(value, OfSentiment.self, fields) }
      self.value = .sentiment(kind, window: try window())
    }
  }

  private static func unknown<Kind: RawRepresentable<String> & CaseIterable>(
    _ value: String, _ kind: Kind.Type, _ fields: YAMLFields
  ) -> Failure {
    fields.wrong("value", "'\(value)' is none of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
  }

  private static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy {
      (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
    }
  }
}

/// The features that are computed, live and in batches.
package struct FeatureSet: Sendable {
  package let features: [FeatureDefinition]

  /// No features.
  package static let none = FeatureSet(features: [])

  private init(features: [FeatureDefinition]) { self.features = features }

  /// - Parameter path: nil: the embedded set.
  /// - Throws: a configuration `Failure` naming file and line.
  package init(file path: String?) throws(Failure) {
    let text = try path.map { (path) throws(Failure) in String(decoding: try readFile(path), as: UTF8.self) }
    try self.init(yaml: text ?? Self.embedded, origin: path ?? "the embedded features")
  }

  package init(yaml: String, origin: String) throws(Failure) {
    var features: [FeatureDefinition] = []
    if let root = try YAMLValue.read(yaml: yaml, origin: origin), !root.isNull {
      for row in try YAMLFields(root, of: "file", known: ["features"], origin: origin).list("features") ?? [] {
        let feature = try FeatureDefinition(row, origin: origin)
        if let other = features.first(where: { $0.id == feature.id }) {
          throw YAMLFields.wrong(origin, row.line, other.text == feature.text
            ? "a second feature '\(feature.id)'" : "'\(feature.id)' is defined otherwise above: give it a new version")
        }
        features.append(feature)
      }
    }
    self.features = features
  }

  /// Holds the set against definitions that were used before, by id.
  /// - Throws: a configuration `Failure` that names the first one that has changed.
  package func check(against known: [String: String]) throws(Failure) {
    for feature in features {
      guard let before = known[feature.id], before != feature.text else { continue }
      throw Failure(
        .configuration, code: "feature_redefined",
        "feature '\(feature.name)' version \(feature.version) is '\(feature.text)', and the store has values of "
          + "'\(before)' under it: give the new definition version \(feature.version + 1) or higher")
    }
  }

  package func without(_ source: FeatureDefinition.Source) -> FeatureSet {
    FeatureSet(features: features.filter { $0.source != source })
  }

  package func features(of group: String) -> [FeatureDefinition] { features.filter { $0.group == group } }

  package static let embedded = """
    features:
      - {name: return_5m, version: 1, source: bars, interval: 1m, value: return, window: 5, freshness: 5m}
      - {name: return_60m, version: 1, source: bars, interval: 1m, value: return, window: 60, freshness: 5m}
      - {name: volatility_30m, version: 1, source: bars, interval: 1m, value: volatility, window: 30, freshness: 5m}
      - {name: volume_ratio_20m, version: 1, source: bars, interval: 1m, value: volume_ratio, window: 20, freshness: 5m}
      - {name: range_30m, version: 1, source: bars, interval: 1m, value: range, window: 30, freshness: 5m}
      - {name: rsi14_1m, version: 1, source: signals, interval: 1m, value: rsi14, freshness: 5m}
      - {name: flow_premium_1h, version: 1, source: flow, value: signed_premium, window: 1h, freshness: 1h}
      - {name: flow_events_1d, version: 1, source: flow, value: events, window: 1d, freshness: 1d}
      - {name: sentiment_1d, version: 1, source: sentiment, value: mean_score, window: 1d, freshness: 1d}
      - {name: stories_1d, version: 1, source: sentiment, value: stories, window: 1d, freshness: 1d}
    """
}
