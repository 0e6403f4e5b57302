import Catalogue
import Core
import Markets
import Messages
@testable import SchedulerService
import Testing
import TestSupport
import Values

@Suite struct PlanCostTests {
  /// The week of a regular Monday, 2026-03-02.
  private func cost(
    tickers: Int, source: String, schedules: [String], from: String = "2026-03-02", days: Int64 = 1
  ) throws -> PlanCost {
    let catalogue = try MarketCatalogue(
      tickers: (0..<tickers).map { "T\($0)" },
      sources: DataSource.read(yaml: "sources:\n  - {name: s, key: env:K, \(source)}", origin: "test"),
      schedules: "schedules:\n" + schedules.map { "  - {kind: bars, \($0)}\n" }.joined(), origin: "test")
    let start = try seconds("\(from)T05:00:00Z")
    return try PlanCost(catalogue, in: start..<(start + days * 86_400))
  }

  private static let vantage = "kind: alpha-vantage, rate: [75/m, 25/d], zone: America/New_York"

  /// 100 tickers, a request for each, 390 minutes a day: 39,000 against 25.
  @Test func theFreePlanCannotPayForMinutes() throws {
    let cost = try cost(
      tickers: 100, source: Self.vantage, schedules: ["name: bars, every: 1m, deadline: 2m"])
    let refusal = try #require(cost.refusals.first { $0.lines[0].contains("calls a day") })
    #expect(refusal.lines[0] == "s cannot pay for 2026-03-02: 39,000 calls a day against 25")
    #expect(refusal.lines[1] == "  bars: 100 tickers, 100 calls x 390 runs = 39,000 calls of 1m bars")
    #expect(refusal.lines[2].hasPrefix("  what would fit: 1 ticker every 17m; or a plan"), "\(refusal.lines[2])")
    #expect(refusal.lines[2].contains("39,000 calls a day (rate: 39000/d)"))
    let error = #expect(throws: Failure.self) { try cost.require() }
    #expect(error?.code == "plan_unaffordable" && error?.errorClass == .configuration)
  }

  @Test func whatWouldFitIsAffordable() throws {
    // One ticker every 17 minutes, in steps that divide a day: 20.
    #expect(try cost(
      tickers: 1, source: Self.vantage, schedules: ["name: bars, every: 20m, deadline: 2m"]).refusals.isEmpty)
    // Two tickers every half hour are 26 calls.
    let two = try cost(tickers: 2, source: Self.vantage, schedules: ["name: bars, every: 30m"])
    #expect(two.refusals.map(\.lines)[0][0].contains("26 calls a day against 25"))
    #expect(two.refusals[0].lines[2].contains("1 of the tickers at this pace; or all 2 tickers every 33m"))
    // What others cost is not there for it.
    let both = try cost(
      tickers: 1, source: Self.vantage,
      schedules: ["name: a, every: 1h", "name: b, cron: '*/20 * * * *'"])
    #expect(both.refusals[0].lines[0].contains("27 calls a day against 25"))
    #expect(both.refusals[0].lines[1...2] == [
      "  a: 1 ticker, 1 call x 7 runs = 7 calls of 1m bars", "  b: 1 ticker, 1 call x 20 runs = 20 calls of 1m bars",
    ])
    #expect(both.refusals[0].lines[3].contains("1 ticker every 23m"), "\(both.refusals[0].lines[3])")
  }

  /// A hundred symbols are one request of Alpaca.
  @Test func listsOfSymbolsAreOneRequest() throws {
    let cost = try cost(tickers: 250, source: "kind: alpaca, secret: env:S, rate: 200/m", schedules: [
      "name: bars, every: 1m, delay: 3s, deadline: 2m"
    ])
    #expect(cost.refusals.isEmpty)
    #expect(cost.lines == [
      "s: 1,170 calls on 2026-03-02, the busiest day (200/m)", "  bars: 3 x 390 runs = 1,170 calls of 1m bars",
    ])
  }

  /// A half day has 210 minutes, a holiday none: the busiest day counts.
  @Test func theBusiestDayCounts() throws {
    let rate = "kind: polygon, rate: 389/d, zone: America/New_York"
    let half = try cost(tickers: 1, source: rate, schedules: ["name: bars, every: 1m"], from: "2026-11-27")
    #expect(half.refusals.isEmpty && half.shares[0].shares[0].total == 210)
    let week = try cost(tickers: 1, source: rate, schedules: ["name: bars, every: 1m"], from: "2026-11-26", days: 5)
    #expect(week.refusals.first?.lines[0] == "s cannot pay for 2026-11-30: 390 calls a day against 389")
  }

  /// Five calls a minute for ten tickers a minute: the queue grows, and tasks expire before their turn.
  @Test func aRateThatCannotKeepUpIsRefused() throws {
    let slow = try cost(
      tickers: 10, source: "kind: polygon, rate: 5/m", schedules: ["name: bars, every: 1m, deadline: 2m"])
    let lines = try #require(slow.refusals.first).lines
    #expect(lines[0] == "s cannot keep up: 5/m allows 5 calls a minute")
    #expect(lines[1].contains("10 calls a run (every 1m, regular hours)"), "\(lines[1])")
    #expect(lines[2].contains("5 of the tickers at this pace; or all of them every 2m; or a plan"), "\(lines[2])")
    #expect(lines[2].contains("10 calls a minute (rate: 10/m)"))
    for fit in ["name: bars, every: 2m, deadline: 2m", "name: bars, every: 1h, deadline: 5m"] {
      #expect(try cost(tickers: 10, source: "kind: polygon, rate: 5/m", schedules: [fit]).refusals.isEmpty, "\(fit)")
    }
    #expect(try cost(
      tickers: 5, source: "kind: polygon, rate: 5/m", schedules: ["name: bars, every: 1m"]).refusals.isEmpty)
  }

  /// The jobs of market data: tasks of a hundred symbols, a few seconds after the minute, each always the same bytes.
  @Test func tasksAreDueAfterTheMinute() throws {
    let catalogue = try MarketCatalogue(
      tickers: (0..<150).map { "T\($0)" },
      sources: DataSource.read(
        yaml: "sources:\n  - {name: s, kind: alpaca, key: env:K, secret: env:S}", origin: "test"),
      schedules: """
        schedules:
          - {name: bars, kind: bars, every: 1m, delay: 3s, deadline: 2m, lookback: 15m}
        """, origin: "test")
    let plan = SchedulePlan(catalogue)
    let day = try seconds("2026-11-27T00:00:00Z")..<seconds("2026-11-28T00:00:00Z")
    let jobs = plan.jobs(in: day)
    #expect(jobs.count == 2 * 210)
    let first = try #require(jobs.first)
    #expect(plan.next(after: day.lowerBound) == first.dueAt)
    #expect(SchedulePlan.timestamp(first.dueAt).description == "2026-11-27T14:31:03Z")
    guard case .market(let task) = plan.task(of: first) else {
      Issue.record("no task of market data")
      return
    }
    #expect(task.symbols.count == 100 && task.symbols.first == "T0" && task.source == "s" && task.interval == "1m")
    #expect(task.lookback == 900 && task.deadline?.description == "2026-11-27T14:33:03Z")
    #expect(plan.task(of: first).topic.name == "fetch-bars" && task.key == Array("s/T0".utf8))
    #expect(Set(jobs.compactMap { plan.task(of: $0).jobID }).count == jobs.count)
    #expect(try FetchTask(decoding: task.encoded()) == task)
    #expect(SchedulePlan(catalogue).task(of: first).encoded() == plan.task(of: first).encoded())
    // The run of 18:00 is the close; the next one is Monday's.
    let last = try #require(jobs.last)
    #expect(plan.next(after: last.dueAt) == (try seconds("2026-11-30T14:31:03Z")))
  }
}
