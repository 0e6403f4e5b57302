import Catalogue
import Commodities
import Core
import Foundation
import Markets
import Messages
@testable import SchedulerService
import Testing
import TestSupport
import Values

@Suite struct SchedulePlanTests {
  /// A day counted by hand: 24 runs of 6 polymers, 288 of Brent, one of demand in two countries at 08:30 in Cairo.
  @Test func aDayHasTheJobsOfItsSchedules() throws {
    let plan = try smallPlan()
    let day = try seconds("2026-03-02T00:00:00Z")..<seconds("2026-03-03T00:00:00Z")
    let tasks = plan.jobs(in: day).map { plan.task(of: $0) }
    #expect(Dictionary(grouping: tasks) { $0.schedule ?? "" }.mapValues(\.count) == [
      "polymers": 24 * 6, "energy": 288, "demand": 2,
    ])
    #expect(tasks.map { $0.dueAt ?? .epoch } == tasks.map { $0.dueAt ?? .epoch }.sorted())
    let demand = tasks.filter { $0.schedule == "demand" }
    #expect(demand.map { $0.commodity?.country } == ["Egypt", "Jordan"])
    #expect(demand.allSatisfy { $0.dueAt?.description == "2026-03-02T06:30:00Z" && $0.deadline == nil })
    #expect(Set(tasks.map(\.jobID)).count == tasks.count)
    // At noon all three polymers' countries and oil, in the order of schedules, materials, countries.
    let noon = try seconds("2026-03-02T12:00:00Z")
    let keys = plan.jobs(in: noon..<(noon + 1)).map { String(decoding: plan.task(of: $0).key, as: UTF8.self) }
    #expect(keys == [
      "mena.egypt.polymer.pvc", "mena.jordan.polymer.pvc", "europe.germany.polymer.pvc", "mena.egypt.polymer.xlpe",
      "mena.jordan.polymer.xlpe", "europe.germany.polymer.xlpe", "global.world.energy.brent",
    ])
  }

  /// Embedded schedules have the cadences that users of the hot store know, a regular Monday the runs that follow from
  /// them, and each kind of tasks a topic of its own.
  @Test func embeddedSchedulesHaveTheKnownCadences() throws {
    let catalogue = try MarketCatalogue(tickers: ["AAPL"], sources: nil, schedules: nil)
    #expect(catalogue.schedules.map { "\($0.name): \($0.kind.rawValue) of \($0.source.name), \($0.pace)" } == [
      "bars-1m: bars of alpaca, every 1m, regular hours",
      // NewsAPI's free plan has 100 requests a day; 5 minutes, as users know it, are 288.
      "news: news of newsapi, every 15m, always",
      "chains: chains of polygon, every 15m, regular hours",
      "reddit: social of reddit, every 2m, always", "x: social of x, every 2m, always",
      "filings: filings of edgar, every 1h, always", "transcripts: transcripts of alpha-vantage, every 1d, always",
    ])
    let plan = SchedulePlan(catalogue)
    let day = try seconds("2026-03-02T05:00:00Z")..<seconds("2026-03-03T05:00:00Z")
    let tasks = plan.jobs(in: day).map { plan.task(of: $0) }
    #expect(Dictionary(grouping: tasks) { $0.schedule ?? "" }.mapValues(\.count) == [
      "bars-1m": 390, "news": 96, "chains": 26, "reddit": 720, "x": 720, "filings": 24, "transcripts": 1,
    ])
    #expect(Set(tasks.map { "\($0.kind) in \($0.topic.name)" }) == [
      "bars in fetch-bars", "chains in fetch-chains", "news in fetch-news", "social in fetch-social",
      "filings in fetch-filings", "transcripts in fetch-transcripts",
    ])
    #expect(Set(FetchKind.allCases.map(\.rawValue)) == Set(tasks.map(\.kind)))
  }

  /// The ids are Python's: hashlib.sha256("polymers\n2026-03-02T10:00:00Z\nfetch_price\nEgypt\nPVC".encode()).
  @Test func aJobAlwaysHasTheSameBytes() throws {
    let at = try seconds("2026-03-02T10:00:00Z")
    let plan = try smallPlan()
    let job = try #require(plan.jobs(in: at..<(at + 1)).first)
    #expect(String(decoding: plan.task(of: job).encoded(), as: UTF8.self) == """
      {"task":"fetch_price","material":"PVC","country":"Egypt","region":"mena","category":"polymer","source":null,\
      "job_id":"9253f4ef9342c0b04064464ab881902f","schedule":"polymers","due_at":"2026-03-02T10:00:00Z",\
      "deadline":"2026-03-02T10:30:00Z","attempt":1}
      """)
    #expect(plan.task(of: job, keepsDeadline: false).deadline == nil)
    let oil = try #require(plan.jobs(in: (at + 300)..<(at + 301)).first)
    let task = plan.task(of: oil)
    #expect(task.jobID == "053c56136f4c087c4d721d3433d67744" && task.source == "Exchange")
    #expect(task.commodity?.country == nil)
    #expect(task.key == Array("global.world.energy.brent".utf8))
    let again = try smallPlan()
    let day = at..<(at + 86_400)
    let tasks = again.jobs(in: day).map { again.task(of: $0) }
    #expect(tasks == plan.jobs(in: day).map { plan.task(of: $0) })
    #expect(again.digest == plan.digest)
  }

  @Test func theDigestDependsOnJobsAndTheirOrder() throws {
    let base = "name: a, task: fetch_price, cron: '0 * * * *'"
    let digest = try plan([base]).digest
    #expect(try plan([base + ", deadline: 1h, missed: skip, source: Exchange"]).digest == digest)
    for other in [
      "name: b, task: fetch_price, cron: '0 * * * *'", "name: a, task: fetch_demand, cron: '0 * * * *'",
      "name: a, task: fetch_price, cron: '1 * * * *'", base + ", zone: Africa/Cairo", base + ", spread: 10s",
      base + ", countries: world",
    ] { #expect(try plan([other]).digest != digest, "\(other)") }
  }

  /// A range in one piece, in several pieces and step by step gives the same jobs.
  @Test func anySplitOfTimeGivesTheSameJobs() throws {
    var random = TestRandom("cut")
    let plan = try plan([
      "name: a, task: fetch_price, cron: '*/7 * * * *', spread: 11m",
      "name: b, task: fetch_demand, cron: '3 */2 * * *'",
      "name: c, task: fetch_price, cron: '30 0 * * *', zone: Africa/Cairo, spread: 40s",
    ])
    // Over the night in which Egypt skips an hour.
    let whole = try seconds("2024-04-25T12:00:00Z")..<seconds("2024-04-26T12:00:00Z")
    let expected = plan.jobs(in: whole)
    #expect(expected.count > 10 * 100)
    for _ in 0..<20 {
      var jobs: [DueJob] = []
      var start = whole.lowerBound
      while start < whole.upperBound {
        let end = min(start + Int64.random(in: 1...9_000, using: &random), whole.upperBound)
        jobs += plan.jobs(in: start..<end)
        start = end
      }
      #expect(jobs == expected)
    }
    var instants: [Int64] = []
    var last = whole.lowerBound - 1
    while let next = plan.next(after: last), next < whole.upperBound {
      instants.append(next)
      last = next
    }
    #expect(instants == Array(Set(expected.map(\.dueAt))).sorted())
  }

  @Test func aSpreadKeepsEachSeriesAtItsPlace() throws {
    let plan = try plan(["name: a, task: fetch_price, cron: '0 * * * *', spread: 10m"])
    let start = try seconds("2026-03-02T00:00:00Z")
    let jobs = plan.jobs(in: start..<(start + 6 * 3_600 + 600))
    #expect(jobs.allSatisfy { (0..<600).contains($0.dueAt - $0.runAt) })
    var places: [[UInt8]: Set<Int64>] = [:]
    for job in jobs { places[plan.task(of: job).key, default: []].insert(job.dueAt - job.runAt) }
    #expect(places.values.allSatisfy { $0.count == 1 })
    #expect(Set(places.values.compactMap(\.first)).count > 5, "all series at few places")
    // Another series more moves none of the others.
    let more = smallCatalogue.replacingOccurrences(of: "countries:\n  - {name: Egypt", with: """
      countries:
        - {name: Oman, region: mena}
        - {name: Egypt
      """)
    let catalogue = try CommodityCatalogue(
      yaml: more.components(separatedBy: "schedules:")[0]
        + "schedules:\n  - {name: a, task: fetch_price, cron: '0 * * * *', spread: 10m}", origin: "test")
    let grown = try SchedulePlan(catalogue)
    for job in grown.jobs(in: start..<(start + 3_600)) {
      if let known = places[grown.task(of: job).key] { #expect(known == [job.dueAt - job.runAt]) }
    }
  }

  @Test func anUnknownZoneIsAConfigurationError() throws {
    let error = #expect(throws: Failure.self) {
      try plan(["name: a, task: fetch_price, cron: '0 * * * *', zone: Africa/Atlantis"])
    }
    #expect(error?.errorClass == .configuration)
    #expect("\(try #require(error))".contains("schedule 'a': zone"))
  }

  // MARK: Due jobs

  /// A clock that jumps, batches of any size, and crashes that begin again from any position that was committed.
  @Test func everyJobIsSentOnceForEveryClock() throws {
    var random = TestRandom("due")
    let plan = try plan([
      "name: a, task: fetch_price, cron: '*/10 * * * *', missed-limit: 1000",
      "name: b, task: fetch_demand, cron: '0 * * * *', spread: 3m, missed-limit: 1000",
    ])
    let start = try seconds("2026-03-02T00:00:00Z"), end = start + 12 * 3_600
    let expected = plan.jobs(in: start..<end)
    for _ in 0..<30 {
      var position = PlanPosition(instant: start)
      var now = start
      var sent: [DueJob] = []
      while position.instant < end {
        now = min(now + Int64.random(in: 0...4_000, using: &random), end - 1)
        let count = Int.random(in: 1...40, using: &random)
        let slice = plan.due(from: position, now: now, grace: .seconds(60), count: count)
        #expect(slice.omitted.isEmpty)
        #expect(slice.jobs.allSatisfy { $0.dueAt <= now })
        let kept = Int.random(in: 0...slice.jobs.count, using: &random)
        if kept < slice.jobs.count, kept > 0 {
          // Stopped after a batch: the checkpoint has the number of finished jobs of that second.
          let last = slice.jobs[kept - 1]
          let same = plan.jobs(in: last.dueAt..<(last.dueAt + 1))
          let place = try #require(same.firstIndex(of: last))
          sent += slice.jobs.prefix(kept)
          position = PlanPosition(instant: last.dueAt, done: place + 1)
        } else if kept == slice.jobs.count {
          sent += slice.jobs
          position = slice.end
          if now == end - 1, slice.isLast { break }
        }
      }
      #expect(sent == expected)
    }
  }

  private struct Report: Equatable {
    var sent: [Int64]
    var omitted: [SchedulePlan.Omission: Int] = [:]
  }

  private func report(_ missed: String, down hours: Int64) throws -> Report {
    let plan = try plan(["name: a, task: fetch_price, countries: world, cron: '0 * * * *', \(missed)"])
    let start = try seconds("2026-03-02T00:00:00Z")
    let now = start + hours * 3_600 + 10
    var position = PlanPosition(instant: start)
    var sent: [Int64] = []
    var left: [SchedulePlan.Omission: Int] = [:]
    while true {
      let slice = plan.due(from: position, now: now, grace: .seconds(60), count: 3)
      sent += slice.jobs.map { ($0.dueAt - start) / 3_600 }
      left.merge(slice.omitted["a"] ?? [:]) { $0 + $1 }
      position = slice.end
      if slice.isLast { break }
    }
    #expect(position == PlanPosition(instant: now + 1))
    return Report(sent: sent, omitted: left)
  }

  /// No replica ran since midnight; at ten hours and ten seconds the run of ten o'clock is on time.
  @Test func missedRunsFollowTheirPolicy() throws {
    #expect(try report("missed: catch_up", down: 10).sent == Array(0...10))
    let limited = try report("missed: catch_up, missed-limit: 4", down: 10)
    #expect(limited == Report(sent: [6, 7, 8, 9, 10], omitted: [.overLimit: 6]))
    #expect(try report("missed: latest", down: 10) == Report(sent: [9, 10], omitted: [.overLimit: 9]))
    #expect(try report("missed: skip", down: 10) == Report(sent: [10], omitted: [.skipped: 10]))
    #expect(try report("missed: catch_up", down: 40) == Report(sent: Array(16...40), omitted: [.overLimit: 16]))
    // Expired jobs are not sent, with any policy.
    #expect(try report("missed: catch_up, deadline: 2h", down: 10) == Report(sent: [9, 10], omitted: [.expired: 9]))
    let late = try report("missed: latest, deadline: 30m", down: 10)
    #expect(late == Report(sent: [10], omitted: [.overLimit: 9, .expired: 1]))
    // Years of absence are bounded work.
    let long = try report("missed: catch_up, missed-limit: 2", down: 24 * 800)
    #expect(long.sent == [19_198, 19_199, 19_200])
  }

  @Test func noJobIsDueBeforeItsTime() throws {
    let plan = try smallPlan()
    let start = try seconds("2026-03-02T10:01:00Z")
    // A clock that was set back.
    let early = plan.due(from: PlanPosition(instant: start), now: start - 500, grace: .seconds(60), count: 10)
    #expect(early.jobs.isEmpty && early.end == PlanPosition(instant: start))
    let none = plan.due(from: PlanPosition(instant: start), now: start + 30, grace: .seconds(60), count: 10)
    #expect(none.jobs.isEmpty && none.end == PlanPosition(instant: start + 31))
  }

  // MARK: Checkpoint

  @Test func aCheckpointIsReadBack() throws {
    let checkpoint = ScheduleCheckpoint(
      PlanPosition(instant: try seconds("2026-03-02T10:15:00Z"), done: 500), plan: "9f2c01ab")
    #expect(checkpoint.text == "next=2026-03-02T10:15:00Z done=500 plan=9f2c01ab")
    #expect(ScheduleCheckpoint(checkpoint.text) == checkpoint)
    for text in ["", "closing=7 format=batch/gzip", "next=2026 done=0 plan=x", "next=2026-03-02T10:15:00Z plan=x",
                 "next=2026-03-02T10:15:00Z done=-1 plan=x", "next=2026-03-02T10:15:00.5Z done=0 plan=x", "text"] {
      #expect(ScheduleCheckpoint(text) == nil, "\(text)")
    }
    let plan = try smallPlan()
    #expect(checkpoint.position(in: plan) == PlanPosition(instant: checkpoint.position.instant))
    #expect(ScheduleCheckpoint(checkpoint.position, plan: plan.digest).position(in: plan) == checkpoint.position)
  }
}
