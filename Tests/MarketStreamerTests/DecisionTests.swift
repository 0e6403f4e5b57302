import ArgumentParser
import Core
import Feeds
import Foundation
import Messages
import Testing
import Values

@testable import MarketStreamerService

@Suite struct DecisionTests {
  @Test func identitiesAreRememberedForTheirTime() {
    var memory = IdentityMemory(lifeNs: 100)
    // The generation before is remembered, too; two generations later an event is forgotten.
    let steps: [(identity: UInt64, time: Int64, isNew: Bool)] = [
      (1, 1_000, true), (1, 1_050, false), (2, 1_150, true), (1, 1_160, false), (3, 1_300, true), (1, 1_301, true),
    ]
    for step in steps {
      let isNew = memory.note(step.identity, at: step.time)
      #expect(isNew == step.isNew, "\(step)")
    }
    memory.isHeld = true
    _ = memory.note(4, at: 5_000)
    let isNew = memory.note(3, at: 5_001)
    #expect(!isNew, "nothing is forgotten while a gap is refilled")
  }

  @Test func identitiesAreBounded() {
    var memory = IdentityMemory(lifeNs: .max, capacity: 10)
    for identity in 0..<1_000 {
      let isNew = memory.note(UInt64(identity), at: 1)
      #expect(isNew)
    }
    #expect(memory.count <= 20)
  }

  /// Half a minute of silence is a fault while the market is open; the watch rests while it is closed.
  @Test(arguments: [
    // On a Wednesday in summer, 9:30 to 16:00 are 13:30 to 20:00 in UTC, 4:00 to 20:00 are 8:00 to 24:00.
    (.regular, "2025-07-02T15:00:00Z", "2025-07-02T15:00:30Z"),
    (.regular, "2025-07-02T13:00:00Z", "2025-07-02T13:30:30Z"),
    (.regular, "2025-07-02T19:59:30Z", "2025-07-02T20:00:00Z"),
    (.extended, "2025-07-02T13:00:00Z", "2025-07-02T13:00:30Z"),
    (.extended, "2025-07-02T20:30:00Z", "2025-07-02T20:30:30Z"),
    (.extended, "2025-07-02T07:59:00Z", "2025-07-02T08:00:30Z"),
    // Ten seconds before the end and the first twenty of the next session.
    (.extended, "2025-07-02T23:59:50Z", "2025-07-03T08:00:20Z"),
    // The half day before Independence Day ends at 13:00, and a week-end follows the holiday.
    (.regular, "2025-07-03T16:59:50Z", "2025-07-07T13:30:20Z"),
    (.regular, "2025-07-03T17:00:00Z", "2025-07-07T13:30:30Z"),
    (.extended, "2025-07-03T17:00:00Z", "2025-07-03T17:00:30Z"),
    // The half day after Thanksgiving, in winter: 13:00 is 18:00, and extended hours end at 17:00.
    (.regular, "2025-11-27T15:00:00Z", "2025-11-28T14:30:30Z"),
    (.regular, "2025-11-28T18:00:00Z", "2025-12-01T14:30:30Z"),
    (.extended, "2025-11-28T18:00:00Z", "2025-11-28T18:00:30Z"),
    (.extended, "2025-11-28T22:00:00Z", "2025-12-01T09:00:30Z"),
    // Week-ends in which the clocks change.
    (.regular, "2025-03-07T21:00:00Z", "2025-03-10T13:30:30Z"),
    (.regular, "2025-10-31T20:00:00Z", "2025-11-03T14:30:30Z"),
    (.extended, "2025-11-01T00:00:00Z", "2025-11-03T09:00:30Z"),
    (.always, "2025-12-25T12:00:00Z", "2025-12-25T12:00:30Z"),
  ] as [(NYSECalendar.Hours, String, String)])
  func silenceCountsWhileTheMarketIsOpen(_ hours: NYSECalendar.Hours, _ from: String, _ to: String) throws {
    let watchdog = Watchdog(calendar: try NYSECalendar(), hours: hours, limit: .seconds(30))
    let (start, end) = (try #require(Timestamp(from)), try #require(Timestamp(to)))
    let patience = try #require(watchdog.patience(at: start.microseconds / 1_000_000))
    #expect(patience == .microseconds(end.microseconds - start.microseconds))
  }

  private func bar(_ close: Int32, start: Int64 = 60, known: Int64 = 1) -> FeedBarValues {
    FeedBarValues(
      startNs: start, knownNs: known, open: ExactDecimal(1), high: ExactDecimal(9), low: ExactDecimal(1),
      close: ExactDecimal(close), volume: ExactDecimal(10))
  }

  @Test func revisionsAreCountedAndRepetitionsAreNone() {
    var memory = BarMemory(depth: 3)
    let revisions = [
      memory.note(7, bar(2)), memory.note(7, bar(2, known: 5)), memory.note(7, bar(3, known: 6)),
      memory.note(8, bar(3)),
    ]
    #expect(revisions == [0, nil, 1, 0])
    #expect(memory.known(7, startNs: 60) == 6)
    for start in [120, 180, 240] as [Int64] { _ = memory.note(7, bar(2, start: start)) }
    #expect(memory.known(7, startNs: 60) == nil, "only the last ones are remembered")
  }

  @Test func onlyWhatChangesIsAskedFor() {
    let old = [FeedInterest("A", [.trades, .quotes]), FeedInterest("B", [.trades])]
    let new = [FeedInterest("A", [.trades]), FeedInterest("C", [.bars])]
    let changes = Interests.changes(from: old, to: new)
    #expect(changes.map(\.0) == [.unsubscribe, .subscribe])
    #expect(Set(changes[0].1) == [FeedInterest("A", [.quotes]), FeedInterest("B", [.trades])])
    #expect(changes[1].1 == [FeedInterest("C", [.bars])])
    #expect(Interests.changes(from: new, to: new).isEmpty)
  }

  @Test func everySymbolHasOneConnection() {
    let fixed = (0..<1_000).map { FeedInterest("S\($0)", [.trades]) }
    let interests = Interests(.polygonStocks, fixed: fixed, shards: 7)
    let shares = (0..<7).map { interests.of(shard: $0) }
    #expect(shares.map(\.count).reduce(0, +) == 1_000)
    #expect(shares.allSatisfy { (80...220).contains($0.count) }, "shares are about equal")
  }

  @Test func statesAreKeptByTwoCheckpoints() {
    var state = ShardState()
    for mark in [1, 2, 3] as [Int64] { state.add(.init(watermark: mark, ends: [:], after: mark)) }
    #expect(state.checkpoints.map(\.watermark) == [2, 3])
  }

  @Test func aWaitIsNoLongerThanAnyBackOff() {
    var state = ShardState()
    state.notBefore = 100_000
    #expect(state.wait(at: 40_000) == .seconds(60))
    #expect(state.wait(at: 100_001) == .zero)
    // The clock was set back by a day.
    #expect(state.wait(at: 100_000 - 86_400_000) == ShardState.longestWait)
  }

  /// Another number of connections takes over the earliest of what the others had.
  @Test func connectionsTakeOverFromOthers() throws {
    func state(_ marks: [Int64], _ ends: [Int64], _ holes: [ShardState.Hole] = []) -> ShardState {
      var state = ShardState()
      for mark in marks { state.add(.init(watermark: mark, ends: ["market-ticks": ends], after: mark)) }
      state.holes = holes
      return state
    }
    let hole = ShardState.Hole(fromNs: 1, toNs: 2, why: "disconnected", openedNs: 3, symbols: ["A", "B"])
    let states = [
      "f-0-of-1": state([1, 2], [5, 5]), "f-0-of-3": state([90, 100], [70, 60], [hole]),
      "f-1-of-3": state([70, 80], [60, 70]), "f-2-of-3": state([0, 0], [90, 90]),
    ]
    let mine = try #require(ShardState.inherited(from: states, by: "f-0-of-2", where: { $0 == "B" }))
    #expect(mine.checkpoints == [.init(watermark: 80, ends: ["market-ticks": [60, 60]], after: 70)])
    #expect(mine.holes.map(\.symbols) == [["B"]])
    // Of a number that is there again the latest counts, not its own of long ago.
    #expect(ShardState.inherited(from: states, by: "f-0-of-1", where: { _ in true })?.checkpoints[0].watermark == 80)
    #expect(ShardState.inherited(from: states, by: "f-1-of-3", where: { _ in true }) == nil)
    #expect(ShardState.inherited(from: [:], by: "f-0-of-1", where: { _ in true }) == nil)
  }

  /// A provider that refuses a message whole is asked for less, until it takes as much as the plan allows.
  @Test(arguments: [0, 1, 29, 30, 63, 64]) func asMuchIsSubscribedToAsThePlanAllows(_ limit: Int) {
    let symbols = (0..<64).map { FeedInterest("S\($0)", [.trades, .bars]) }
    var queue = SubscriptionQueue(symbols, of: .alpacaStocks)
    var (trades, bars, asked): (Set<String>, Set<String>, Int) = ([], [], 0)
    while let request = queue.next(isPacked: false) {
      asked += 1
      let twice = queue.next(isPacked: false)
      #expect(twice == nil, "one message at a time")
      let object = try? JSONSerialization.jsonObject(with: Data(request.bytes)) as? [String: Any]
      let after = trades.union(object?["trades"] as? [String] ?? [])
      if after.count > limit {
        let isOfQueue = queue.wasRefused()
        #expect(isOfQueue)
      } else {
        trades = after
        bars.formUnion(object?["bars"] as? [String] ?? [])
        queue.wasAccepted()
      }
    }
    #expect(trades.count == limit && bars.count == 64)
    #expect(queue.refused.count == 64 - limit)
    #expect(asked <= 20)
    let isLate = queue.wasRefused()
    #expect(!isLate, "an answer to something else")
  }

  @Test func symbolsThatAreGivenAreRemembered() {
    var memory = SymbolMemory()
    let minute: Int64 = 60_000_000_000
    for (symbol, time) in [("A", 1), ("B", 10), ("B", 20), ("C", 30), ("D", 50)] as [(String, Int64)] {
      let bytes = Array(symbol.utf8)
      memory.note(bytes.span.bytes, at: time * minute)
    }
    #expect(memory.symbols == ["C", "D"])
  }

  @Test func settingsThatCannotWorkAreRefused() throws {
    func refused(_ arguments: [String]) -> Bool {
      guard let options = try? FeedOptions.parse(arguments) else { return true }
      return (try? (options.settings(), options.interests())) == nil
    }
    let key = ["--feed-key", "k"]
    #expect(!refused(key + ["--symbols", "AAPL,BRK-B"]))
    #expect(refused(["--symbols", "AAPL"]), "without a key")
    #expect(refused(key + ["--feed", "alpaca-stocks"]), "Alpaca needs a secret")
    #expect(refused(key + ["--symbols", "SPY251219C00650000"]), "an option is no stock")
    #expect(refused(key + ["--feed", "polygon-options", "--symbols", "AAPL"]))
    #expect(refused(key + ["--feed-url", "http://host"]))
    #expect(refused(key + ["--channels", "prices"]))
    #expect(refused(key + ["--connections", "0"]))
    #expect(try FeedOptions.parse(key + ["--symbols", "brk-b, BACpL"].map { $0.replacing(" ", with: "") }).interests()
      .map(\.symbol) == ["BRK.B", "BAC.PRL"])
  }
}
