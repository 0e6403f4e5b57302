import Foundation
import LocalServers
import Testing
import TestSupport

/// An hour's outage of each sink, in fast-forward: the backoff's limits are so short that hundreds of retries, as many
/// as an hour has, take seconds. The service's memory stays as it was, nothing becomes a dead letter, and everything is
/// processed afterwards, once.
@Suite(.serialized) struct LongOutageTests {
  /// With the longest delay of 30 s, an hour has about 240 retries.
  static let retries = 240

  @Test(.timeLimit(.minutes(15)), arguments: [
    (FaultedSystem.egx, "influx-consumer", "influx away"), (.egx, "s3-consumer", "s3 away"),
    (.lambda, "hot-writer", "redis away"), (.sentinel, "db-writer", "postgres away"),
  ])
  func memoryIsFlatAndNothingIsLost(_ system: FaultedSystem, _ name: String, _ outage: String) async throws {
    let size = 4_000
    let plan = FaultPlan(undisturbed: system, size: size, settings: ["RETRY_BASE": "2ms", "RETRY_CAP": "10ms"])
    let folder = try PrivateFolder("outage")
    var random = plan.random
    let run = try await plan.make(in: folder.path, &random)
    var services: [ServiceProcess] = []
    do {
      for service in system.services { services.append(try await run.start(service)) }
      let service = try #require(services.first { $0.name == name })
      // What the work takes.
      try await run.feed(0..<size / 2)
      try await drained(run, size / 2)
      let before = try memory(of: service)
      var most = before

      let tried = run.attempts(outage)
      #expect(try await run.begin(outage) == nil)
      try await run.feed(size / 2..<size)
      try await eventually("\(Self.retries) retries", timeout: .seconds(400)) {
        most = max(most, try memory(of: service))
        return run.attempts(outage) - tried >= Self.retries
      }
      #expect(await service.get("/livez")?.status == 200)
      #expect(await service.get("/readyz")?.status == 503)
      #expect(try await run.processed(of: size) < 1)
      try await run.heal()
      try await drained(run, size)
      let after = try memory(of: service)
      most = max(most, after)
      print("\(name): \(before / 1_024) MiB before, at most \(most / 1_024) MiB, \(after / 1_024) MiB after")
      #expect(Double(most) < 1.3 * Double(before), "\(before) KiB before, at most \(most) KiB, \(after) KiB after")
      for service in services { #expect(await service.terminate() == .exited(0)) }
      let problems = try await run.problems() + run.stage.lettersAgainstPoison().problems
      #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
    } catch {
      for service in services { print(([service.name] + service.log.suffix(10)).joined(separator: "\n")) }
      Issue.record(error)
    }
    for service in services where service.status == nil { await service.kill() }
    await run.close()
    await run.stage.close()
  }

  private func drained(_ run: any Faultable, _ count: Int) async throws {
    try await eventually("everything is processed", timeout: .seconds(400), interval: .milliseconds(100)) {
      try await run.processed(of: count) == 1
    }
  }

  /// Resident memory, in KiB.
  private func memory(of service: ServiceProcess) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(service.pid)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }
}
