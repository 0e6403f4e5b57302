import ArgumentParser
import Core
import Foundation
import Lake
import LocalServers
import Messages
import ObjectStore
import ObjectStoreFlags
import Testing
import TestSupport

/// Jobs on S3 whose store goes away in the middle: nothing is lost, and the views are those of a run that was left
/// alone.
@Suite(.timeLimit(.minutes(20))) struct StoreOutageTests {
  @Test func aStoreThatIsAwayIsWaitedFor() async throws {
    let dates = (2...9).map { "2026-02-0\($0)" }.joined(separator: ",")
    let bench = try await RunnerTests.Bench(dates: dates, symbols: "AAPL,MSFT,SPY")
    let job = BatchJob(jobID: "whole", kind: .compact, submittedNs: 1)
    let alone = try await bench.start()
    try await bench.send(job)
    #expect(try await bench.end(of: "whole").state == .done)
    #expect(await alone.terminate() == .exited(0))

    let seaweed = try await TestServers.seaweed()
    let door = try SwitchedPort(to: Int(seaweed.port)), url = "s3://souk-\(TestServers.uniqueName())"
    var upload = Launch(JobProgramsTests.python, [
      "\(JobProgramsTests.folder)/make_archive.py", JobProgramsTests.jobs, bench.folder.path, "upload", url,
    ])
    upload.environment = seaweed.environment.mapValues { Optional($0) }.merging(
      ["JOBS": JobProgramsTests.jobs]) { $1 }
    _ = try await ChildProcess.runOrThrow(upload, atMost: .seconds(300))

    let environment: [String: String?] = seaweed.environment.mapValues { Optional($0) }.merging([
      "OBJECT_STORE": url, "S3_ENDPOINT": door.url, "AWS_EC2_METADATA_DISABLED": "true", "DASK_N_WORKERS": "1",
    ]) { $1 }
    let runner = try await bench.start(environment)
    try await bench.send(BatchJob(jobID: "outage", kind: .compact, submittedNs: 2))
    try await eventually("a part is finished", timeout: .seconds(300)) {
      bench.statuses(of: "outage").contains { $0.partsDone > 0 }
    }
    door.lead(to: 1)
    try await eventually("the outage is said", timeout: .seconds(300)) {
      bench.statuses(of: "outage").contains { $0.state == .running && $0.message.contains("s3://") }
    }
    #expect(!bench.statuses(of: "outage").contains { $0.state.isEnd }, "an outage fails no job")
    door.lead(to: Int(seaweed.port))
    let status = try await bench.end(of: "outage")
    #expect(status.state == .done && status.partsDone == status.partsTotal, "\(status.message)")
    #expect(status.attempt > 1)
    #expect(await runner.terminate() == .exited(0))

    let options = try ObjectStoreOptions.parse([
      "--object-store", url, "--s3-endpoint", seaweed.endpoint, "--aws-access-key-id", seaweed.accessKeyID,
      "--aws-secret-access-key", seaweed.secretAccessKey,
    ])
    let manifest = try #require(try await Lake(try options.makeStore()).current(of: "bars"))
    let parts = Dictionary(uniqueKeysWithValues: manifest.parts.map { ("\($0.date)/\($0.symbol)", $0.sha256) })
    #expect(try await bench.parts("bars") == parts && parts.count == 24)
  }
}
