import Catalogue
import Core
import Features
import Messages
import Pipeline
@testable import SignalWorkerService
import Testing
import TestSupport
import Values

/// How unusual an hour of options flow or of stories is, by hand, and whatever the order and the splits are.
@Suite(.timeLimit(.minutes(10))) struct EventWindowTests {
  /// Monday, 3 November 2025, midnight in New York, which is behind the change of clocks.
  private static let monday: Int64 = 1_762_146_000

  private func plan(_ days: Int = 10, rules: [String] = WindowPlan.standardRules) throws -> WindowPlan {
    try WindowPlan(days: days, rules: rules, hours: .regular, calendar: NYSECalendar())
  }

  private func event(
    _ id: String, day: Int, hour: Int, minute: Int = 0, revision: Int64 = 1, first: Double, second: Double = 0,
    isGone: Bool = false
  ) -> FeatureEvent {
    let time = (Self.monday + Int64(day * 86_400 + hour * 3_600 + minute * 60)) * 1_000_000_000
    return FeatureEvent(
      id: id, revision: revision, timeNs: time, knownNs: time + revision, isGone: isGone, first: first, second: second)
  }

  /// The signals of one pass, by their begin.
  private func said(
    _ events: [FeatureEvent], _ kind: WindowPlan.Kind, _ plan: WindowPlan
  ) -> [Int64: EventWindows.Row] {
    var (windows, rows) = (EventWindows(kind), [Int64: EventWindows.Row]())
    for event in events { _ = windows.take(event, plan) }
    windows.forEachChanged(plan) { rows[$0.startNs] = $0 }
    return rows
  }

  /// Ten days of trading with a premium of 100 to 1,000 at ten o'clock, a weekend between them, then one of 5,000: the
  /// median is 550, the median of the differences 250.
  @Test func anHourIsComparedWithTheSameHourOfEarlierDaysOfTrading() throws {
    let plan = try plan()
    let days = [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    var events = days.enumerated().map { index, day in
      event("e\(day)", day: day, hour: 10, minute: index, first: Double(100 * (index + 1)), second: -50)
    }
    events.append(event("late", day: 14, hour: 10, minute: 5, first: 5_000, second: 70))
    let rows = said(events, .flow, plan)
    let start = (Self.monday + 14 * 86_400 + 10 * 3_600) * 1_000_000_000
    let row = try #require(rows[start])
    #expect(row.days == 10 && row.values.prefix(3) == [1, 5_000, 70])
    #expect(abs(row.values[3] - (5_000 - 550) / (1.4826 * 250)) < 1e-9)
    #expect(row.events.map(\.rule) == ["flow_unusual", "flow_unusual_1d"])
    // The day that ends with it has the events behind ten o'clock of the day before, of which there is none.
    #expect(row.values.suffix(4).map { $0 } == row.values.prefix(4).map { $0 })
    // With nine days, five of them known, there is a deviation; with four there is none.
    let fifth = try #require(rows[(Self.monday + 7 * 86_400 + 10 * 3_600) * 1_000_000_000])
    #expect(fifth.days == 5 && !fifth.values[3].isNaN)
    let fourth = try #require(rows[(Self.monday + 4 * 86_400 + 10 * 3_600) * 1_000_000_000])
    #expect(fourth.days == 4 && fourth.values[3].isNaN && fourth.events.isEmpty)
    // On a Saturday options do not trade; news is read.
    var windows = EventWindows(.flow)
    #expect(windows.take(event("x", day: 5, hour: 10, first: 1), plan) == .outsideHours)
    var stories = EventWindows(.sentiment)
    #expect(stories.take(event("x", day: 5, hour: 10, first: 1), plan) == .taken)
  }

  @Test func aRuleFiresInTheHourInWhichItBecomesTrue() throws {
    let plan = try plan(rules: ["busy=flow_events_1d>1.5"])
    let events = [(9, 50), (10, 5), (11, 0), (12, 0)].enumerated().map { index, time in
      event("e\(index)", day: 0, hour: time.0, minute: time.1, first: 1)
    }
    let fired = said(events, .flow, plan).sorted { $0.key < $1.key }.map { $0.value.events.map(\.rule) }
    #expect(fired == [[], ["busy"], [], []])
  }

  /// Where all earlier days are alike there is no deviation; where most are, the mean difference measures it.
  @Test func daysThatAreAlikeMeasureNothing() {
    #expect(RobustDeviation.of(3, among: [1, 1, 1, 1, 1], 5).isNaN)
    #expect(RobustDeviation.of(3, among: [1, 1, 1, 1], 5).isNaN)
    let mostly = RobustDeviation.of(3, among: [0, 0, 0, 0, 0, 0, 0, 0, 1, 4], 5)
    #expect(abs(mostly - 3 / (1.2533 * 0.5)) < 1e-12)
  }

  /// A withdrawn event leaves its hour without values: the signal that was said of it is replaced.
  @Test func anHourOfWhichNothingStandsIsSaidToBeEmpty() throws {
    let plan = try plan()
    var windows = EventWindows(.sentiment)
    _ = windows.take(event("a", day: 0, hour: 10, first: 0.5, second: 0.8), plan)
    windows.settle()
    #expect(windows.take(event("a", day: 0, hour: 10, revision: 2, first: 0, isGone: true), plan) == .taken)
    var rows: [EventWindows.Row] = []
    windows.forEachChanged(plan) { rows.append($0) }
    #expect(rows.count == 1 && rows[0].values.allSatisfy(\.isNaN) && rows[0].events.isEmpty)
    // The revision before does not come back.
    #expect(windows.take(event("a", day: 0, hour: 10, first: 0.5, second: 0.8), plan) == .unchanged)
  }

  @Test func rulesAreAboutValuesOfOneKind() throws {
    for rule in ["x=rsi14>1", "x=flow_dev>sentiment_dev", "x=close>flow_dev", "x=1>2"] {
      #expect(throws: Failure.self) { try plan(rules: [rule]) }
    }
    #expect(throws: Failure.self) { try plan(rules: ["x=flow_dev>1", "x=flow_dev>2"]) }
  }

  // MARK: - order and splits

  /// A history of two months as it is published: late events, later revisions, withdrawals, days without any.
  private func history(_ random: inout TestRandom) -> [FeatureEvent] {
    var published: [(known: Int, event: FeatureEvent)] = []
    for day in 0..<60 where Int.random(in: 0..<6, using: &random) > 0 {
      for number in 0..<Int.random(in: 1...6, using: &random) {
        let hour = Int.random(in: 0..<24, using: &random), minute = Int.random(in: 0..<60, using: &random)
        let first = Double(Int.random(in: -90...90, using: &random)) / 100
        let second = Double(Int.random(in: 1...100, using: &random)) / 100
        let known = day * 1_440 + hour * 60 + minute
        for revision in 1...Int64(Int.random(in: 1...3, using: &random)) {
          // The second revision may be of another hour, the third a withdrawal.
          let moved = revision > 1 ? (hour + 1) % 24 : hour
          published.append((
            known + Int(revision - 1) * Int.random(in: 0...2_000, using: &random),
            event("\(day)-\(number)", day: day, hour: moved, minute: minute, revision: revision,
                  first: first * Double(revision), second: second, isGone: revision == 3)))
        }
      }
    }
    return published.sorted { ($0.known, $0.event.id, $0.event.revision) < ($1.known, $1.event.id, $1.event.revision) }
      .map(\.event)
  }

  private struct Said: Hashable {
    var values: [UInt64]
    var events: [TechnicalSignal.Event]
    var days: Int

    /// - Returns: nil for an hour of which nothing stands.
    init?(_ row: EventWindows.Row) {
      guard row.values.contains(where: { !$0.isNaN }) else { return nil }
      (values, events, days) = (row.values.map(\.bitPattern), row.events, row.days)
    }
  }

  /// What is said live of a history, restarted from its states at random, is what one pass over the last revisions
  /// says, wherever the two are joined: to the last bit.
  @Test(arguments: 0..<6) func aSplitAtAnyInstantIsNoSplit(_ seed: Int) throws {
    var random = TestRandom("windows \(seed)")
    let plan = try plan()
    for kind in WindowPlan.Kind.allCases {
      let published = history(&random)
      var live: [Int64: EventWindows.Row] = [:]
      var (windows, states) = (EventWindows(kind), [Int64?: [UInt8]]())
      for event in published {
        _ = windows.take(event, plan)
        guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
        windows.forEachChanged(plan) { live[$0.startNs] = $0 }
        if windows.isSpanChanged { states[nil] = windows.encoded(nil) }
        for (day, isNeeded) in windows.changedDays { states[day] = isNeeded ? windows.encoded(day) : nil }
        windows.settle()
        guard Int.random(in: 0..<6, using: &random) == 0 else { continue }
        windows = EventWindows(kind)
        for (day, bytes) in states { try windows.restore(day, bytes, plan) }
      }
      windows.forEachChanged(plan) { live[$0.startNs] = $0 }
      let last = Dictionary(published.map { ($0.id, $0) }) { $0.revision > $1.revision ? $0 : $1 }.values
        .sorted { ($0.timeNs, $0.id) < ($1.timeNs, $1.id) }.filter { !$0.isGone }
      func batch(_ until: Int64) -> [Int64: Said] {
        var (windows, rows) = (EventWindows(kind), [Int64: EventWindows.Row]())
        for event in last where event.timeNs < until {
          if let newest = windows.newest, plan.slot(of: event.timeNs).day > newest {
            windows.forEachChanged(plan) { rows[$0.startNs] = $0 }
            windows.settle()
          }
          _ = windows.take(event, plan)
        }
        windows.forEachChanged(plan) { rows[$0.startNs] = $0 }
        return rows.compactMapValues(Said.init)
      }
      let whole = batch(.max), spoken = live.compactMapValues(Said.init)
      func apart(_ one: [Int64: Said], _ other: [Int64: Said]) -> [Int64] {
        Set(one.keys).union(other.keys).filter { one[$0] != other[$0] }.sorted()
      }
      let differing = apart(whole, spoken)
      #expect(differing.isEmpty, "seed \(seed)")
      for _ in 0..<8 {
        let until = (Self.monday + Int64.random(in: 0...(60 * 86_400), using: &random)) * 1_000_000_000
        func isBatch(_ start: Int64) -> Bool { start + 3_600_000_000_000 <= until }
        let merged = batch(until).filter { isBatch($0.key) }.merging(spoken.filter { !isBatch($0.key) }) { $1 }
        let differing = apart(merged, whole)
        #expect(differing.isEmpty, "seed \(seed), \(until)")
      }
    }
  }

  // MARK: - the sink

  private func flow(_ id: String, day: Int, hour: Int, premium: Double, status: OptionsFlow.Status = .reported,
                    revision: Int64 = 1, known: Int64 = 1_000_000_000) -> [UInt8] {
    let time = (Self.monday + Int64(day * 86_400 + hour * 3_600)) * 1_000_000_000
    var flow = OptionsFlow.blank
    (flow.eventID, flow.underlying, flow.feed, flow.revision, flow.status) = (id, "AAPL", "f", revision, status)
    (flow.premium, flow.firstNs, flow.lastNs, flow.knownNs) = (premium, time, time, time + known)
    flow.day = "2025-11-03"
    return flow.encoded()
  }

  @Test func signalsOfFlowComeBesideThoseOfBarsAndOutliveACrash() async throws {
    let fixture = try SignalFixture(hours: .regular)
    let topic = Topics.optionsFlow
    for day in [0, 1, 2, 3, 4, 7] {
      #expect(fixture.append(flow("e\(day)", day: day, hour: 11, premium: Double(100 + day)), of: topic) == .keep)
    }
    try await fixture.flush(to: 1)
    let first = try fixture.output.signals
    #expect(first.map(\.interval) == [String](repeating: "flow-1h", count: 6))
    let last = try #require(first.last)
    #expect(last.id == "AAPL/f/flow-1h/\(last.startNs)" && last.values["flow_premium"] == 107 && last.bars == 5)
    try await fixture.crash()
    // Known already; another premium of the day before, and one too many days ago.
    #expect(fixture.reason(flow("e7", day: 7, hour: 11, premium: 107), of: topic) == "unchanged")
    #expect(fixture.reason(flow("e4", day: 4, hour: 11, premium: 1, revision: 2), of: topic) == nil)
    #expect(fixture.reason(flow("e0", day: 0, hour: 11, premium: 500, revision: 2), of: topic) == "too_old")
    let ahead = flow("x", day: 7, hour: 12, premium: 1, known: -61_000_000_000)
    #expect(fixture.reason(ahead, of: topic) == "future_stamp")
    #expect(fixture.reason(Array("{}".utf8), of: Topics.sentimentEvents) == "missing_field")
    try await fixture.flush(to: 2)
    // The hour of the revision, and the one behind it, which is compared with it.
    let again = try fixture.output.signals.dropFirst(6)
    #expect(again.map(\.startNs) == first[4...5].map(\.startNs))
    #expect(again.first?.values["flow_premium"] == 1)
    #expect(again.last?.values["flow_dev"] != last.values["flow_dev"])
  }
}
