import Core
@testable import Kafka
import KafkaFlags
import Testing
import TestSupport

@testable import Pipeline

/// `--on-gap continue`: what was read before a gap cannot be read again, so it is finished, and nothing but the gap is
/// lost. On the embedded broker, which trims on demand.
@Suite(.enabled(if: Scenario.isEmbedded, "the embedded broker trims")) struct GapTests {
  /// More than the broker keeps of a partition (about 5 MB), in requests of 100 kB.
  private func overfill(_ scenario: Scenario) async throws {
    let producer = try scenario.producer { $0.kafkaProperty.append("compression.type=none") }
    let padding = String(repeating: "x", count: 10_000)
    for request in 0..<80 {
      var batch = OutgoingBatch()
      for number in 0..<10 {
        batch.append(
          topic: scenario.input, key: nil, value: Array("late \(1_000 + request * 10 + number) \(padding)".utf8))
      }
      try await producer.send(batch)
    }
    await producer.close()
  }

  private func narrow(_ options: inout KafkaOptions) {
    options.onGap = .continue
    options.maxBatchRecords = 5
    options.maxPrefetchBytes = ByteSize(1_024)
    options.kafkaProperty += ["fetch.max.bytes=1000000", "message.max.bytes=100000", "fetch.message.max.bytes=1024"]
  }

  /// The range in flight at the gap, and the open range after it.
  @Test func rangesThatWereReadBeforeAGapAreWritten() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    names.change { $0.isDown = true }
    let running = try scenario.generations(
      names, records: 5, age: .seconds(1), budget: 20, maxBatchRecords: 5, narrow)
    try await scenario.feed((0..<7).map { Scenario.Input("early \($0)") })
    try await eventually("tried") { names.now.attempts > 0 && running.account.consumed >= 5 }
    try await overfill(scenario)
    names.change { $0.isDown = false }
    try await eventually("the last one") { names.texts.contains { $0.hasPrefix("late 1799") } }
    let account = try await running.drain()
    let texts = names.texts
    #expect(account.kept == texts.count && account.returned == 0, "what counts as kept is there")
    #expect(texts.filter { $0.hasPrefix("early") }.count == 7)
    #expect(texts.count < 807, "there was a gap")
    #expect(Set(texts).count == texts.count)
    // What is missing lies side by side: one gap, and nothing around it.
    let late = texts.filter { $0.hasPrefix("late") }.compactMap { Int($0.split(separator: " ")[1]) }
    let missing = Set(1_000..<1_800).subtracting(late)
    let (first, last) = (try #require(missing.min()), try #require(missing.max()))
    #expect(missing.count == last - first + 1)
    let committed = try await scenario.committedText()
    #expect(committed == CommittedOffset(offset: 807))
  }

  @Test func jobsThatWereReadBeforeAGapAreFinished() async throws {
    let scenario = try await Scenario()
    let (gate, slow) = (Flag(false), Flag(false))
    let done = Log<String>()
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        if !gate.isOn || job.text == "early 0" && !slow.isOn { throw Failure.outage }
        done.add(String(job.text.prefix(9)))
        return .keep
      }, concurrency: 1, narrow)
    try await scenario.feed((0..<7).map { Scenario.Input("early \($0)") })
    try await eventually("begun") { running.account.consumed >= 7 }
    try await overfill(scenario)
    gate.set(true)
    // Behind the gap, while one from before it is still being worked on.
    try await eventually("the last one") { done.all.contains("late 1799") }
    #expect(!done.all.contains("early 0"))
    slow.set(true)
    try await scenario.eventuallyCommitted(807)
    let account = try await running.drain()
    #expect(account.returned == 0 && account.kept == done.count)
    #expect(Set(done.all).isSuperset(of: (0..<7).map { "early \($0)" }) && done.count < 807)
  }
}

/// A topic that was deleted and recreated: its log ends before the known position.
@Suite struct ReplacedLogTests {
  private static let known: Int64 = 100

  /// The group has committed a position after the end of the topic.
  private func commitKnown(_ scenario: Scenario) async throws {
    let member = try scenario.consumer { $0.onGap = .continue }
    while case .some(let element) = try await member.next(before: .now + .seconds(120)) {
      if case .assigned(let positions) = element, !positions.isEmpty { break }
    }
    // Only where the member stands can it commit; there it meets the gap, and may have moved on already.
    while try await !member.commit([scenario.place: Self.known]).isEmpty {
      try await member.seek([scenario.place: .offset(Self.known)])
    }
    member.close()
    while case .some(let element) = try await member.next(before: nil) {
      if case .revoking(_, let answer) = element { answer.done(committing: [:]) }
    }
    try await scenario.eventuallyCommitted(Self.known)
  }

  private func expectStop(_ running: Running) async throws {
    let failure = try await running.failure()
    #expect(failure.code == "kafka_log_replaced" && failure.errorClass == .fatal, "\(failure)")
    #expect("\(failure)".contains("another group"), "says what to do")
    #expect(running.account.kept == 0 && running.account.deadLettered == 0)
  }

  /// Rows of the old log have the same offsets as records of the new one.
  @Test func aSinkThatKeepsOffsetsStops() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    store.change { $0.offsets = [scenario.place: Self.known] }
    try await scenario.feed(["new 0", "new 1"])
    try await expectStop(scenario.sink(FakeSink(store)) { $0.onGap = .continue })
    #expect(store.texts.isEmpty && store.now.offsets == [scenario.place: Self.known])
  }

  /// Objects of the old log have the names of the same offsets of the new one.
  @Test func generationsStop() async throws {
    let (scenario, names) = (try await Scenario(), FakeNames())
    try await commitKnown(scenario)
    try await scenario.feed(["new 0", "new 1"])
    try await expectStop(scenario.generations(names, records: 5, age: .milliseconds(50)) { $0.onGap = .continue })
    #expect(names.texts.isEmpty)
    #expect(try await scenario.committed() == Self.known)
  }

  /// No state depends on offsets here, so the new log is consumed from its beginning.
  @Test func jobsGoOnWithTheNewLog() async throws {
    let scenario = try await Scenario()
    try await commitKnown(scenario)
    try await scenario.feed(["new 0", "new 1"])
    let done = Log<String>()
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        done.add(job.text)
        return .keep
      }) { $0.onGap = .continue }
    try await scenario.eventuallyCommitted(2)
    #expect(done.all.sorted() == ["new 0", "new 1"])
    try await running.drain()
  }

  /// Without `--on-gap continue` it is a gap like any other, and an operator decides.
  @Test func withoutLeaveItIsAGap() async throws {
    let (scenario, store) = (try await Scenario(), FakeStore())
    store.change { $0.offsets = [scenario.place: Self.known] }
    try await scenario.feed(["new 0"])
    let failure = try await scenario.sink(FakeSink(store)).failure()
    #expect(failure.code == "kafka_gap" && "\(failure)".contains("was deleted and made again"))
  }
}
