import Catalogue
import Commodities
import Foundation
import Kafka
import LocalServers
import Messages
@testable import SchedulerService
import Testing
import TestSupport
import Values

import Glibc

/// The executable with the embedded broker, as an operator runs it.
@Suite struct SchedulerProcessTests {
  private static let batch = 25

  /// Everything since this many hours is due at once, so that a fail-over meets a scheduler at work.
  private struct Backlog {
    let plan: SchedulePlan
    let start: Int64
    /// Jobs due later may or may not be there already.
    let end: Int64
    let arguments: [String]

    var expected: Set<String> { Set(plan.jobs(in: start..<end).compactMap { plan.task(of: $0).jobID }) }

    init(_ broker: EmbeddedBroker, folder: String, hours: Int64) throws {
      let rows = [
        "name: polymers, task: fetch_price, materials: {category: polymer}, cron: '*/5 * * * *', missed-limit: 100000",
        "name: energy, task: fetch_price, countries: world, cron: '* * * * *', missed-limit: 100000",
        "name: demand, task: fetch_demand, cron: '*/15 * * * *', spread: 4m, missed-limit: 100000, "
          + "materials: [Copper Wire]",
      ]
      let head = smallCatalogue.components(separatedBy: "schedules:")[0]
      let text = head + "schedules:\n" + rows.map { "  - {\($0)}" }.joined(separator: "\n") + "\n"
      try text.write(toFile: "\(folder)/markets.yaml", atomically: true, encoding: .utf8)
      plan = try SchedulePlan(CommodityCatalogue(yaml: text, origin: "test"))
      end = Int64(time(nil))
      start = end - hours * 3_600
      arguments = [
        "--catalogue", "\(folder)/markets.yaml", "--kafka-bootstrap-servers", broker.bootstrapServers,
        "--kafka-properties", "session.timeout.ms=6000,heartbeat.interval.ms=300", "--job-batch", "\(batch)",
        "--start-from", SchedulePlan.timestamp(start).description,
      ]
    }
  }

  private func isActive(_ process: ServiceProcess) async -> Bool {
    await process.metrics().sum("souk_scheduler_active") == 1
  }

  private func awaitActive(_ process: ServiceProcess) async throws {
    try await eventually("\(process.pid) is active") {
      if let status = process.status { throw ConditionNotMet(description: "ended with \(status): \(process.log)") }
      return await isActive(process)
    }
  }

  /// The repeated jobs, after all expected jobs have arrived.
  private func repeats(_ broker: EmbeddedBroker, _ backlog: Backlog) async throws -> Int {
    let expected = backlog.expected
    try await eventually("all jobs are there", timeout: .seconds(240), interval: .seconds(1)) {
      try await broker.jobCount() >= Int64(expected.count)
    }
    // Some of those may be repeats: what is really there decides.
    var counts: [String: Int] = [:]
    try await eventually("every job is there", timeout: .seconds(240), interval: .seconds(1)) {
      counts = [:]
      for job in try await broker.jobs() where (job.task.dueAt?.microseconds ?? 0) / 1_000_000 < backlog.end {
        counts[job.task.jobID ?? "", default: 0] += 1
      }
      return expected.isSubset(of: counts.keys)
    }
    #expect(Set(counts.keys) == expected)
    return counts.values.reduce(0) { $0 + $1 - 1 }
  }

  /// The most that may be repeated: each time a replica takes the lease, the batch that the one before did not commit.
  private func bound(_ replicas: ServiceProcess...) -> Int {
    let taken = replicas.flatMap(\.log).filter { $0.contains("active") && $0.contains("plan") }.count
    #expect(taken >= replicas.count)
    return Self.batch * taken
  }

  @Test(.timeLimit(.minutes(15))) func aKilledSchedulerIsFollowedByAnotherThatSkipsNothing() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker.ofScheduler()
      let backlog = try Backlog(broker, folder: folder, hours: 40)
      let one = try await ServiceProcess.start("scheduler", backlog.arguments)
      let other = try await ServiceProcess.start("scheduler", backlog.arguments)
      try await eventually("one is at work") { try await broker.jobCount() > 400 }
      let (first, second) = await isActive(one) ? (one, other) : (other, one)
      #expect(await !isActive(second))
      await first.kill()
      let before = try await broker.jobCount()
      #expect(before < Int64(backlog.expected.count), "it was done before it was killed")
      try await awaitActive(second)
      let repeated = try await repeats(broker, backlog)
      #expect(repeated <= bound(first, second), "more than what was not committed")
      #expect(await second.terminate() == .exited(0))
    }
  }

  @Test(.timeLimit(.minutes(15))) func aDrainedSchedulerHandsOverWithoutARepeat() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker.ofScheduler()
      let backlog = try Backlog(broker, folder: folder, hours: 30)
      let first = try await ServiceProcess.start("scheduler", backlog.arguments)
      try await eventually("it is at work") { try await broker.jobCount() > 300 }
      #expect(await first.terminate() == .exited(0), "\(first.log.suffix(5))")
      #expect(try await broker.jobCount() < Int64(backlog.expected.count), "it was done before it was stopped")
      let second = try await ServiceProcess.start("scheduler", backlog.arguments)
      try await second.awaitReady()
      #expect(try await repeats(broker, backlog) == 0)
      #expect(await second.terminate() == .exited(0))
    }
  }

  /// Suspended by SIGSTOP for longer than its session: when it continues, another replica has the lease.
  @Test(.timeLimit(.minutes(15))) func aSchedulerSuspendedBeyondItsLeaseSendsNothing() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker.ofScheduler()
      let backlog = try Backlog(broker, folder: folder, hours: 40)
      let first = try await ServiceProcess.start("scheduler", backlog.arguments)
      try await eventually("it is at work") { try await broker.jobCount() > 400 }
      first.signal(SIGSTOP)
      #expect(try await broker.jobCount() < Int64(backlog.expected.count), "it was done before it was stopped")
      let second = try await ServiceProcess.start("scheduler", backlog.arguments)
      try await awaitActive(second)
      first.signal(SIGCONT)
      let repeated = try await repeats(broker, backlog)
      #expect(repeated <= bound(first, second), "more than what was not committed")
      // It joins again at once, and may be given the lease again.
      try await eventually("the sleeper knows") { first.log.contains { $0.contains("no longer active") } }
      try await eventually("one of them is active") {
        let (one, other) = (await isActive(first), await isActive(second))
        return one != other
      }
      #expect(first.status == nil, "\(first.log.suffix(5))")
      #expect(await first.terminate() == .exited(0))
      #expect(await second.terminate() == .exited(0))
    }
  }

  @Test(.timeLimit(.minutes(15))) func anOutageLosesNothing() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker.ofScheduler()
      let backlog = try Backlog(broker, folder: folder, hours: 30)
      let process = try await ServiceProcess.start("scheduler", backlog.arguments)
      try await eventually("it is at work") { try await broker.jobCount() > 300 }
      broker.takeDown()
      try await eventually("it is not ready") { await process.get("/readyz")?.status == 503 }
      #expect(process.status == nil)
      broker.bringUp()
      #expect(try await repeats(broker, backlog) <= 2 * bound(process), "the batch, and the one that was in flight")
      #expect(await process.terminate() == .exited(0), "\(process.log.suffix(5))")
    }
  }

  @Test(.timeLimit(.minutes(15))) func aReplaySendsTheJobsThatPlanPrints() async throws {
    try await withTemporaryDirectory { folder in
      let broker = try EmbeddedBroker.ofScheduler()
      try smallCatalogue.write(toFile: "\(folder)/markets.yaml", atomically: true, encoding: .utf8)
      let span = ["--catalogue", "\(folder)/markets.yaml", "--from", "2026-03-02", "--to", "2026-03-02T12:00:00Z"]
      let replay = try await ServiceProcess.run("scheduler", ["replay"] + span + [
        "--speed", "0", "--kafka-bootstrap-servers", broker.bootstrapServers, "--http-port", "0",
      ])
      #expect(replay.status == .exited(0), "\(replay)")
      let planned = try await ServiceProcess.run("scheduler", ["plan"] + span + ["--format", "json"])
      #expect(planned.status == .exited(0), "\(planned)")
      let lines = planned.output.split(separator: "\n")
      #expect(lines.count == 218)
      var expected: [IngestionTask] = []
      for line in lines {
        var task = try IngestionTask(decoding: Array(line.utf8))
        #expect(task.schedule != "polymers" || task.deadline != nil)
        task.deadline = nil
        expected.append(task)
      }
      let jobs = try await broker.jobs()
      #expect(Set(jobs.map(\.task.jobID)) == Set(expected.map(\.jobID)))
      #expect(jobs.count == expected.count)
      // Those of one series in the order of time, all in one partition.
      for (key, mine) in Dictionary(grouping: jobs, by: \.key) {
        #expect(mine.map(\.task) == expected.filter { $0.key == Array(key.utf8) })
      }
      let table = try await ServiceProcess.run("scheduler", ["plan"] + span + ["--schedule", "demand"])
      #expect(table.output.contains("2026-03-02T06:30:00Z"))
      #expect(table.output.contains("mena.jordan.screening.copper_wire"))
      #expect(table.output.contains("2 jobs of 3 schedules"))
      #expect(!table.output.contains("polymer"))
    }
  }

  @Test func wrongSettingsEndWith78() async throws {
    try await withTemporaryDirectory { folder in
      func write(_ schedule: String) throws -> String {
        let head = smallCatalogue.components(separatedBy: "schedules:")[0]
        try (head + "schedules:\n  - {\(schedule)}\n")
          .write(toFile: "\(folder)/bad.yaml", atomically: true, encoding: .utf8)
        return "\(folder)/bad.yaml"
      }
      for schedule in [
        "name: a, task: fetch_price, cron: '61 * * * *'", "name: a, task: fetch_price, cron: '@daily', zone: Mars/Base",
        "name: a, task: fetch_price, cron: '@daily', materials: [Gold]",
      ] {
        let outcome = try await ServiceProcess.run(
          "scheduler", ["--catalogue", try write(schedule), "--http-port", "0"])
        #expect(outcome.status == .exited(78), "\(schedule): \(outcome)")
      }
      let unknown = try await ServiceProcess.run(
        "scheduler", ["plan", "--from", "2026-03-02", "--to", "2026-03-03", "--schedule", "none"])
      #expect(unknown.status == .exited(78), "\(unknown)")
      let order = try await ServiceProcess.run("scheduler", ["plan", "--from", "2026-03-03", "--to", "2026-03-02"])
      #expect(order.status == .exited(64), "\(order)")
    }
  }

  @Test func checkPrintsItsFindings() async throws {
    let broker = try EmbeddedBroker.ofScheduler()
    let good = try await ServiceProcess.run(
      "scheduler", ["--check", "--kafka-bootstrap-servers", broker.bootstrapServers])
    #expect(good.status == .exited(0), "\(good)")
    #expect("\(good)".contains("204 series"))
    let empty = try EmbeddedBroker(topics: [(Topics.ingestionTasks.name, 12)])
    let bad = try await ServiceProcess.run(
      "scheduler", ["--check", "--kafka-bootstrap-servers", empty.bootstrapServers])
    #expect(bad.status == .exited(78), "\(bad)")
    #expect("\(bad)".contains(Topics.schedulerLease.name))
  }
}
