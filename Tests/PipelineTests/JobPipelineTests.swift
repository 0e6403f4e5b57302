import Catalogue
import Core
import Kafka
import ServiceKit
import Testing
import TestSupport

@testable import Pipeline

/// The delivery protocol of jobs, over an embedded broker.
@Suite struct JobPipelineTests {
  @Test func aCommitNeverPassesAnUnfinishedRecord() async throws {
    let scenario = try await Scenario(partitions: 2)
    let gate = Interruption()
    let ended = Log<String>()
    let running = try scenario.jobs(ScriptedHandler { job, _ in
      if job.text == "slow" { await gate.wait() }
      ended.add(job.text)
      return .keep
    })
    try await scenario.feed(["slow"] + (1..<10).map { Scenario.Input("fast \($0)") })
    try await eventually("the others are done") { ended.count == 9 }
    // Partition 1 shows that other partitions commit.
    try await scenario.feed([Scenario.Input("elsewhere", partition: 1)])
    try await scenario.eventuallyCommitted(1, 1)
    #expect(try await scenario.committed(0) == 0)
    gate.raise()
    try await scenario.eventuallyCommitted(10, 0)
    #expect(ended.all.last == "slow" || ended.count == 11)
    #expect(try await running.drain().kept == 11)
  }

  @Test func jobsOfOneKeyRunInOrderAndOthersBesideThem() async throws {
    let scenario = try await Scenario()
    let events = Log<(key: String, number: Int, begins: Bool)>()
    let gauge = Gauge()
    let first = Interruption()
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        let parts = job.text.split(separator: " ")
        let (key, number) = (String(parts[0]), Int(parts[1]) ?? -1)
        events.add((key, number, true))
        gauge.move(by: 1)
        // The first job waits until another key's job was seen beside it.
        if gauge.now > 1 { first.raise() }
        if number == 0 { await first.wait() } else { await Task.yield() }
        gauge.move(by: -1)
        events.add((key, number, false))
        return .keep
      }, concurrency: 8)
    let keys = ["a", "b", "c"]
    try await scenario.feed((0..<60).map { Scenario.Input("\(keys[$0 % 3]) \($0 / 3)", key: keys[$0 % 3]) })
    try await scenario.eventuallyCommitted(60)
    for key in keys {
      let mine = events.all.filter { $0.key == key }
      #expect(mine.map(\.number) == (0..<40).map { $0 / 2 }, "each ends before the next of its key begins")
      #expect(mine.map(\.begins) == (0..<40).map { $0 % 2 == 0 })
    }
    #expect(gauge.peak > 1)
    #expect(try await running.drain().kept == 60)
  }

  @Test func anOutageIsWaitedOutAndSaidAndDeadLettersNothing() async throws {
    let scenario = try await Scenario()
    let outage = Flag(true)
    let attempts = Log<String>()
    let running = try scenario.jobs(ScriptedHandler { job, _ in
      attempts.add(job.text)
      if outage.isOn { throw Failure.outage }
      return .keep
    })
    try await scenario.feed((0..<6).map { Scenario.Input("record \($0)") })
    try await eventually("not ready") { !running.isReady("work") }
    try await eventually("many attempts") { attempts.count > 60 }
    #expect(!running.isReady("work"))
    #expect(running.context.health.isAlive, "a restart would not end the outage")
    #expect(try await scenario.committed() == 0)
    outage.set(false)
    try await scenario.eventuallyCommitted(6)
    try await eventually("ready again") { running.isReady("work") }
    let account = try await running.drain()
    #expect(account.kept == 6 && account.deadLettered == 0 && account.consumed == 6)
    #expect(scenario.tap.seen(scenario.dead).isEmpty)
  }

  @Test func aJobThatWaitsForAnOutageLetsOthersWork() async throws {
    let scenario = try await Scenario()
    let outage = Flag(true)
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        if job.text == "dead host", outage.isOn { throw Failure.outage }
        if job.text == "the last" { outage.set(false) }
        return .keep
      }, concurrency: 1)
    // The only permit must not stay with the first record: its outage ends when the last one is done.
    try await scenario.feed(["dead host", "another", "the last"].map { Scenario.Input($0) })
    try await scenario.eventuallyCommitted(3)
    #expect(try await running.drain().kept == 3)
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults"))
  func aBadRecordIsDeadLetteredWholeAndOnlyThenCommitted() async throws {
    let scenario = try await Scenario(partitions: 2)
    let seen = Log<String>()
    let staged = Interruption()
    let running = try scenario.jobs(ScriptedHandler { job, emit in
      await staged.wait()
      seen.add(job.text)
      switch job.key.map({ String(decoding: $0, as: UTF8.self) }) {
      case "thrown", "gone": throw Failure.rotten
      case "rejected":
        try await emit.send(scenario.echo("the good half"))
        return .reject(Rejection(code: "truncated", stage: "parse", "ends in the middle"))
      default: return .keep
      }
    })
    let headers = [
      Header("souk-schema", "x"), Header("souk-schema", "y"), Header("binary", [0, 255]),
      Header("souk-error-code", "from_an_earlier_life"),
    ]
    try await scenario.feed([
      Scenario.Input("\u{0} bytes \u{7f}", key: "thrown", headers: headers, timestamp: 1_700_000_000_123),
      Scenario.Input("half", key: "rejected"), Scenario.Input(nil, key: "gone"),
    ])
    // From here on no letter is acknowledged (NOT_ENOUGH_REPLICAS).
    scenario.broker?.fail(.produce, with: Array(repeating: 19, count: 10_000))
    staged.raise()
    try await eventually("handled") { seen.count == 3 }
    #expect(running.account.deadLettered == 0)
    #expect(try await scenario.committed() == 0)
    scenario.broker?.clearFaults(.produce)
    try await scenario.eventuallyCommitted(3)

    let letters = try await scenario.tap.wait(scenario.dead, 3)
    #expect(letters.count == 3)
    let thrown = try #require(letters.first { $0.text == "\u{0} bytes \u{7f}" })
    #expect(thrown.key == Array("thrown".utf8))
    #expect(thrown.headers.prefix(3) == headers.prefix(3))
    #expect(
      thrown.headers.count == 3 + HeaderName.deadLetter.count, "headers of an earlier dead-lettering are replaced")
    #expect(thrown.header(HeaderName.errorClass) == "data")
    #expect(thrown.header(HeaderName.errorCode) == "rotten")
    #expect(thrown.header(HeaderName.errorMessage) == "this record is rotten [rotten]")
    #expect(thrown.header(HeaderName.service) == "test")
    #expect(thrown.header(HeaderName.serviceVersion) == "1.2.3")
    #expect(thrown.header(HeaderName.stage) == "handle")
    #expect(thrown.header(HeaderName.topic) == scenario.input)
    #expect(thrown.header(HeaderName.partition) == "0")
    #expect(thrown.header(HeaderName.offset) == "0")
    #expect(thrown.header(HeaderName.timestamp) == "1700000000123")

    let rejected = try #require(letters.first { $0.text == "half" })
    #expect(rejected.header(HeaderName.errorCode) == "truncated")
    #expect(rejected.header(HeaderName.stage) == "parse")
    #expect(rejected.header(HeaderName.errorMessage) == "ends in the middle")
    #expect(rejected.header(HeaderName.offset) == "1")
    let tombstone = try #require(letters.first { $0.value == nil })
    #expect(tombstone.key == Array("gone".utf8))
    #expect(try await scenario.tap.wait(scenario.output, 1).map(\.text) == ["the good half"])
    #expect(try await running.drain().deadLettered == 3)
  }

  @Test(arguments: [ErrorClass.configuration, .fatal])
  func aFailureThatNeedsAPersonStopsTheLoopBeforeItsRecord(_ kind: ErrorClass) async throws {
    let scenario = try await Scenario()
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        if job.text == "two" { throw Failure(kind, code: "stop_here", "no further") }
        return .keep
      }, concurrency: 1)
    // One key, so that they run in their order.
    try await scenario.feed(["zero", "one", "two", "three", "four"].map { Scenario.Input($0, key: "k") })
    let failure = try await running.failure()
    #expect(failure.code == "stop_here")
    #expect(failure.errorClass == kind)
    #expect(try await scenario.committed() == 2)
    #expect(running.account.kept == 2 && running.account.deadLettered == 0)
  }

  @Test func anErrorNobodyClassifiedStopsTheLoop() async throws {
    struct Riddle: Error {}
    let scenario = try await Scenario()
    let running = try scenario.jobs(ScriptedHandler { _, _ in throw Riddle() })
    try await scenario.feed(["a", "b"])
    await #expect(throws: Riddle.self) { try await running.task.value }
    #expect(try await scenario.committed() == 0)
    #expect(running.account.missing == 0)
  }

  @Test func tooManyDeadLettersStopTheLoop() async throws {
    let scenario = try await Scenario()
    let running = try scenario.jobs(
      ScriptedHandler { _, _ in throw Failure.rotten }, concurrency: 1,
      options: Scenario.pipelineOptions { $0.deadLetterLimit = 3 })
    // One key, so that they run in their order.
    try await scenario.feed((0..<10).map { Scenario.Input("record \($0)", key: "k") })
    let failure = try await running.failure()
    #expect(failure.code == "dead_letter_limit")
    #expect(failure.errorClass == .fatal)
    #expect(try await scenario.committed() == 3)
    #expect(try await scenario.tap.wait(scenario.dead, 3).count == 3)
    #expect(running.account.deadLettered == 3)
  }

  @Test func aDrainFinishesWhatRunsAndGivesBackTheRest() async throws {
    let scenario = try await Scenario()
    let gate = Interruption()
    let leases = Log<Lease>()
    let running = try scenario.jobs(
      ScriptedHandler { job, emit in
        leases.add(job.lease)
        await gate.wait()
        try await emit.send(scenario.echo(job.text))
        return job.text == "bad" ? .reject(Rejection(code: "bad", stage: "handle", "bad")) : .keep
      }, concurrency: 3)
    try await scenario.feed(["one", "bad", "three"])
    try await eventually("three at work") { leases.count == 3 }
    // They have all the permits: these are taken in, and do not begin.
    try await scenario.feed(["four", "five", "six"])
    try await eventually("all taken in") { running.account.consumed == 6 }
    let lease = try #require(leases.all.first)
    running.context.drain.raise()
    try await eventually("closing") { !running.mayWork(lease) }
    gate.raise()
    let account = try await running.drain()
    #expect(leases.count == 3, "nothing begins during a drain")
    #expect(account.kept == 2 && account.deadLettered == 1 && account.returned == 3 && account.consumed == 6)
    #expect(try await scenario.committed() == 3)
    let output = try await scenario.tap.wait(scenario.output, 3).compactMap(\.text)
    #expect(Set(output) == ["one", "bad", "three"])
    #expect(try await scenario.tap.wait(scenario.dead, 1).map(\.text) == ["bad"])
  }

  @Test func aDrainDoesNotWaitForAnOutage() async throws {
    let scenario = try await Scenario()
    let attempts = Log<String>()
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        attempts.add(job.text)
        if job.text == "stuck" { throw Failure.outage }
        return .keep
      },
      // Far beyond what a test waits for: only giving way ends these delays.
      drainTimeout: .seconds(600),
      options: Scenario.pipelineOptions {
        $0.retryBase = DurationSetting(.seconds(36_000))
        $0.retryCap = DurationSetting(.seconds(36_000))
      })
    try await scenario.feed(["fine", "stuck", "fine too"])
    try await eventually("all tried") { attempts.count == 3 }
    let account = try await running.drain()
    #expect(account.kept == 2 && account.returned == 1)
    #expect(try await scenario.committed() == 1, "not past the stuck record")
  }

  @Test func aJobLongerThanTheDrainTakesNobodyElsesCommitAlong() async throws {
    let scenario = try await Scenario()
    let begun = Log<String>()
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        begun.add(job.text)
        if job.text == "endless" { await Interruption().wait() }
        return .keep
      }, drainTimeout: .seconds(24),
      // So that only the answer to the drain commits.
      options: Scenario.pipelineOptions { $0.commitInterval = DurationSetting(.seconds(36_000)) })
    try await scenario.feed(["quick", "endless"])
    try await eventually("one done") { begun.count == 2 && running.account.kept == 1 }
    let account = try await running.drain()
    #expect(account.kept == 1 && account.returned == 1)
    #expect(try await scenario.committed() == 1)
  }

  @Test func anEmptyTopicIsReadyAndDrains() async throws {
    let scenario = try await Scenario()
    let running = try scenario.jobs(ScriptedHandler { _, _ in .keep })
    try await eventually("ready") { running.context.health.isReady }
    #expect(try await running.drain() == RecordAccount())
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults"))
  func whatAJobEmitsIsAcknowledgedBeforeItsCommit() async throws {
    let scenario = try await Scenario()
    let handled = Log<String>()
    let staged = Interruption()
    let running = try scenario.jobs(ScriptedHandler { job, emit in
      await staged.wait()
      for part in 0..<3 { try await emit.send(scenario.echo("\(job.text) \(part)")) }
      handled.add(job.text)
      return job.text == "b" ? .skip(reason: "useless") : .keep
    })
    try await scenario.feed(["a", "b"])
    // From here on nothing is acknowledged (NOT_ENOUGH_REPLICAS).
    scenario.broker?.fail(.produce, with: Array(repeating: 19, count: 10_000))
    staged.raise()
    try await eventually("both handled") { handled.count == 2 }
    #expect(running.account.kept == 0 && running.account.skipped == 0)
    #expect(try await scenario.committed() == 0)
    scenario.broker?.clearFaults(.produce)
    try await scenario.eventuallyCommitted(2)
    let texts = try await scenario.tap.wait(scenario.output, 6).compactMap(\.text)
    #expect(Set(texts) == ["a 0", "a 1", "a 2", "b 0", "b 1", "b 2"])
    let account = try await running.drain()
    #expect(account.kept == 1 && account.skipped == 1)
  }

  @Test func aMessageTooLargeToProduceCondemnsItsRecordAlone() async throws {
    let scenario = try await Scenario()
    let running = try scenario.jobs(ScriptedHandler { job, emit in
      if job.text == "bomb" {
        var batch = OutgoingBatch()
        batch.append(topic: scenario.output, key: nil, value: [UInt8](repeating: 7, count: 3 << 20))
        try await emit.send(batch)
      }
      try await emit.send(scenario.echo(job.text))
      return .keep
    })
    try await scenario.feed(["before", "bomb", "after"])
    try await scenario.eventuallyCommitted(3)
    let letter = try #require(try await scenario.tap.wait(scenario.dead, 1).first)
    #expect(letter.text == "bomb")
    #expect(letter.header(HeaderName.errorCode) == "kafka_msg_size_too_large")
    let account = try await running.drain()
    #expect(account.kept == 2 && account.deadLettered == 1)
  }
}
