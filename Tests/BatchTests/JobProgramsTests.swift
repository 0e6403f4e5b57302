import Foundation
import LocalServers
import Testing
import TestSupport

/// The jobs' programs in Python, tested in Python.
@Suite struct JobProgramsTests {
  static let python = ".souk/venv/bin/python"
  static let jobs = "Services/Batch/Jobs"
  static let folder = #filePath.replacing("/JobProgramsTests.swift", with: "")

  /// The same as a path from the root: workers have a folder of their own.
  static var modules: String { FileManager.default.currentDirectoryPath + "/" + jobs }

  @Test(.timeLimit(.minutes(20))) func programs() async throws {
    let server = try await SeaweedFS.start(buckets: ["souk"])
    var launch = Launch(Self.python, ["\(Self.folder)/test_jobs.py", Self.jobs])
    launch.environment = server.environment.mapValues { $0 }
    launch.environment["SIGNAL_WORKER"] = try ServiceProcess.path(of: "signal-worker")
    launch.environment["SOUK"] = try ServiceProcess.path(of: "souk")
    let outcome = try await ChildProcess.run(launch, atMost: .seconds(900))
    await server.stop()
    #expect(outcome.status == .exited(0), "\(outcome.errorOutput.suffix(6_000))")
    #expect(outcome.errorOutput.contains("\nOK"))
  }
}
