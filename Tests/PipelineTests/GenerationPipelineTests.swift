import Core
@testable import Kafka
import ServiceKit
import Testing
import TestSupport

@testable import Pipeline

/// The delivery protocol of named ranges, over an embedded broker and a store of names in memory.
@Suite struct GenerationPipelineTests {
  static let never = Duration.seconds(36_000)

  private func rows(_ range: Range<Int>, _ word: String = "row") -> [Scenario.Input] {
    range.map { Scenario.Input("\(word) \(100 + $0)") }
  }

  @Test func rangesEndByRecordsAndCarryTheirFirstOffset() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    let running = try scenario.generations(names, records: 10, age: Self.never, maxBatchRecords: 5)
    // One after the other: while a range is being written, the one behind it takes in more than its share.
    for range in [0..<10, 10..<20] {
      try await scenario.feed(rows(range))
      try await scenario.eventuallyCommitted(Int64(range.upperBound))
    }
    try await scenario.feed(rows(20..<25))
    try await eventually("five wait") { running.account.inFlight == 5 }
    #expect(Set(names.now.objects.keys) == ["fake/0/0/other", "fake/0/10/other"])
    let account = try await running.drain()
    #expect(account.kept == 25)
    #expect(names.texts == (0..<25).map { "row \(100 + $0)" })
    #expect(names.now.objects["fake/0/20/other"]?.count == 5, "a drain writes what is open")
    let committed = try await scenario.committedText()
    #expect(committed == CommittedOffset(offset: 25), "and leaves no mark")
  }

  @Test func ageEndsARangeOfAQuietTopic() async throws {
    let (scenario, names) = (try await Scenario(partitions: 2), FakeNames())
    let running = try scenario.generations(names)
    try await scenario.feed([Scenario.Input("a"), Scenario.Input("b", partition: 1), Scenario.Input("skip c")])
    try await scenario.eventuallyCommitted(2, 0)
    try await scenario.eventuallyCommitted(1, 1)
    try await scenario.feed([Scenario.Input("skip d"), Scenario.Input("e")])
    try await scenario.eventuallyCommitted(4, 0)
    let account = try await running.drain()
    #expect(account.kept == 3 && account.skipped == 2)
    #expect(names.texts == ["a", "b", "e"])
  }

  /// The next owner repeats the begun range to the same record, also under another flush policy.
  @Test(arguments: [0, 1])
  func whoeverTakesOverRepeatsTheRange(written: Int) async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    try await scenario.feed(rows(0..<5, "any") + rows(5..<12))
    names.change { $0.failsAfter = written }
    let first = try scenario.generations(names, records: 10, age: Self.never)
    let failure = try await first.failure()
    #expect(failure.code == "crashed")
    #expect(try await scenario.committedText() == CommittedOffset(offset: 0, metadata: "closing=10 format=fake"))
    #expect(names.now.objects.count == written)

    names.change { $0.failsAfter = nil }
    try await scenario.feed(rows(12..<20))
    let second = try scenario.generations(names, records: 6, age: .milliseconds(20), format: "new", maxBatchRecords: 7)
    try await scenario.eventuallyCommitted(20)
    try await second.drain()
    let state = names.now
    #expect(state.objects["fake/0/0/a"] == (0..<5).map { "any \(100 + $0)" })
    #expect(state.objects["fake/0/0/other"] == (5..<10).map { "row \(100 + $0)" }, "as it was begun, in its old format")
    #expect(state.writes.values.allSatisfy { Set($0).count == 1 }, "the same name never holds something else")
    #expect(names.texts == ((0..<5).map { "any \(100 + $0)" } + (5..<20).map { "row \(100 + $0)" }).sorted())
    #expect(state.objects.keys.filter { $0.hasPrefix("new/") }.allSatisfy { !$0.hasPrefix("new/0/0/") })
  }

  @Test func anOutageKeepsEverythingAndDeadLettersNothing() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    let running = try scenario.generations(names, records: 3)
    try await eventually("ready") { running.context.health.isReady }
    names.change { $0.isDown = true }
    try await scenario.feed(rows(0..<10))
    try await eventually("tried again and again") { names.now.attempts > 5 }
    try await eventually("not ready") { !running.isReady("sink") }
    #expect(running.context.health.isAlive)
    let committed = try await scenario.committedText()
    #expect(committed?.offset == 0 && committed?.metadata.hasPrefix("closing=") == true)
    names.change { $0.isDown = false }
    try await scenario.eventuallyCommitted(10)
    try await eventually("ready again") { running.isReady("sink") }
    #expect(try await running.drain().kept == 10)
    #expect(names.texts == (0..<10).map { "row \(100 + $0)" })
    #expect(names.now.writes.values.allSatisfy { $0.count == 1 })
    #expect(scenario.tap.seen(scenario.dead).isEmpty)
  }

  @Test func anOutageThatOutlastsTheDrainIsLeftToTheNextOwner() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    names.change { $0.isDown = true }
    try await scenario.feed(rows(0..<10))
    let running = try scenario.generations(names, records: 4)
    try await eventually("tried") { names.now.attempts > 1 && running.account.consumed == 10 }
    let account = try await running.drain()
    #expect(account.returned == 10 && account.kept == 0)
    names.change { $0.isDown = false }
    let next = try scenario.generations(names)
    try await scenario.eventuallyCommitted(10)
    #expect(try await next.drain().kept == 10)
    #expect(names.texts == (0..<10).map { "row \(100 + $0)" })
    #expect(names.now.writes.values.allSatisfy { $0.count == 1 })
  }

  @Test func badRecordsAreDeadLetteredBeforeTheirRangeIsCommitted() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    try await scenario.feed(["a", "reject b", "c", "rotten d", "skip e", "reject f"])
    let running = try scenario.generations(names, records: 4)
    try await scenario.eventuallyCommitted(6)
    let dead = try await scenario.tap.wait(scenario.dead, 3)
    #expect(Set(dead.compactMap(\.text)) == ["reject b", "rotten d", "reject f"])
    let account = try await running.drain()
    #expect(account.kept == 2 && account.deadLettered == 3 && account.skipped == 1)
    #expect(names.texts == ["a", "c"])
  }

  /// More partitions than the budget can hold: the largest go first, and nothing waits for its age.
  @Test func shortMemoryWritesTheLargestEarly() async throws {
    let (scenario, names) = (try await Scenario(partitions: 4), FakeNames())
    let running = try scenario.generations(names, age: Self.never, budget: 200, maxBatchRecords: 10)
    try await scenario.feed((0..<200).map { Scenario.Input("row \(100 + $0)", partition: $0 % 4) })
    // 7 bytes each, half of the budget may wait.
    try await eventually("all but what fits") {
      names.texts.count >= 200 - 100 / 7 - 10 && running.account.consumed == 200
    }
    #expect(try await running.drain().kept == 200)
    #expect(names.texts == (0..<200).map { "row \(100 + $0)" })
    #expect(names.now.writes.values.allSatisfy { $0.count == 1 })
  }

  @Test func twoMembersWriteEveryRecordOnce() async throws {
    let (scenario, names) = (try await Scenario(partitions: 2), FakeNames())
    try await scenario.feed((0..<40).map { Scenario.Input("row \(100 + $0)", partition: $0 % 2) })
    let first = try scenario.generations(names, records: 7, age: Self.never)
    try await eventually("some is written") { names.texts.count >= 28 }
    let second = try scenario.generations(names, records: 5)
    try await eventually("both work") { first.consumer.leases.count == 1 && second.consumer.leases.count == 1 }
    try await scenario.feed((40..<80).map { Scenario.Input("row \(100 + $0)", partition: $0 % 2) })
    try await eventually("all was read") { first.account.kept + second.account.kept >= 70 }
    try await first.drain()
    try await eventually("all is written") { names.texts.count >= 80 }
    try await second.drain()
    #expect(names.texts == (0..<80).map { "row \(100 + $0)" }, "nothing is lost, nothing lies under two names")
    #expect(names.now.writes.values.allSatisfy { Set($0).count == 1 })
  }
}

@Suite struct ClosingMarkTests {
  @Test func isReadBack() {
    let mark = ClosingMark(next: 4711, format: "batch/gzip/1")
    #expect(mark.text == "closing=4711 format=batch/gzip/1")
    #expect(ClosingMark(mark.text) == mark)
    #expect(ClosingMark("format=x closing=0 more=1") == ClosingMark(next: 0, format: "x"))
  }

  @Test(arguments: [
    "", "closing=", "closing=x format=y", "closing=-1 format=y", "closing=5", "closing=5 format=", "hello",
  ])
  func otherTextsAreNoMarks(text: String) {
    #expect(ClosingMark(text) == nil)
  }
}
