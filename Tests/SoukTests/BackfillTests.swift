import ArgumentParser
import Catalogue
import Core
import FeedSimulator
import Feeds
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Logging
import Messages
import Testing
import TestSupport
import Values

@testable import SoukService

/// The plan of a back-fill, and what it makes of what is known.
@Suite struct BackfillPlanTests {
  private static let day: Int64 = 86_400_000_000_000
  /// 4:00 UTC, when months begin.
  private func day(_ text: String) throws -> Int64 {
    try #require(CivilDate(text)).daysSinceEpoch * Self.day + 4 * 3_600_000_000_000
  }

  private func plan(
    _ feed: Feed = .polygonStocks, _ interval: BarInterval = .minute, symbols: [String] = ["MSFT", "AAPL"],
    _ from: String = "2026-01-15", _ to: String = "2026-04-01"
  ) throws -> BackfillPlan {
    BackfillPlan(feed, interval, symbols: symbols, range: try day(from)..<(try day(to)))
  }

  @Test func aLaneHasAllOfASymbolTheEarliestFirst() throws {
    let plan = try plan()
    let lanes = plan.lanes([:], parallel: 10)
    #expect(lanes.map { $0.map(\.symbols) } == [[["AAPL"], ["AAPL"], ["AAPL"]], [["MSFT"], ["MSFT"], ["MSFT"]]])
    #expect(lanes[0].map(\.period) == ["2026-01", "2026-02", "2026-03"])
    let bounds = [try day("2026-01-15"), try day("2026-02-01"), try day("2026-03-01"), try day("2026-04-01")]
    #expect(lanes[0].map(\.range) == zip(bounds, bounds.dropFirst()).map { $0..<$1 })
    #expect(plan.size == 6)
  }

  @Test func listsAreSharedOutAmongTheLanes() throws {
    let symbols = (0..<100).map { "S\($0)" }
    let plan = try plan(.alpacaStocks, symbols: symbols)
    let lanes = plan.lanes([:], parallel: 10)
    #expect(lanes.count == 10 && lanes.allSatisfy { $0.count == 3 && $0[0].symbols.count == 10 })
    #expect(Set(lanes.flatMap { $0.flatMap(\.symbols) }) == Set(symbols))
    // One lane asks for as many at once as the provider allows.
    #expect(try self.plan(.alpacaStocks, symbols: symbols + ["X"]).lanes([:], parallel: 1).map(\.count) == [3, 3])
  }

  /// Any part of a plan that is known is not asked for again, and what lies behind it is.
  @Test func whatIsKnownIsLeftOut() throws {
    let plan = try plan()
    var known: BackfillPlan.Known = [:]
    func note(_ chunk: BackfillPlan.Chunk, _ reason: String? = nil) {
      for symbol in chunk.symbols {
        let name = BackfillStatus.name("polygon-stocks", "1m", symbol, chunk.period)
        known[name] = plan.status(chunk, symbol, bars: 5, knownNs: 1, reason: reason, before: known[name])
      }
    }
    for chunk in plan.lanes(known, parallel: 2)[0] { note(chunk) }
    #expect(plan.lanes(known, parallel: 2).map { $0[0].symbols } == [["MSFT"]])
    for chunk in plan.lanes(known, parallel: 2)[0] { note(chunk, chunk.period == "2026-02" ? "no" : nil) }
    #expect(plan.lanes(known, parallel: 2).isEmpty)
    #expect(plan.standing(known) == .init(done: 5, refused: 1, bars: 30))
    // A later end: the rest of its month.
    let longer = try self.plan(.polygonStocks, .minute, symbols: ["AAPL"], "2026-01-15", "2026-04-10")
    let more = longer.lanes(known, parallel: 2).joined().map { $0 }
    #expect(more.map(\.period) == ["2026-04"])
    note(more[0])
    let longest = try self.plan(.polygonStocks, .minute, symbols: ["AAPL"], "2026-01-15", "2026-04-20")
    let rest = try day("2026-04-10")..<(try day("2026-04-20"))
    #expect(longest.lanes(known, parallel: 2).joined().map(\.range) == [rest])
    note(longest.lanes(known, parallel: 2)[0][0])
    #expect(longest.lanes(known, parallel: 2).isEmpty)
    #expect(known["polygon-stocks/1m/AAPL/2026-04"]?.bars == 10)
    // An earlier start: all of its month, since what is before the known is not next to it.
    let earlier = try self.plan(.polygonStocks, .minute, symbols: ["AAPL"], "2026-01-02", "2026-04-20")
    let month = try day("2026-01-02")..<(try day("2026-02-01"))
    #expect(earlier.lanes(known, parallel: 2).joined().map(\.range) == [month])
  }

  /// However often and wherever a run ends, every period is asked for, and none twice but that in hand.
  @Test func anyNumberOfRunsIsOne() throws {
    var random = TestRandom("back-fill")
    for _ in 0..<200 {
      let feed: Feed = Bool.random(using: &random) ? .alpacaStocks : .polygonStocks
      let symbols = (0..<Int.random(in: 1...7, using: &random)).map { "S\($0)" }
      let plan = try plan(feed, symbols: symbols, "2024-01-15", "2026-03-07")
      var known: BackfillPlan.Known = [:]
      var asked: [String: Int] = [:]
      for _ in 0..<400 {
        let lanes = plan.lanes(known, parallel: Int.random(in: 1...4, using: &random))
        guard !lanes.isEmpty else { break }
        for lane in lanes {
          for chunk in lane.prefix(Int.random(in: 0...6, using: &random)) {
            for symbol in chunk.symbols {
              let name = BackfillStatus.name(feed.rawValue, "1m", symbol, chunk.period)
              asked[name, default: 0] += 1
              known[name] = plan.status(chunk, symbol, bars: 1, knownNs: 1, reason: nil, before: known[name])
            }
          }
        }
      }
      #expect(plan.lanes(known, parallel: 3).isEmpty)
      #expect(asked.count == plan.size && asked.values.allSatisfy { $0 == 1 })
      #expect(plan.standing(known).done == plan.size)
    }
  }

  @Test func theSameWorkIsTheSameJob() throws {
    let job = try plan().job(startedNs: 1)
    #expect(try plan(symbols: ["AAPL", "MSFT", "AAPL"]).job(startedNs: 2).jobID == job.jobID)
    #expect(try plan(.polygonStocks, .day).job(startedNs: 1).jobID != job.jobID)
    #expect(BackfillPlan(job)?.size == 6)
    #expect(try BackfillJob(decoding: job.encoded()) == job)
    var unknown = job
    unknown.interval = "7m"
    #expect(BackfillPlan(unknown) == nil)
  }

  /// 22 trading days of March 2026 (no holiday), of 16 hours each.
  @Test func costsAreCounted() throws {
    let calendar = try NYSECalendar()
    let march = try plan(.polygonStocks, .minute, "2026-03-01", "2026-04-01")
    let cost = march.cost(march.lanes([:], parallel: 10), calendar)
    #expect(cost == .init(chunks: 2, requests: 2, bars: 2 * 22 * 960))
    let alpaca = try plan(.alpacaStocks, .minute, "2026-03-01", "2026-04-01")
    #expect(alpaca.cost(alpaca.lanes([:], parallel: 1), calendar).requests == 5)
    let days = try plan(.alphaVantage, .day, "2024-03-01", "2026-04-01")
    #expect(days.cost(days.lanes([:], parallel: 1), calendar).requests == 2)
    // 24 December 2025 closes at 17:00 instead of 20:00, 25 December has no session.
    let eve = try plan(.polygonStocks, .minute, symbols: ["A"], "2025-12-24", "2025-12-26")
    #expect(eve.cost(eve.lanes([:], parallel: 1), calendar).bars == 780)
  }

  @Test func limitsSayHowLongItTakes() throws {
    let minute = try #require(RateLimit("5/m")), day = try #require(RateLimit("25/d"))
    #expect(BudgetTime.least(1, RateLimits([minute])) == .zero)
    #expect(BudgetTime.least(2_401, RateLimits([minute])) == .seconds(2_400 * 12))
    #expect(BudgetTime.least(60, RateLimits([minute, day])) == .seconds(2 * 86_400))
    #expect(BudgetTime.least(1_000, RateLimits()) == .zero)
  }
}
