import ArgumentParser
import Core
@testable import Kafka
import KafkaFlags
import ServiceKit
import Testing
import TestSupport

@testable import Pipeline

/// Offsets without records, as transactions leave them: every loop commits past them once all before them is done.
@Suite struct EndsTests {
  private static let keep = ScriptedHandler { _, _ in .keep }

  @Test func jobsCommitPastMarkers() async throws {
    let scenario = try await Scenario()
    let gate = Flag(false)
    let running = try scenario.jobs(ScriptedHandler { job, _ in
      if job.text == "b", !gate.isOn { throw Failure.outage }
      return .keep
    })
    try await scenario.feed(["a", "b"])
    let end = try await scenario.passOffsets()
    try await scenario.eventuallyCommitted(1)
    gate.set(true)
    try await scenario.eventuallyCommitted(end)
    #expect(try await scenario.lag() == 0)
    try await scenario.feed(["c"])
    try await scenario.eventuallyCommitted(end + 1)
    #expect(try await running.drain().kept == 3)
  }

  /// No event follows the last job, so the gauge must reach zero without one.
  @Test func anIdleLoopOfJobsHasNothingInFlight() async throws {
    let scenario = try await Scenario()
    // The loop never looks up by itself.
    let running = try scenario.jobs(Self.keep, tick: .seconds(3_600))
    try await scenario.feed((0..<50).map { Scenario.Input("record \($0)") })
    try await eventually("done") { running.account.kept == 50 }
    try await eventually("balanced") {
      running.account.inFlight == 0 && running.account.missing == 0
    }
    try await running.drain()
  }

  @Test func transactionsCommitPastMarkers() async throws {
    let scenario = try await Scenario()
    let running = try await scenario.transactions(ScriptedHandler { job, emit in
      try await emit.send(scenario.echo(job.text))
      return .keep
    })
    try await scenario.feed(["a", "b"])
    let end = try await scenario.passOffsets()
    try await scenario.eventuallyCommitted(end)
    #expect(try await scenario.lag() == 0)
    #expect(try await running.drain().kept == 2)
    #expect(try await scenario.tap.wait(scenario.output, 2).compactMap(\.text).sorted() == ["a", "b"])
  }

  @Test(arguments: [true, false]) func sinksFlushPastMarkers(keepsOffsets: Bool) async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    let running = try scenario.sink(FakeSink(store, keepsOffsets: keepsOffsets), externalOffsets: keepsOffsets)
    try await scenario.feed(["a", "skip b"])
    let end = try await scenario.passOffsets()
    try await scenario.eventuallyCommitted(end)
    #expect(try await scenario.lag() == 0)
    if keepsOffsets { #expect(store.now.offsets == [scenario.place: end], "its own offsets too") }
    try await scenario.feed(["c"])
    try await scenario.eventuallyCommitted(end + 1)
    #expect(store.texts == ["a", "c"])
    #expect(try await running.drain().kept == 2)
  }

  @Test func generationsCommitPastMarkersAndBeginBehindThem() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    let running = try scenario.generations(names, records: 2)
    try await scenario.feed(["b", "c"])
    let end = try await scenario.passOffsets()
    try await scenario.eventuallyCommitted(end)
    #expect(try await scenario.lag() == 0)
    try await scenario.feed(["d"])
    try await scenario.eventuallyCommitted(end + 1)
    #expect(names.now.objects["fake/0/0/other"] == ["b", "c"] && names.now.objects["fake/0/\(end)/other"] == ["d"])
    #expect(try await running.drain().kept == 3)
  }

  /// The last offset of a range that was begun is a marker, and no record follows: the range must not wait for one.
  @Test func aRepeatedRangeThatEndsInMarkersIsClosed() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    try await scenario.feed(["b", "c"])
    let end = try await scenario.passOffsets()
    names.change { $0.failsAfter = 0 }
    let first = try scenario.generations(names, age: .seconds(3))
    #expect(try await first.failure().code == "crashed")
    #expect(try await scenario.committedText() == CommittedOffset(offset: 0, metadata: "closing=\(end) format=fake"))
    names.change { $0.failsAfter = nil }
    let second = try scenario.generations(names, age: GenerationPipelineTests.never)
    try await scenario.eventuallyCommitted(end)
    #expect(names.now.objects == ["fake/0/0/other": ["b", "c"]])
    #expect(try await second.drain().kept == 2)
  }

  // MARK: Starts

  /// A crash before the first flush must not start over at another "latest".
  @Test func aSinkIsToldItsStartBeforeAnythingIsRead() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    try await scenario.feed(["old", "older"])
    let policy = FlushPolicy(rows: 1 << 30, bytes: 1 << 30, linger: .seconds(36_000))
    let first = try scenario.sink(FakeSink(store), policy: policy) { $0.startFrom = .latest }
    try await eventually("pinned") { store.now.offsets == [scenario.place: 2] }
    try await scenario.feed(["a", "b"])
    try await eventually("read and not written") { first.account.inFlight == 2 }
    store.change { $0.failure = .misconfigured }
    first.context.drain.raise()
    #expect(try await first.failure().code == "wrong_password")
    store.change { $0.failure = nil }
    let second = try scenario.sink(FakeSink(store)) { $0.startFrom = .latest }
    try await eventually("nothing is lost") { store.texts == ["a", "b"] }
    try await second.drain()
  }

  @Test func anEmptiedSinkIsFilledFromTheStartWhateverTheGroupHasCommitted() async throws {
    let (scenario, full, emptied) = (try await Scenario(), FakeStore(), FakeStore())
    try await scenario.feed(["a", "b", "c"])
    let first = try scenario.sink(FakeSink(full))
    try await scenario.eventuallyCommitted(3)
    try await first.drain()
    let second = try scenario.sink(FakeSink(emptied))
    try await scenario.feed(["d"])
    try await eventually("all of it") { emptied.texts == ["a", "b", "c", "d"] }
    try await second.drain()
    #expect(full.texts == ["a", "b", "c"])
  }

  @Test func transactionalIDsDifferBetweenProcessesUnlessTheInstanceHasAName() throws {
    func clients(_ change: (inout KafkaOptions) -> Void = { _ in }) throws -> KafkaClients {
      var options = try KafkaOptions.parse([])
      change(&options)
      let needs = Needs(ServiceContext(name: "test", logger: Scenario.logger))
      return needs.kafka("parser", options, topics: [])
    }
    #expect(try clients().transactionalID != clients().transactionalID)
    let named = try clients { $0.groupInstanceId = "parser-3" }
    #expect(named.transactionalID == "parser-parser-3")
  }
}
