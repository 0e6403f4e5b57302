import Features
import Indicators
import Messages

/// The events of a symbol by hours, and how unusual each hour is.
///
/// An hour's values are those of its events, and of the day that ends with it: this hour, those before it, and those
/// behind it of the day before. A deviation compares them with the same hour of earlier days: how far they are from
/// the median, in standard deviations as the median of the absolute differences estimates them (times 1.4826), or,
/// where half of the days are alike, their mean (times 1.2533; B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle
/// Outliers", 1993). Where all of them are alike there is none.
///
/// What comes out depends on the events alone: in whatever order they come, as long as none is older than the newest by
/// more days than can be revised. Events of older days are only known as sums.
package struct EventWindows: Sendable {
  typealias Slot = WindowPlan.Slot

  struct Sums: Hashable, Sendable {
    var count = 0.0, first = 0.0, second = 0.0

    static func + (one: Sums, other: Sums) -> Sums {
      Sums(count: one.count + other.count, first: one.first + other.first, second: one.second + other.second)
    }
  }

  struct Day: Hashable, Sendable {
    /// By time, then by id; none of a day that cannot be revised any more.
    var events: [FeatureEvent] = []
    var sums = [Sums](repeating: Sums(), count: 24)
    /// When the last record of each hour was known, a withdrawn one included; 0 for an hour without.
    var known = [Int64](repeating: 0, count: 24)

    var hasEvents: Bool { sums.contains { $0.count > 0 } }
  }

  let kind: WindowPlan.Kind
  private(set) var days: [Int64: Day] = [:]
  /// The day of the newest event, a withdrawn one included.
  private(set) var newest: Int64?
  /// The first day that had an event when it could not be revised any more.
  private var settledFirst: Int64?
  /// The slot of each event that can be revised.
  private var places: [String: Slot] = [:]
  /// Days whose states are to be written; false of one that is not needed any more.
  private(set) var changedDays: [Int64: Bool] = [:]
  private(set) var isSpanChanged = false
  /// All signals from here on are to be said.
  private var changed: Slot?

  package enum Outcome: Hashable, Sendable { case taken, unchanged, tooOld, outsideHours }

  package init(_ kind: WindowPlan.Kind) { self.kind = kind }

  // MARK: - taking in

  package mutating func take(_ event: FeatureEvent, _ plan: WindowPlan) -> Outcome {
    let slot = plan.slot(of: event.timeNs)
    guard plan.counts(slot.day, kind) else { return .outsideHours }
    if let newest, slot.day < newest - WindowPlan.revisable { return .tooOld }
    if let place = places[event.id], let index = days[place.day]?.events.firstIndex(where: { $0.id == event.id }),
      let known = days[place.day]?.events[index] {
      // Of one revision that came twice the later record holds.
      guard event.revision >= known.revision, event != known else { return .unchanged }
      days[place.day]?.events.remove(at: index)
      let isSame = (known.timeNs, known.isGone, known.first, known.second)
        == (event.timeNs, event.isGone, event.first, event.second)
      if !isSame { sum(place) }
      insert(event, slot, isNew: !isSame)
    } else {
      insert(event, slot, isNew: true)
    }
    if newest.map({ slot.day > $0 }) ?? true {
      (newest, isSpanChanged) = (slot.day, true)
      settleDays(before: slot.day - WindowPlan.revisable, plan)
    }
    return .taken
  }

  private mutating func insert(_ event: FeatureEvent, _ slot: Slot, isNew: Bool) {
    var day = days[slot.day] ?? Day()
    let place = day.events.firstIndex { (event.timeNs, event.id) < ($0.timeNs, $0.id) } ?? day.events.count
    day.events.insert(event, at: place)
    day.known[slot.hour] = max(day.known[slot.hour], event.knownNs)
    days[slot.day] = day
    places[event.id] = slot
    changedDays[slot.day] = true
    if isNew { sum(slot) }
  }

  /// Sums the events of an hour, always in the same order.
  private mutating func sum(_ slot: Slot) {
    guard var day = days[slot.day] else { return }
    var sums = Sums()
    for event in day.events where !event.isGone && places[event.id]?.hour == slot.hour {
      sums = sums + kind.sums(event)
    }
    day.sums[slot.hour] = sums
    days[slot.day] = day
    changedDays[slot.day] = true
    changed = min(changed ?? slot, slot)
  }

  /// Forgets the events of days that cannot be revised any more, and days that no deviation needs.
  private mutating func settleDays(before limit: Int64, _ plan: WindowPlan) {
    // Twice as many days as are compared hold as many days of trading.
    let horizon = limit - Int64(2 * plan.days + 10)
    for (number, day) in days where number < limit {
      if number < horizon {
        days[number] = nil
        changedDays[number] = false
      } else if !day.events.isEmpty {
        for event in day.events { places[event.id] = nil }
        if day.hasEvents { settledFirst = min(settledFirst ?? number, number) }
        days[number]?.events = []
        changedDays[number] = true
      }
    }
  }

  /// The first day that has an event: before it nothing is known, and behind it a day without any is one of none.
  private var first: Int64? { settledFirst ?? days.filter { $0.value.hasEvents }.keys.min() }

  // MARK: - signals

  /// The signals whose values may be new since they were said last, in the order of time. An hour of which no event is
  /// left has neither values nor events.
  func forEachChanged(_ plan: WindowPlan, _ body: (Row) -> Void) {
    guard let changed else { return }
    for number in days.keys.sorted() where number >= changed.day {
      guard let day = days[number] else { continue }
      for hour in 0..<24 where day.known[hour] > 0 {
        let slot = Slot(day: number, hour: hour)
        if slot >= changed { body(row(slot, plan)) }
      }
    }
  }

  /// What was said, or written as a state, is not changed any more.
  mutating func settle() {
    changed = nil
    changedDays = [:]
    isSpanChanged = false
  }

  /// Only the signals were said.
  mutating func settleSignals() { changed = nil }

  struct Row {
    var startNs, knownNs: Int64
    /// Days that it is compared with.
    var days: Int
    /// NaN for one that there is not.
    var values: [Double]
    var events: [TechnicalSignal.Event]
  }

  private func row(_ slot: Slot, _ plan: WindowPlan) -> Row {
    var row = Row(startNs: plan.start(of: slot), knownNs: 0, days: 0, values: [], events: [])
    let before = plan.day(before: slot.day, kind)
    row.knownNs = max(days[slot.day]?.known.prefix(slot.hour + 1).max() ?? 0,
                      days[before]?.known.dropFirst(slot.hour + 1).max() ?? 0)
    guard days[slot.day]?.sums[slot.hour].count ?? 0 > 0 else {
      row.values = kind.names.map { _ in .nan }
      return row
    }
    (row.values, row.days) = values(slot, plan)
    let conditions = plan.conditions(of: kind)
    guard conditions.contains(where: { $0.holds(row.values) }) else { return row }
    let earlier = slot.hour > 0 ? Slot(day: slot.day, hour: slot.hour - 1) : Slot(day: before, hour: 23)
    let (valuesBefore, _) = values(earlier, plan)
    for condition in conditions where condition.holds(row.values) && !condition.holds(valuesBefore) {
      let (left, right) = condition.sides(row.values)
      row.events.append(.init(
        rule: condition.rule.name, condition: condition.rule.condition, left: left, right: right))
    }
    return row
  }

  /// Values of an hour and of the day that ends with it, and how many days they are compared with.
  private func values(_ slot: Slot, _ plan: WindowPlan) -> ([Double], Int) {
    var earlier: [(hour: Sums, day: Sums)] = []
    var day = slot.day
    let first = first ?? .max
    while earlier.count < plan.days {
      day = plan.day(before: day, kind)
      guard day >= first else { break }
      earlier.append(sums(Slot(day: day, hour: slot.hour), plan))
    }
    let now = sums(slot, plan)
    let (hours, days) = (earlier.map(\.hour), earlier.map(\.day))
    return (kind.values(now.hour, hours, plan.least) + kind.values(now.day, days, plan.least), earlier.count)
  }

  private func sums(_ slot: Slot, _ plan: WindowPlan) -> (hour: Sums, day: Sums) {
    var total = Sums()
    for sums in days[plan.day(before: slot.day, kind)]?.sums.dropFirst(slot.hour + 1) ?? [] { total = total + sums }
    for sums in days[slot.day]?.sums.prefix(slot.hour + 1) ?? [] { total = total + sums }
    return (days[slot.day]?.sums[slot.hour] ?? Sums(), total)
  }
}

extension WindowPlan.Condition {
  func sides(_ values: [Double]) -> (left: Double, right: Double) {
    func number(_ side: Side) -> Double {
      switch side {
      case .value(let place): values[place]
      case .number(let number): number
      }
    }
    return (number(left), number(right))
  }

  func holds(_ values: [Double]) -> Bool {
    let (left, right) = sides(values)
    return !left.isNaN && !right.isNaN && rule.holds(left, right)
  }
}

extension WindowPlan.Kind {
  /// Premium and signed premium; score by confidence, and confidence.
  fileprivate func sums(_ event: FeatureEvent) -> EventWindows.Sums {
    switch self {
    case .flow: .init(count: 1, first: event.first, second: event.second)
    case .sentiment: .init(count: 1, first: event.first * event.second, second: event.second)
    }
  }

  fileprivate func values(_ now: EventWindows.Sums, _ earlier: [EventWindows.Sums], _ least: Int) -> [Double] {
    switch self {
    case .flow:
      [now.count, now.first, now.second, RobustDeviation.of(now.first, among: earlier.map(\.first), least)]
    case .sentiment:
      [
        now.count, now.mean, RobustDeviation.of(now.count, among: earlier.map(\.count), least),
        RobustDeviation.of(now.mean, among: earlier.map(\.mean).filter { !$0.isNaN }, least),
      ]
    }
  }
}

extension EventWindows.Sums {
  /// The score by confidence; NaN of no story.
  fileprivate var mean: Double { second > 0 ? first / second : .nan }
}

enum RobustDeviation {
  /// How far a value is from the median of others, in estimated standard deviations; NaN where all of them are alike,
  /// and where they are fewer than `least`.
  static func of(_ value: Double, among others: [Double], _ least: Int) -> Double {
    guard others.count >= least, let middle = median(others) else { return .nan }
    let distances = others.map { abs($0 - middle) }
    var spread = 1.4826 * (median(distances) ?? 0)
    if spread == 0 { spread = 1.2533 * (distances.sorted().reduce(0, +) / Double(distances.count)) }
    return spread > 0 ? (value - middle) / spread : .nan
  }

  static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  }
}

// MARK: - state

extension EventWindows {
  private static let version: Int64 = 1

  /// The name of a part of the state: that of a day, or of the span of all.
  func part(_ day: Int64?) -> String { day.map { "\(kind.rawValue)/\($0)" } ?? kind.rawValue }

  /// - Returns: the kind and the day of a part; nil for a part of bars.
  static func named(_ part: String?) -> (kind: WindowPlan.Kind, day: Int64?)? {
    guard let words = part?.split(separator: "/", maxSplits: 1), let kind = words.first.flatMap({
      WindowPlan.Kind(rawValue: String($0))
    }) else { return nil }
    return (kind, words.count > 1 ? Int64(words[1]) : nil)
  }

  func encoded(_ day: Int64?) -> [UInt8] {
    var writer = StateWriter()
    writer.integer(Self.version)
    guard let day else {
      writer.integer(settledFirst ?? .min)
      writer.integer(newest ?? 0)
      return writer.bytes
    }
    let content = days[day] ?? Day()
    for hour in 0..<24 {
      writer.integer(content.known[hour])
      guard content.known[hour] > 0 else { continue }
      for number in [content.sums[hour].count, content.sums[hour].first, content.sums[hour].second] {
        writer.double(number)
      }
    }
    writer.integer(Int64(content.events.count))
    for event in content.events {
      writer.text(event.id)
      for number in [event.revision, event.timeNs, event.knownNs, event.isGone ? 1 : 0, event.sources] {
        writer.integer(number)
      }
      writer.double(event.first)
      writer.double(event.second)
    }
    return writer.bytes
  }

  /// Takes in a part that was written by an earlier owner.
  mutating func restore(_ day: Int64?, _ bytes: [UInt8], _ plan: WindowPlan) throws(StateError) {
    var reader = StateReader(bytes)
    guard try reader.integer() == Self.version else { throw StateError("its version is not known here") }
    guard let day else {
      let settled = try reader.integer()
      settledFirst = settled == .min ? nil : settled
      newest = try reader.integer()
      return
    }
    var content = Day()
    for hour in 0..<24 {
      content.known[hour] = try reader.integer()
      guard content.known[hour] > 0 else { continue }
      content.sums[hour] = Sums(
        count: try reader.double(), first: try reader.double(), second: try reader.double())
    }
    for _ in 0..<(try reader.count()) {
      let id = try reader.text()
      let (revision, time, known) = (try reader.integer(), try reader.integer(), try reader.integer())
      let (isGone, sources) = (try reader.integer() == 1, try reader.integer())
      let event = FeatureEvent(
        id: id, revision: revision, timeNs: time, knownNs: known, isGone: isGone, first: try reader.double(),
        second: try reader.double(), sources: sources)
      content.events.append(event)
      places[id] = plan.slot(of: time)
    }
    guard reader.isAtEnd else { throw StateError("bytes are left over") }
    days[day] = content
  }
}
