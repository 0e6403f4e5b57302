import Catalogue
import Core
import Kafka
import Synchronization
import Testing
import TestSupport

@testable import Pipeline

/// `--delivery exactly-once` as far as the embedded broker goes: it takes transactions, but shows aborted records
/// and keeps no offsets that were sent in one.
@Suite struct TransactionalJobsTests {
  @Test func everyRecordIsBookedWhenItsTransactionIsCommitted() async throws {
    let scenario = try await Scenario(partitions: 2)
    let running = try await scenario.transactions(ScriptedHandler { job, emit in
      switch job.text {
      case "bad": throw Failure.rotten
      case "useless": return .skip(reason: "useless")
      default:
        try await emit.send(scenario.echo(job.text))
        return .keep
      }
    })
    try await scenario.feed((0..<20).map { Scenario.Input("record \($0)") })
    try await scenario.feed([Scenario.Input("bad", partition: 1), Scenario.Input("useless", partition: 1)])
    try await eventually("committed") { running.account.kept == 20 && running.account.skipped == 1 }
    let texts = try await scenario.tap.wait(scenario.output, 20).compactMap(\.text)
    #expect(Set(texts) == Set((0..<20).map { "record \($0)" }))
    #expect(texts.count == 20)
    let letter = try #require(try await scenario.tap.wait(scenario.dead, 1).first)
    #expect(letter.text == "bad" && letter.header(HeaderName.errorCode) == "rotten")
    let account = try await running.drain()
    #expect(account.kept == 20 && account.deadLettered == 1 && account.skipped == 1)
  }

  @Test func anOutageAbortsAndRepeatsTheWholeTransaction() async throws {
    let scenario = try await Scenario()
    let outage = Flag(true)
    let attempts = Log<String>()
    let running = try await scenario.transactions(ScriptedHandler { job, emit in
      attempts.add(job.text)
      if job.text == "second", outage.isOn { throw Failure.outage }
      try await emit.send(scenario.echo(job.text))
      return .keep
    })
    try await scenario.feed(["first", "second"])
    try await eventually("repeated") { attempts.all.count { $0 == "second" } > 3 }
    #expect(!running.isReady("work"))
    #expect(running.account.kept == 0)
    outage.set(false)
    try await eventually("committed") { running.account.kept == 2 }
    try await eventually("ready again") { running.isReady("work") }
    let account = try await running.drain()
    #expect(account.kept == 2 && account.consumed == 2)
    #expect(scenario.tap.seen(scenario.dead).isEmpty)
  }

  @Test func aRepeatedTransactionSpendsTheDeadLetterBudgetOnce() async throws {
    let scenario = try await Scenario()
    let failures = Log<String>()
    let running = try await scenario.transactions(ScriptedHandler { job, _ in
      if job.text == "bad" { throw Failure.rotten }
      failures.add(job.text)
      if failures.count < 20 { throw Failure.outage }
      return .keep
    }, deadLetterLimit: 2)
    try await scenario.feed(["bad", "unlucky"])
    try await eventually("committed") { running.account.kept == 1 }
    let account = try await running.drain()
    #expect(account.kept == 1 && account.deadLettered == 1)
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults")) func aBusyCoordinatorIsAskedAgain() async throws {
    let scenario = try await Scenario()
    let running = try await scenario.transactions(ScriptedHandler { job, emit in
      try await emit.send(scenario.echo(job.text))
      return .keep
    })
    try await eventually("assigned") { running.isReady("assignment") }
    // COORDINATOR_LOAD_IN_PROGRESS and CONCURRENT_TRANSACTIONS: both pass.
    scenario.broker?.fail(.addPartitionsToTransaction, with: [14, 51, 51])
    scenario.broker?.fail(.transactionOffsetCommit, with: [14, 14])
    scenario.broker?.fail(.endTransaction, with: [14, 51])
    try await scenario.feed(["a", "b"])
    try await eventually("committed") { running.account.kept == 2 }
    #expect(try await running.drain().kept == 2)
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults"))
  func refusedOffsetsAbortTheTransactionAndItIsRepeated() async throws {
    let scenario = try await Scenario()
    let attempts = Log<String>()
    let running = try await scenario.transactions(ScriptedHandler { job, emit in
      attempts.add(job.text)
      try await emit.send(scenario.echo(job.text))
      return .keep
    })
    try await eventually("assigned") { running.isReady("assignment") }
    // ILLEGAL_GENERATION: the group went on without us, so the offsets cannot be part of this transaction.
    scenario.broker?.fail(.transactionOffsetCommit, with: [22])
    try await scenario.feed(["a"])
    try await eventually("committed") { running.account.kept == 1 }
    #expect(attempts.count == 2)
    #expect(try await running.drain().consumed == 1)
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults")) func aFencedProducerStopsTheLoop() async throws {
    let scenario = try await Scenario()
    let running = try await scenario.transactions(ScriptedHandler { job, emit in
      try await emit.send(scenario.echo(job.text))
      return .keep
    })
    try await eventually("assigned") { running.isReady("assignment") }
    // PRODUCER_FENCED, as often as it is asked: another process took over the transactional id.
    scenario.broker?.fail(.endTransaction, with: Array(repeating: 90, count: 1_000))
    try await scenario.feed(["a"])
    #expect(try await running.failure().errorClass == .fatal)
    #expect(running.account.kept == 0 && running.account.returned == 1)
  }

  @Test(arguments: [ErrorClass.configuration, .fatal])
  func aFailureThatNeedsAPersonAbortsAndStops(_ kind: ErrorClass) async throws {
    let scenario = try await Scenario()
    let running = try await scenario.transactions(ScriptedHandler { job, emit in
      try await emit.send(scenario.echo(job.text))
      if job.text == "b" { throw Failure(kind, code: "stop_here", "no further") }
      return .keep
    })
    try await scenario.feed(["a", "b", "c"])
    #expect(try await running.failure().code == "stop_here")
    #expect(running.account.kept <= 1)
  }

  @Test func transactionsAreSmallAndKeysKeepTheirOrder() async throws {
    let scenario = try await Scenario()
    let order = Log<String>()
    let running = try await scenario.transactions(
      ScriptedHandler { job, _ in
        order.add(job.text)
        return .keep
      }, concurrency: 1)
    let texts = (0..<30).map { "\($0)" }
    try await scenario.feed(texts.map { Scenario.Input($0, key: "same") })
    try await eventually("committed") { running.account.kept == 30 }
    #expect(order.all == texts)
    #expect(try await running.drain().kept == 30)
  }
}
