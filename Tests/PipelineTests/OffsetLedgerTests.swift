import Kafka
import Testing
import TestSupport

@testable import Pipeline

@Suite struct OffsetLedgerTests {
  let p0 = TopicPartition("t", 0)
  let p1 = TopicPartition("t", 1)

  @Test func onlyTheFinishedPrefixIsCommittable() {
    var ledger = OffsetLedger()
    ledger.open(p0, epoch: 1)
    for offset in [10, 11, 15] as [Int64] { expect(ledger.begin(p0, offset: offset, epoch: 1)) }
    #expect(ledger.committable().isEmpty)
    expect(ledger.finish(p0, offset: 11, epoch: 1))
    #expect(ledger.committable().isEmpty, "10 is still open")
    #expect(ledger.inFlight == 2 && ledger.held == 3)
    expect(ledger.finish(p0, offset: 10, epoch: 1))
    #expect(ledger.committable() == [p0: 12])
    expect(ledger.finish(p0, offset: 15, epoch: 1))
    #expect(ledger.committable() == [p0: 16], "a hole in the offsets is no open record")
    #expect(ledger.inFlight == 0 && ledger.held == 0)
  }

  @Test func aFinishCountsOnce() {
    var ledger = OffsetLedger()
    ledger.open(p0, epoch: 1)
    expect(ledger.begin(p0, offset: 1, epoch: 1))
    expect(ledger.begin(p0, offset: 2, epoch: 1))
    expect(ledger.finish(p0, offset: 2, epoch: 1))
    expect(!ledger.finish(p0, offset: 2, epoch: 1))
    expect(!ledger.finish(p0, offset: 3, epoch: 1), "never begun")
    #expect(ledger.inFlight == 1)
  }

  @Test func whatIsCommittedIsNotOfferedAgain() {
    var ledger = OffsetLedger()
    ledger.open(p0, epoch: 1)
    expect(ledger.begin(p0, offset: 7, epoch: 1))
    expect(ledger.finish(p0, offset: 7, epoch: 1))
    ledger.markCommitted([p0: 8])
    #expect(ledger.committable().isEmpty)
    ledger.markCommitted([p0: 3])
    #expect(ledger.committable().isEmpty, "an older mark cannot move it back")
  }

  @Test func aLateFinishFromBeforeARebalanceChangesNothing() {
    var ledger = OffsetLedger()
    ledger.open(p0, epoch: 1)
    expect(ledger.begin(p0, offset: 5, epoch: 1))
    expect(ledger.close(p0) == 1)
    #expect(ledger.held == 0)
    expect(!ledger.finish(p0, offset: 5, epoch: 1))
    ledger.open(p0, epoch: 2)
    expect(!ledger.begin(p0, offset: 5, epoch: 1), "an old lease cannot begin")
    expect(ledger.begin(p0, offset: 5, epoch: 2))
    expect(!ledger.finish(p0, offset: 5, epoch: 1))
    #expect(ledger.committable().isEmpty)
    #expect(ledger.inFlight == 1)
  }

  @Test func partitionsAreIndependent() {
    var ledger = OffsetLedger()
    ledger.open(p0, epoch: 1)
    ledger.open(p1, epoch: 1)
    expect(ledger.begin(p0, offset: 1, epoch: 1))
    expect(ledger.begin(p1, offset: 1, epoch: 1))
    expect(ledger.finish(p1, offset: 1, epoch: 1))
    #expect(ledger.committable() == [p1: 2])
    #expect(ledger.committable([p0]).isEmpty)
    #expect(ledger.inFlight(in: p0) == 1)
    #expect(ledger.inFlight(in: p1) == 0)
  }

  /// Against the definition: committable = first offset not finished among those begun, in any finishing order.
  @Test(arguments: 0..<20) func agreesWithTheDefinitionForAnyOrder(round: Int) {
    var generator = TestRandom("ledger \(round)")
    var ledger = OffsetLedger()
    ledger.open(p0, epoch: 9)
    var offset: Int64 = 100
    var begun: [Int64] = []
    var open: Set<Int64> = []
    for _ in 0..<3_000 {
      if open.isEmpty || Bool.random(using: &generator) {
        offset += Int64.random(in: 1...3, using: &generator)
        begun.append(offset)
        open.insert(offset)
        expect(ledger.begin(p0, offset: offset, epoch: 9))
      } else {
        let choice = open.randomElement(using: &generator)!
        open.remove(choice)
        expect(ledger.finish(p0, offset: choice, epoch: 9))
      }
      let prefix = begun.prefix { !open.contains($0) }
      #expect(ledger.committable()[p0] == prefix.last.map { $0 + 1 })
      #expect(ledger.inFlight == open.count)
      if begun.count > 50 { begun.removeFirst(max(0, prefix.count - 1)) }
    }
  }

  @Test func offsetsWithoutRecordsAreCommittableOnceAllBeforeThemIsDone() {
    var ledger = OffsetLedger()
    ledger.pass(p0, to: 5, epoch: 1)
    #expect(ledger.committable().isEmpty, "a closed partition has no position")
    ledger.open(p0, epoch: 1)
    ledger.pass(p0, to: 5, epoch: 1)
    #expect(ledger.committable() == [p0: 5], "nothing was before them")
    for offset in [5, 6] as [Int64] { expect(ledger.begin(p0, offset: offset, epoch: 1)) }
    ledger.pass(p0, to: 7, epoch: 1)
    ledger.pass(p0, to: 9, epoch: 1)
    ledger.pass(p0, to: 9, epoch: 2)
    expect(ledger.finish(p0, offset: 6, epoch: 1))
    #expect(ledger.committable() == [p0: 5] && ledger.inFlight == 1 && ledger.held == 3)
    expect(ledger.finish(p0, offset: 5, epoch: 1))
    #expect(ledger.committable() == [p0: 9] && ledger.inFlight == 0 && ledger.held == 0)
    expect(ledger.begin(p0, offset: 9, epoch: 1))
    ledger.pass(p0, to: 11, epoch: 1)
    expect(ledger.close(p0) == 1)
    #expect(ledger.held == 0)
  }
}
