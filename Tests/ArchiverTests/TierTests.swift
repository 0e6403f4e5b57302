import Foundation
import LocalServers
import Testing
import TestSupport

/// Tiers and restores against both kinds of stores that have them. The records are of January 2025: older than a day,
/// whenever the tests run.
@Suite struct TierTests {
  private struct Restore: Decodable {
    var id: String
    var state: String
    var objects: Int
    var available: Int
    var reason: String?
    var until: String?
  }

  private func status(_ id: String, _ stage: ArchiveStage) async throws -> Restore {
    try JSONDecoder().decode(
      Restore.self, from: Data(try await stage.ask("status", id, "--format", "json").utf8))
  }

  private func awaitTier(_ tier: String, _ stage: ArchiveStage) async throws {
    try await eventually("all are \(tier)", timeout: .seconds(240), interval: .milliseconds(300)) {
      let lines = try await stage.ask("ls", "--format", "json").split(separator: "\n")
      let tiers = lines.compactMap { line -> [String]? in
        let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return (object?["tiers"] as? [String: Int]).map { Array($0.keys) }
      }
      // Three datasets have objects.
      return tiers.filter { !$0.isEmpty } == [[tier], [tier], [tier]]
    }
  }

  /// Through the archive and back, with a kill in the middle of the move; the blobs of others are not touched.
  @Test(.timeLimit(.minutes(20))) func azureArchivesAndRestores() async throws {
    try await AzureBlobServer.serving(looks: 6) { server in
      let stage = try await ArchiveStage(.azure(server, container: "archive"))
      let records = Records.some(0..<400)
      try await stage.produce(records)
      var service = try await stage.start()
      try await stage.awaitStored()
      try await stage.awaitCatalogue(400)
      #expect(await service.terminate() == .exited(0))
      let warm = try await stage.contents()
      #expect(Set(warm.tiers.values) == ["Hot"] && warm.records == records.map(\.line).sorted())
      #expect(warm.catalogue.isEmpty, "\(warm.catalogue)")
      // Killed while it moves.
      let cold = ["--tiers", "1d=Cool,2d=Archive", "--tier-interval", "300ms", "--uploads", "1"]
      service = try await stage.start(cold)
      try await eventually("some are moved", timeout: .seconds(240), interval: .milliseconds(20)) {
        try await stage.contents().tiers.values.contains("Archive")
      }
      await service.kill()
      service = try await stage.start(cold)
      try await awaitTier("Archive", stage)
      let archived = try await stage.contents()
      #expect(Set(archived.objects.values) == ["archived"] && archived.objects.count == warm.objects.count)
      #expect(archived.catalogue.isEmpty, "\(archived.catalogue)")
      // One symbol of one date comes back; the rest stays.
      let asked = try JSONDecoder().decode(Restore.self, from: Data(
        try await stage.ask(
          "restore", "market-ticks", "--from", "2025-01-20", "--symbol", "AAPL", "--days", "3", "--format", "json"
        ).utf8))
      #expect(asked.state == "requested")
      var states: Set<String> = []
      try await eventually("it is restored", timeout: .seconds(240), interval: .milliseconds(20)) {
        let now = try await status(asked.id, stage)
        states.insert(now.state)
        return now.state == "available" && now.objects > 0 && now.available == now.objects && now.until != nil
      }
      #expect(states.isSubset(of: ["requested", "restoring", "available"]))
      let restored = try await stage.contents()
      for (key, hash) in restored.objects {
        let isAsked = key.hasPrefix("market-ticks/date=2025-01-20/symbol=AAPL/")
        #expect(hash == (isAsked ? warm.objects[key] : "archived"), "\(key)")
        #expect(restored.tiers[key] == (isAsked ? "Hot" : "Archive"), "\(key)")
      }
      #expect(restored.catalogue.isEmpty, "\(restored.catalogue)")
      // What there is not.
      let none = try JSONDecoder().decode(Restore.self, from: Data(
        try await stage.ask("restore", "market-bars", "--from", "2001-01-01", "--format", "json").utf8))
      try await eventually("it has failed") {
        let now = try await status(none.id, stage)
        return now.state == "failed" && now.reason?.contains("no such objects") == true
      }
      #expect(try await stage.ask("status").contains(none.id))
      #expect(await service.terminate() == .exited(0))
    }
  }

  /// SeaweedFS knows storage classes by name: boto3 sees the class, and a restore is available at once.
  @Test(.timeLimit(.minutes(20))) func s3ChangesTheStorageClass() async throws {
    let stage = try await ArchiveStage.onS3()
    let records = Records.some(0..<300)
    try await stage.produce(records)
    let service = try await stage.start(["--tiers", "30d=STANDARD_IA,60d=GLACIER", "--tier-interval", "300ms"])
    try await stage.awaitStored()
    try await stage.awaitCatalogue(300)
    try await awaitTier("GLACIER", stage)
    let contents = try await stage.contents()
    #expect(contents.records == records.map(\.line).sorted(), "a copy onto itself changes no byte")
    #expect(Set(contents.tiers.values) == ["GLACIER"] && contents.catalogue.isEmpty, "\(contents.catalogue)")
    let asked = try JSONDecoder().decode(Restore.self, from: Data(
      try await stage.ask("restore", "market-bars", "--from", "2025-01-01", "--to", "2025-12-31", "--format", "json")
        .utf8))
    try await eventually("it is available", timeout: .seconds(240)) {
      let now = try await status(asked.id, stage)
      return now.state == "available" && now.objects > 0 && now.available == now.objects
    }
    #expect(await service.metrics().sum("souk_archive_moved_objects_total") == Double(contents.objects.count))
    #expect(await service.terminate() == .exited(0))
    let check = try await ServiceProcess.run(
      "archiver", ["--check", "--tiers", "60d=GLACIER"], environment: stage.environment)
    #expect(check.status == .exited(0) && check.output.contains("does not restore"), "\(check.output)")
  }
}
