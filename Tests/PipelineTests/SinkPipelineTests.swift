import Catalogue
import Core
import Kafka
import ServiceKit
import Testing
import TestSupport

@testable import Pipeline

/// The delivery protocol of batched sinks, over an embedded broker and a store in memory.
@Suite struct SinkPipelineTests {
  static let never = Duration.seconds(36_000)

  @Test func fullByRows() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(
      FakeSink(store), policy: FlushPolicy(rows: 10, bytes: 1 << 30, linger: Self.never), maxBatchRecords: 5)
    try await scenario.feed((0..<33).map { Scenario.Input("row \(100 + $0)") })
    try await eventually("full buffers were written") { store.texts.count >= 20 && running.account.consumed == 33 }
    let full = store.now.rowFlushes
    #expect(full.allSatisfy { (10..<15).contains($0) }, "\(full)")
    try await scenario.eventuallyCommitted(Int64(full.reduce(0, +)))
    #expect(running.account.inFlight == 33 - full.reduce(0, +))
    #expect(try await running.drain().kept == 33)
    #expect(store.texts == (0..<33).map { "row \(100 + $0)" })
    #expect(try await scenario.committed() == 33)
  }

  @Test func fullByBytes() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(
      FakeSink(store), policy: FlushPolicy(rows: 1 << 30, bytes: 70, linger: Self.never), maxBatchRecords: 2)
    try await scenario.feed((0..<25).map { Scenario.Input("row \(100 + $0)") })  // 7 bytes each
    try await eventually("full buffers were written") { running.account.consumed == 25 && store.texts.count >= 20 }
    #expect(store.now.rowFlushes.allSatisfy { (10..<12).contains($0) }, "\(store.now.flushes)")
    #expect(try await running.drain().kept == 25)
  }

  @Test func lingerWritesWhatIsOld() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(
      FakeSink(store), policy: FlushPolicy(rows: 1 << 30, bytes: 1 << 30, linger: .milliseconds(50)))
    try await scenario.feed(["a", "b", "skip c"])
    try await scenario.eventuallyCommitted(3)
    #expect(store.texts == ["a", "b"])
    let account = try await running.drain()
    #expect(account.kept == 2 && account.skipped == 1)
  }

  @Test func anOutageKeepsTheBuffers() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store))
    try await eventually("ready") { running.context.health.isReady }
    store.change { $0.isDown = true }
    try await scenario.feed(["a", "b", "c"])
    try await eventually("tried again and again") { store.now.attempts > 10 }
    #expect(!running.isReady("sink"))
    #expect(running.context.health.isAlive)
    #expect(try await scenario.committed() == 0)
    #expect(running.account.kept == 0)
    store.change { $0.isDown = false }
    try await scenario.eventuallyCommitted(3)
    try await eventually("ready again") { running.isReady("sink") }
    #expect(store.now.writes == ["a": 1, "b": 1, "c": 1])
    #expect(try await running.drain().consumed == 3)
    #expect(scenario.tap.seen(scenario.dead).isEmpty)
  }

  @Test func anOutageAtTheStartHoldsThePartitionsBack() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    store.change { $0.isDown = true }
    try await scenario.feed(["a"])
    let running = try scenario.sink(FakeSink(store))
    try await eventually("asked again and again") { store.now.starts.count > 5 }
    #expect(!running.context.health.isReady)
    store.change { $0.isDown = false }
    try await scenario.eventuallyCommitted(1)
    #expect(running.context.health.isReady)
    #expect(try await running.drain().kept == 1)
  }

  @Test(arguments: [[0], [4], [8], [0, 8], [3, 4, 5], Array(0..<9)], [true, false])
  func poisonIsFoundDeadLetteredOnceAndItsNeighboursWritten(_ culprits: [Int], _ keepsOffsets: Bool) async throws {
    let (scenario, store) = (try await Scenario(partitions: 2), FakeStore())
    let texts = (0..<9).map { culprits.contains($0) ? "poison \($0)" : "good \($0)" }
    let headers = [Header("souk-schema", "x")]
    try await scenario.feed(
      texts.map { Scenario.Input($0, key: "k", headers: headers) } + [Scenario.Input("elsewhere", partition: 1)])
    let running = try scenario.sink(
      FakeSink(store, keepsOffsets: keepsOffsets), externalOffsets: keepsOffsets)
    try await scenario.eventuallyCommitted(9)
    try await scenario.eventuallyCommitted(1, 1)
    let letters = try await scenario.tap.wait(scenario.dead, culprits.count)
    #expect(letters.compactMap(\.text) == culprits.map { "poison \($0)" })
    #expect(letters.compactMap { $0.header(HeaderName.offset) } == culprits.map { "\($0)" })
    for letter in letters {
      #expect(letter.key == Array("k".utf8))
      #expect(letter.headers.first == headers[0])
      #expect(letter.header(HeaderName.errorCode) == "refused")
      #expect(letter.header(HeaderName.stage) == "write")
    }
    let good = texts.filter { $0.hasPrefix("good") }
    #expect(store.texts == good + ["elsewhere"] || store.texts == ["elsewhere"] + good)
    #expect(store.now.writes.values.allSatisfy { $0 == 1 }, "\(store.now.writes)")
    let account = try await running.drain()
    #expect(account.kept == good.count + 1 && account.deadLettered == culprits.count)
    #expect(account.consumed == 10 + account.returned, "what was read twice was given back once")
    #expect(scenario.tap.seen(scenario.dead).count == culprits.count)
  }

  /// Records dead-lettered before another record was refused are read again with it.
  @Test(arguments: [true, false]) func badRecordsBesidePoisonAreDeadLetteredOnce(_ keepsOffsets: Bool) async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let texts = ["a", "reject 1", "poison 2", "reject 3", "b", "poison 4", "reject 5", "rotten 6", "c", "poison 7", "d"]
    try await scenario.feed(texts.map { Scenario.Input($0) })
    let running = try scenario.sink(FakeSink(store, keepsOffsets: keepsOffsets), externalOffsets: keepsOffsets)
    try await scenario.eventuallyCommitted(Int64(texts.count))
    let bad = texts.filter { $0.count > 1 }
    #expect(try await scenario.tap.wait(scenario.dead, bad.count).compactMap(\.text).sorted() == bad.sorted())
    let account = try await running.drain()
    #expect(account.kept == 4 && account.deadLettered == bad.count)
    #expect(store.texts == ["a", "b", "c", "d"])
    #expect(scenario.tap.seen(scenario.dead).count == bad.count, "each once")
  }

  @Test func whatCanBeSavedOfARefusedRecordIsWritten() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store))
    try await scenario.feed(["a", "poison in part", "b"])
    try await scenario.eventuallyCommitted(3)
    #expect(store.texts == ["a", "b", "salvaged from poison in part"])
    // In its place, the parts of it that are refused.
    #expect(try await scenario.tap.wait(scenario.dead, 2).map(\.text) == ["one", "two"])
    let account = try await running.drain()
    #expect(account.kept == 2 && account.deadLettered == 1)
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults"))
  func badRecordsAreDeadLetteredBeforeTheOffsetsMove() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let gate = Interruption()
    let running = try scenario.sink(FakeSink(store))
    try await eventually("pinned") { store.now.offsets == [scenario.place: 0] }
    store.change { $0.gate = gate }
    // The loop is held in the flush of the first record until the scene is set.
    try await scenario.feed(["first"])
    try await eventually("held") { running.account.inFlight == 1 }
    try await scenario.feed(["a", "reject b", "rotten c", "skip d", Scenario.Input(nil, key: "gone"), "e"])
    // From here on no letter is acknowledged (NOT_ENOUGH_REPLICAS).
    scenario.broker?.fail(.produce, with: Array(repeating: 19, count: 10_000))
    gate.raise()
    try await eventually("all read") { running.account.consumed == 7 }
    #expect(store.texts == ["first"] && store.now.offsets == [scenario.place: 1], "letters first")
    scenario.broker?.clearFaults(.produce)
    try await scenario.eventuallyCommitted(7)
    #expect(store.texts == ["a", "e", "first"])
    let letters = try await scenario.tap.wait(scenario.dead, 2)
    #expect(letters.map(\.text) == ["reject b", "rotten c"])
    #expect(letters.map { $0.header(HeaderName.errorCode) } == ["rejected", "rotten"])
    #expect(letters.map { $0.header(HeaderName.stage) } == ["decode", "decode"])
    let account = try await running.drain()
    #expect(account.kept == 3 && account.deadLettered == 2 && account.skipped == 2)
  }

  @Test func aFencedPartitionGoesOnWhereTheOtherWriterStands() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store))
    try await scenario.feed(["0", "1", "2"])
    try await scenario.eventuallyCommitted(3)
    // Another writer writes 3 and 4, which are still to come for us.
    store.change { state in
      state.offsets[scenario.place] = 5
      state.rows[scenario.place, default: [:]].merge([3: "3", 4: "4"]) { $1 }
    }
    try await scenario.feed(["3", "4", "5", "6"])
    try await scenario.eventuallyCommitted(7)
    #expect(store.texts == ["0", "1", "2", "3", "4", "5", "6"])
    #expect(store.now.writes == ["0": 1, "1": 1, "2": 1, "5": 1, "6": 1])
    let account = try await running.drain()
    #expect(account.kept == 5)
    #expect(account.deadLettered == 0)
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults"))
  func aCrashBetweenFlushAndCommitChangesNothing() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    scenario.broker?.fail(.offsetCommit, with: Array(repeating: 14, count: 10_000))
    try await scenario.feed((0..<10).map { Scenario.Input("row \($0)") })
    let first = try scenario.sink(FakeSink(store))
    try await eventually("written") { store.texts.count == 10 }
    try await first.drain()
    scenario.broker?.clearFaults(.offsetCommit)
    #expect(try await scenario.committed() == 0, "Kafka never heard of it")

    // Another group, so that the embedded broker does not wait for the member that left; nothing is committed
    // in either.
    let second = try scenario.sink(FakeSink(store), group: "later")
    try await scenario.feed(["row 10", "row 11"])
    try await scenario.eventuallyCommitted(12, group: "later")
    #expect(store.now.writes.count == 12)
    #expect(store.now.writes.values.allSatisfy { $0 == 1 }, "\(store.now.writes)")
    #expect(try await second.drain().consumed == 2)
  }

  @Test(arguments: [Failure.misconfigured, Failure(.fatal, code: "broken_promise", "no")])
  func aFlushThatNeedsAPersonStopsTheLoop(_ failure: Failure) async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store))
    try await eventually("pinned") { store.now.offsets == [scenario.place: 0] }
    store.change { $0.failure = failure }
    try await scenario.feed(["a", "b"])
    let thrown = try await running.failure()
    #expect(thrown.code == failure.code)
    #expect(try await scenario.committed() == 0)
    // The flush that failed need not have had both.
    #expect(running.account.returned >= 1 && running.account.returned == running.account.consumed)
  }

  /// The revoke is answered: no other task does it, and the consumer's timeout is ten minutes here.
  @Test(.timeLimit(.minutes(15))) func aFailureDuringTheDrainStopsTheLoopAtOnce() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(
      FakeSink(store), policy: FlushPolicy(rows: 1 << 30, bytes: 1 << 30, linger: Self.never),
      drainDeadline: .seconds(600))
    try await scenario.feed(["a", "b"])
    try await eventually("buffered") { running.account.inFlight == 2 }
    store.change { $0.failure = .misconfigured }
    running.context.drain.raise()
    #expect(try await running.failure().code == "wrong_password")
    #expect(try await scenario.committed() == 0)
    #expect(running.account.returned == 2)
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults"))
  func aPartitionThatIsLostIsWrittenByItsNextOwner() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store))
    try await eventually("ready") { running.context.health.isReady }
    store.change { $0.isDown = true }
    try await scenario.feed(["a", "b", "c"])
    try await eventually("stuck") { store.now.attempts > 0 }
    // UNKNOWN_MEMBER_ID, once for us and once for the tap: the group forgot us, and takes us back as a new member.
    scenario.broker?.fail(.heartbeat, with: [25, 25])
    try await eventually("lost") { running.account.returned >= 3 }
    store.change { $0.isDown = false }
    try await scenario.eventuallyCommitted(3)
    #expect(store.texts == ["a", "b", "c"])
    #expect(store.now.writes.values.allSatisfy { $0 == 1 })
    #expect(try await running.drain().kept == 3)
  }

  @Test func aRecordThatStopsTheLoopIsNotCommitted() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store))
    try await scenario.feed(["a", "wrong b", "c"])
    #expect(try await running.failure().code == "wrong_password")
    #expect(store.texts.allSatisfy { $0 == "a" })
    #expect(try await scenario.committed() <= 1)
  }

  @Test func tooManyDeadLettersStopTheLoop() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(
      FakeSink(store), options: Scenario.pipelineOptions { $0.deadLetterLimit = 3 })
    try await scenario.feed((0..<10).map { Scenario.Input("rotten \($0)") })
    let failure = try await running.failure()
    #expect(failure.code == "dead_letter_limit")
    #expect(failure.errorClass == .fatal)
    #expect(try await scenario.committed() <= 3)
    #expect(running.account.deadLettered <= 3)
  }

  @Test func anEmptyTopicAndOneOfTombstones() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store))
    try await eventually("ready") { running.context.health.isReady }
    #expect(running.account == RecordAccount())
    try await scenario.feed((0..<3).map { Scenario.Input(nil, key: "\($0)") })
    try await scenario.eventuallyCommitted(3)
    #expect(try await running.drain().skipped == 3)
    #expect(store.now.offsets == [scenario.place: 3], "the sink's offsets pass what was skipped")
  }

  @Test func aRevokeDuringAnOutageIsGivenWayTo() async throws {
    let scenario = try await Scenario(partitions: 2)
    let (down, up) = (FakeStore(), FakeStore())
    let first = try scenario.sink(
      FakeSink(down), drainDeadline: .seconds(600),
      // Far beyond what a test waits for: only giving way ends these delays.
      options: Scenario.pipelineOptions {
        $0.retryBase = DurationSetting(Self.never)
        $0.retryCap = DurationSetting(Self.never)
      })
    try await eventually("ready") { first.context.health.isReady }
    down.change { $0.isDown = true }
    try await scenario.feed((0..<8).map { Scenario.Input("row \($0)", partition: $0 % 2) })
    try await eventually("stuck") { down.now.attempts > 0 }
    let second = try scenario.sink(FakeSink(up))
    // One partition or, when the broker takes the stuck member for gone, both at once: given way is what counts.
    try await eventually("the second works on a partition", timeout: .seconds(180)) { up.texts.count >= 4 }
    #expect(down.texts.isEmpty)
    down.change { $0.isDown = false }
    try await first.drain()
    try await second.drain()
  }

  @Test func membersComeAndGoAndEveryRowIsWrittenOnce() async throws {
    let (scenario, store) = (try await Scenario(partitions: 4), FakeStore())
    let count = 400
    let first = try scenario.sink(FakeSink(store), maxBatchRecords: 7)
    try await scenario.feed((0..<(count / 2)).map { Scenario.Input("row \($0)", partition: $0 % 4) })
    try await eventually("the first at work") { store.texts.count > 20 }
    let second = try scenario.sink(FakeSink(store), maxBatchRecords: 7)
    try await eventually("the second has its share") { second.hasPartitions }
    try await scenario.feed((count / 2..<count).map { Scenario.Input("row \($0)", partition: $0 % 4) })
    try await eventually("both at work") { second.account.kept > 0 && store.texts.count > count / 2 }
    // The embedded broker misses the one that left only after its session time-out; then the other takes over.
    try await first.drain()
    try await eventually("all written", timeout: .seconds(180)) { store.texts.count == count }
    try await second.drain()
    #expect(store.now.writes.count == count)
    #expect(store.now.writes.values.allSatisfy { $0 == 1 }, "one transaction with the offsets: no row comes twice")
  }
}
