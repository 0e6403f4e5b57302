import Kafka
import Pipeline
import Testing

@Suite struct SinkAccountTests {
  let p0 = TopicPartition("t", 0)
  let p1 = TopicPartition("t", 1)
  let now = ContinuousClock.now
  let bad = Rejection(code: "bad", stage: "decode", "no")

  @Test func everyRecordEndsInExactlyOneColumn() {
    var account = SinkAccount()
    account.took(p0, offset: 1, disposition: .keep, at: now)
    account.took(p0, offset: 2, disposition: .skip(reason: "old"), at: now)
    account.took(p0, offset: 3, disposition: .reject(bad), at: now)
    account.took(p0, kept: 4..<10, at: now)
    #expect(account.inFlight == 9)
    #expect(account.positions == [p0: 10])
    let tally = account.flushed([p0: 10])[p0]
    #expect(tally?.kept == 7)
    #expect(tally?.skipped == ["old": 1])
    #expect(tally?.deadLettered == ["bad": 1])
    #expect(account.inFlight == 0)
    #expect(account.isEmpty)
    #expect(account.durable(in: [p0]) == [p0: 10])
  }

  @Test func aPartitionThatLeavesTakesItsRecordsAlong() {
    var account = SinkAccount()
    account.took(p0, offset: 1, disposition: .keep, at: now)
    account.took(p1, offset: 5, disposition: .keep, at: now)
    expect(account.forget([p0]) == 1)
    #expect(account.positions == [p1: 6])
    #expect(!account.isEmpty)
    #expect(account.durable(in: [p0, p1]).isEmpty, "nothing was flushed")
    expect(account.forget([p1]) == 1)
    #expect(account.isEmpty)
  }

  @Test func onlyWhatWasFlushedIsDurable() {
    var account = SinkAccount()
    account.took(p0, offset: 1, disposition: .keep, at: now)
    account.took(p1, offset: 1, disposition: .keep, at: now)
    _ = account.flushed([p0: 2])
    #expect(account.durable(in: [p0, p1]) == [p0: 2])
    #expect(account.positions == [p1: 2])
    #expect(!account.isEmpty, "p1 still waits")
  }

  @Test func aFlushThatGotHalfWayIsBookedToTheRecord() {
    var account = SinkAccount()
    account.started([p0: 100])
    #expect(account.durable(in: [p0]) == [p0: 100], "what was before the start is an earlier owner's durable work")
    account.took(p0, kept: 100..<110, at: now)
    account.took(p0, offset: 110, disposition: .skip(reason: "old"), at: now)
    account.took(p0, kept: 113..<120, at: now)
    let half = account.flushed([p0: 115])[p0]
    #expect(half?.kept == 12)
    #expect(half?.skipped == ["old": 1])
    #expect(account.inFlight == 5)
    #expect(account.positions == [p0: 120])
    #expect(!account.isEmpty)
    #expect(account.durable(in: [p0]) == [p0: 115])
    expect(account.forget([p0]) == 5)
    #expect(account.inFlight == 0)
  }

  @Test func aFlushBeyondWhatWasTakenSettlesAll() {
    var account = SinkAccount()
    account.took(p0, kept: 1..<4, at: now)
    #expect(account.flushed([p0: 9])[p0]?.kept == 3)
    #expect(account.isEmpty)
    #expect(account.flushed([p0: 2])[p0]?.total == 0)
    #expect(account.durable(in: [p0]) == [p0: 9], "durable never goes back")
  }

  @Test func theOldestWaitingRecordSetsTheClock() {
    var account = SinkAccount()
    account.took(p0, offset: 1, disposition: .keep, at: now)
    account.took(p0, offset: 2, disposition: .keep, at: now + .seconds(5))
    #expect(account.oldest == now)
    _ = account.flushed([p0: 3])
    #expect(account.oldest == nil)
    account.took(p0, offset: 3, disposition: .keep, at: now + .seconds(9))
    #expect(account.oldest == now + .seconds(9))
  }

  @Test func whatWasDeadLetteredIsRememberedUntilItIsPassed() {
    var account = SinkAccount()
    account.took(p0, offset: 7, disposition: .keep, at: now)
    account.took(p0, offset: 8, disposition: .reject(bad), at: now)
    account.took(p0, offset: 9, disposition: .keep, at: now)
    expect(account.rewind([p0]) == 3)
    #expect(account.isEmpty)
    #expect(account.lettered(p0, 8) == "bad")
    #expect(account.lettered(p0, 7) == nil && account.lettered(p1, 8) == nil)
    account.took(p0, offset: 8, disposition: .reject(bad), at: now)
    _ = account.flushed([p0: 9])
    #expect(!account.hasLettered)
    account.took(p0, offset: 9, disposition: .reject(bad), at: now)
    expect(account.rewind([p0]) == 1)
    expect(account.forget([p0]) == 0)
    #expect(!account.hasLettered, "another process may have read it since")
  }

  @Test func poisonIsRememberedUntilItIsPassed() {
    var account = SinkAccount()
    account.mark([PoisonRecord(partition: p0, offset: 7, rejection: bad)])
    #expect(account.poison(p0, 7) == bad)
    #expect(account.poison(p0, 8) == nil)
    #expect(account.poison(p1, 7) == nil)
    account.took(p0, offset: 6, disposition: .keep, at: now)
    _ = account.flushed([p0: 7])
    #expect(account.poison(p0, 7) == bad, "not passed yet")
    account.took(p0, offset: 7, disposition: .reject(bad), at: now)
    _ = account.flushed([p0: 8])
    #expect(!account.hasPoison)
  }

  @Test func offsetsWithoutRecordsWaitForAFlushAndAreNoRecords() {
    var account = SinkAccount()
    account.passed([p0: 5], at: now)
    #expect(account.isEmpty, "a partition that is not ours has no position")
    account.started([p0: 5])
    account.passed([p0: 5], at: now)
    #expect(account.isEmpty, "nothing new")
    account.took(p0, kept: 5..<7, at: now)
    account.passed([p0: 9], at: now)
    #expect(account.positions == [p0: 9] && account.inFlight == 2)
    #expect(account.flushed([p0: 6])[p0]?.total == 1, "half-way")
    #expect(account.positions == [p0: 9] && !account.isEmpty)
    account.took(p0, kept: 9..<10, at: now)
    #expect(account.positions == [p0: 10], "records behind them carry them along")
    #expect(account.flushed([p0: 10])[p0]?.total == 2)
    #expect(account.isEmpty && account.durable(in: [p0]) == [p0: 10])
    account.passed([p0: 12], at: now)
    expect(account.forget([p0]) == 0)
    #expect(account.isEmpty)
    account.started([p1: 0])
    account.pinned([p1: 0], at: now)
    #expect(account.positions == [p1: 0] && !account.isEmpty, "an empty partition can be pinned too")
    #expect(account.flushed([p1: 0])[p1]?.total == 0)
    #expect(account.isEmpty)
  }
}
