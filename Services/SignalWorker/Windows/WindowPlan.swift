import Core
import Indicators
import Messages

/// What is computed of the events of a symbol: hours on the clocks of New York, each with the day that ends with it.
package struct WindowPlan: Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    /// Records of `options-flow`.
    case flow
    /// Records of `sentiment-events`.
    case sentiment

    /// Of its signals: no interval of bars, since a symbol has both.
    package var interval: String { "\(rawValue)-1h" }

    /// The values of a signal. A deviation is the last but one or two of each half: that of the hour, then of the day.
    var names: [String] {
      let names = switch self {
      case .flow: ["flow_events", "flow_premium", "flow_net_premium", "flow_dev"]
      case .sentiment: ["sentiment_stories", "sentiment_score", "sentiment_stories_dev", "sentiment_dev"]
      }
      return names + names.map { "\($0)_1d" }
    }
  }

  /// A rule with the places of its sides.
  struct Condition: Sendable {
    enum Side: Sendable { case value(Int), number(Double) }
    let rule: SignalRule
    let left, right: Side
  }

  /// Earlier days that an hour is compared with, the same hour of each.
  package let days: Int
  /// Days before which an event can still come, or be changed.
  static let revisable: Int64 = 5
  private let conditions: [Kind: [Condition]]
  private let calendar: NYSECalendar
  private let hours: NYSECalendar.Hours

  package static let standardRules = [
    "flow_unusual=flow_dev>3.5", "flow_unusual_1d=flow_dev_1d>3.5", "stories_unusual=sentiment_stories_dev>3.5",
    "stories_unusual_1d=sentiment_stories_dev_1d>3.5", "sentiment_high=sentiment_dev_1d>3.5",
    "sentiment_low=sentiment_dev_1d<-3.5",
  ]

  /// - Parameters:
  ///   - hours: with `.always` flow has days without trading too.
  ///   - rules: texts of rules about the values of flow, or of sentiment.
  /// - Throws: `Failure(.configuration)` for a rule about a value that there is not.
  package init(
    days: Int, rules: [String], hours: NYSECalendar.Hours, calendar: NYSECalendar
  ) throws(Failure) {
    (self.days, self.hours, self.calendar) = (days, hours, calendar)
    var conditions: [Kind: [Condition]] = [:]
    var names: Set<String> = []
    for text in rules {
      let rule = try SignalRule(text)
      guard names.insert(rule.name).inserted else {
        throw Failure(.configuration, code: "invalid_rule", "the rule '\(rule.name)' is there twice")
      }
      let kind = try Self.kind(of: rule)
      conditions[kind, default: []].append(Condition(
        rule: rule, left: try Self.side(rule.left, kind, rule), right: try Self.side(rule.right, kind, rule)))
    }
    self.conditions = conditions
  }

  /// Days that have a value, from which on there is a deviation.
  var least: Int { max(5, days / 2) }

  func conditions(of kind: Kind) -> [Condition] { conditions[kind] ?? [] }

  private static func kind(of rule: SignalRule) throws(Failure) -> Kind {
    for case .value(let name) in [rule.left, rule.right] {
      if let kind = Kind.allCases.first(where: { $0.names.contains(name) }) { return kind }
    }
    throw unknown(rule)
  }

  private static func side(
    _ operand: SignalRule.Operand, _ kind: Kind, _ rule: SignalRule
  ) throws(Failure) -> Condition.Side {
    switch operand {
    case .number(let number): return .number(number)
    case .value(let name):
      guard let place = kind.names.firstIndex(of: name) else { throw unknown(rule) }
      return .value(place)
    case .high, .low, .close, .volume: throw unknown(rule)
    }
  }

  private static func unknown(_ rule: SignalRule) -> Failure {
    let known = Kind.allCases.map { $0.names.joined(separator: ", ") }.joined(separator: "; or ")
    return Failure(
      .configuration, code: "invalid_rule", "the rule '\(rule)' is about none of \(known), or about both kinds")
  }

  // MARK: - days

  /// An hour of a day, on the clocks of New York. The hour that there is twice when clocks are set back is one.
  struct Slot: Hashable, Comparable, Sendable {
    /// Days since 1970-01-01.
    var day: Int64
    var hour: Int

    static func < (one: Slot, other: Slot) -> Bool { (one.day, one.hour) < (other.day, other.hour) }
  }

  func slot(of nanoseconds: Int64) -> Slot {
    let instant = nanoseconds.flooredDivision(by: 1_000_000_000).quotient
    let (day, second) = (instant + Int64(calendar.zone.offsetSeconds(at: instant))).flooredDivision(by: 86_400)
    return Slot(day: day, hour: Int(second / 3_600))
  }

  /// Nanoseconds since 1970.
  func start(of slot: Slot) -> Int64 {
    let date = CivilDate(daysSinceEpoch: slot.day)
    return calendar.zone.instant(
      year: date.year, month: date.month, day: date.day, hour: slot.hour, minute: 0
    ).epochSeconds * 1_000_000_000
  }

  /// Whether the day counts: options are compared with days of trading only.
  func counts(_ day: Int64, _ kind: Kind) -> Bool {
    kind == .sentiment || hours == .always || NYSECalendar.isTradingDay(day)
  }

  func day(before day: Int64, _ kind: Kind) -> Int64 {
    var day = day - 1
    while !counts(day, kind) { day -= 1 }
    return day
  }
}
