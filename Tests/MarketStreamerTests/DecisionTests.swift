import ArgumentParser
import Core
import Feeds
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
