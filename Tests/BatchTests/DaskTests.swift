import Core
import Foundation
import LocalServers
import Messages
import Testing
import TestSupport

import Glibc

/// Jobs on a private Dask cluster whose processes are killed: what is published is what processes of the runner make.
@Suite(.serialized, .timeLimit(.minutes(30))) struct DaskTests {
  private static let dates = (2...9).map { "2026-02-\($0 < 10 ? "0" : "")\($0)" }.joined(separator: ",")

  private static func children(of process: pid_t) throws -> [pid_t] {
    let threads = "/proc/\(process)/task"
    return try FileManager.default.contentsOfDirectory(atPath: threads).flatMap { thread in
      ((try? String(contentsOfFile: "\(threads)/\(thread)/children", encoding: .utf8)) ?? "")
        .split(separator: " ").compactMap { pid_t($0) }
    }
  }

  @Test func lossOfClientWorkersAndSchedulerChangesNothing() async throws {
    let job = BatchJob(jobID: "j", kind: .compact, submittedNs: 7)
    let pool = try await RunnerTests.Bench(dates: Self.dates)
    let alone = try await pool.start()
    try await pool.send(job)
    #expect(try await pool.end(of: "j").engine == "processes")
    #expect(await alone.terminate() == .exited(0))

    let bench = try await RunnerTests.Bench(dates: Self.dates)
    let cluster = try await PrivateDask.start(modules: JobProgramsTests.modules)
    let settings: [String: String?] = [
      "DASK_ENABLED": "true", "DASK_SCHEDULER_ADDRESS": cluster.address, "DASK_PATIENCE": "120s",
    ]
    let runner = try await bench.start(settings)
    try await bench.send(job)
    func awaitPart() async throws {
      let seen = bench.statuses(of: "j").map(\.partsDone).max() ?? 0
      try await eventually("a part is finished", timeout: .seconds(300)) {
        bench.statuses(of: "j").contains { $0.partsDone > seen || $0.state.isEnd }
      }
    }
    // The client: the process of the job, which the runner begins again. It is killed as soon as it runs, since it may
    // finish all parts before a test that waits for one of them looks again.
    let client = try await eventuallySome("the job's process runs") {
      bench.statuses(of: "j").contains { $0.state == .running } ? try Self.children(of: runner.pid).first : nil
    }
    #expect(kill(client, SIGKILL) == 0)
    try await eventually("the job is begun again", timeout: .seconds(300)) {
      bench.statuses(of: "j").contains { $0.attempt > 1 || $0.state.isEnd }
    }
    try await awaitPart()
    await cluster.killWorker()
    try await cluster.startWorker()
    await cluster.killScheduler()
    try await cluster.startScheduler()
    try await cluster.startWorker()
    let status = try await bench.end(of: "j")
    #expect(status.state == .done && status.engine == "dask", "\(status.message)")
    #expect(try await bench.parts("bars") == pool.parts("bars"))
    #expect(await runner.terminate() == .exited(0))

    // Without a scheduler the runner does the rest itself, with the same bytes.
    await cluster.stop()
    let orphan = try await RunnerTests.Bench(dates: Self.dates)
    let last = try await orphan.start(settings.merging(["DASK_PATIENCE": "2s"]) { $1 })
    try await orphan.send(job)
    let other = try await orphan.end(of: "j")
    #expect(other.state == .done && other.engine == "processes", "\(other.message)")
    #expect(try await orphan.parts("bars") == pool.parts("bars"))
    #expect(await last.terminate() == .exited(0))
  }
}
