import Core
import Kafka
import ServiceKit
import Testing
import TestSupport

@testable import Pipeline

/// Several members of one group working on jobs.
@Suite struct JobGroupTests {
  @Test func aRevokeDuringAnOutageIsGivenWayTo() async throws {
    let scenario = try await Scenario(partitions: 2)
    let outage = Flag(true)
    let stuck = Log<String>()
    let first = try scenario.jobs(
      ScriptedHandler { job, _ in
        if outage.isOn {
          stuck.add(job.text)
          throw Failure.outage
        }
        return .keep
      }, drainTimeout: .seconds(600),
      // Far beyond what a test waits for: only giving way ends these delays.
      options: Scenario.pipelineOptions {
        $0.retryBase = DurationSetting(.seconds(36_000))
        $0.retryCap = DurationSetting(.seconds(36_000))
      })
    try await scenario.feed((0..<8).map { Scenario.Input("record \($0)", partition: $0 % 2) })
    try await eventually("the first is stuck") { stuck.count >= 4 }
    let done = Log<String>()
    let second = try scenario.jobs(ScriptedHandler { job, _ in
      done.add(job.text)
      return .keep
    })
    // Both partitions, when the broker takes the stuck member for gone.
    try await eventually("the second works on a partition") { done.count >= 4 }
    // Of one partition at least; a member that is not cooperative gives both back, and its own share comes again.
    try await eventually("what was revoked was given back") { first.account.returned >= 4 }
    outage.set(false)
    try await first.drain()
    try await second.drain()
  }

  @Test(.enabled(if: Scenario.isEmbedded, "stages faults"))
  func aPartitionThatIsLostWhileEveryJobIsStuckIsLetGo() async throws {
    let scenario = try await Scenario()
    let outage = Flag(true)
    let stuck = Log<String>()
    let running = try scenario.jobs(
      ScriptedHandler { job, _ in
        stuck.add(job.text)
        if outage.isOn { throw Failure.outage }
        return .keep
      }, concurrency: 1,
      // Far beyond what a test waits for: only letting go ends these delays.
      options: Scenario.pipelineOptions {
        $0.retryBase = DurationSetting(.seconds(36_000))
        $0.retryCap = DurationSetting(.seconds(36_000))
      })
    // More than may be begun, so that the loop itself waits for a job to end.
    try await scenario.feed((0..<30).map { Scenario.Input("record \($0)") })
    try await eventually("stuck") { stuck.count == 8 && running.account.consumed == 30 }
    outage.set(false)
    // UNKNOWN_MEMBER_ID, once for us and once for the tap: the group forgot us, and takes us back as a new member.
    scenario.broker?.fail(.heartbeat, with: [25, 25])
    try await scenario.eventuallyCommitted(30)
    let account = try await running.drain()
    #expect(account.kept == 30 && account.returned >= 30 && account.consumed == 30 + account.returned)
  }

  @Test func membersComeAndGoAndNothingIsLost() async throws {
    let scenario = try await Scenario(partitions: 4)
    let count = 400
    let done = (first: Log<String>(), second: Log<String>())
    let hold = Interruption()
    let all = { Set(done.first.all).union(done.second.all) }
    let first = try scenario.jobs(ScriptedHandler { job, emit in
      try await emit.send(scenario.echo(job.text))
      done.first.add(job.text)
      return .keep
    })
    try await scenario.feed((0..<(count / 2)).map { Scenario.Input("record \($0)", partition: $0 % 4) })
    try await eventually("the first at work") { done.first.count > 20 }
    let second = try scenario.jobs(ScriptedHandler { job, emit in
      if done.second.count >= 20 { await hold.wait() }
      try await emit.send(scenario.echo(job.text))
      done.second.add(job.text)
      return .keep
    })
    try await eventually("the second has its share") { second.hasPartitions }
    try await scenario.feed((count / 2..<count).map { Scenario.Input("record \($0)", partition: $0 % 4) })
    try await eventually("both at work") { done.second.count >= 20 }
    hold.raise()
    // The embedded broker misses the one that left only after its session time-out; then the other takes over.
    try await first.drain()
    try await eventually("all done", timeout: .seconds(180)) { all().count == count }
    for partition in 0..<4 { try await scenario.eventuallyCommitted(Int64(count / 4), partition) }
    let texts = try await eventuallySome("all output") {
      let texts = Set(scenario.tap.seen(scenario.output).compactMap(\.text))
      return texts.count == count ? texts : nil
    }
    #expect(texts == Set((0..<count).map { "record \($0)" }))
    try await second.drain()
    #expect(scenario.tap.seen(scenario.dead).isEmpty)
  }
}
