import ArgumentParser
import Foundation
import LocalServers
import Logging
import Masters
import ModelRegistry
import ObjectStore
import ObjectStoreFlags
import Testing
import TestSupport

@testable import ParserService

/// The training programs, from lists to a model that a parser uses.
@Suite struct TrainingTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func run(_ program: String, _ arguments: [String]) async throws -> ChildProcess.Outcome {
    var launch = Launch(program, arguments)
    launch.workingDirectory = Self.root.path
    launch.environment["OMP_NUM_THREADS"] = "1"
    launch.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return try await ChildProcess.run(launch, atMost: .seconds(900))
  }

  private func train(_ pairs: String, _ registry: String, _ more: String...) async throws -> ChildProcess.Outcome {
    try await run(
      "/usr/bin/python3",
      ["Services/Parser/Training/train_masters.py", pairs, registry, "--groups", "2", "--rows", "400"] + more)
  }

  private func current(_ registry: String) async throws -> (models: MatchModels, version: String?) {
    let options = try ObjectStoreOptions.parse(["--object-store", "file://\(registry)"])
    let models = MatchModels(
      ModelRegistry(try options.makeStore()), name: "masters", logger: Logger(label: "test"))
    _ = try await models.load()
    return (models, models.current?.version)
  }

  /// Invented lists become pairs, pairs a model, and a parser that runs takes the next version; one that finds less is
  /// not published.
  @Test(.timeLimit(.minutes(20))) func listsBecomeAModelThatParsersUse() async throws {
    try await withTemporaryDirectory { folder in
      let (lists, pairs, registry) = ("\(folder)/lists", "\(folder)/pairs", "\(folder)/registry")
      let invented = try await run(
        "/usr/bin/python3",
        ["Services/Parser/Training/invent_catalogues.py", lists, "--products", "220", "--chains", "4"])
      #expect(invented.status.isSuccess, "\(invented.errorOutput)")
      let judged = try await run(
        try ServiceProcess.path(of: "souk-bench"), ["masters", "--catalogues", lists, "--models", pairs])
      #expect(judged.status.isSuccess, "\(judged.errorOutput)")
      #expect(judged.output.contains("at precision 0.95: recall median"), "\(judged.output.suffix(2_000))")

      let first = try await train(pairs, registry, "--version", "v1")
      #expect(first.status.isSuccess, "\(first.errorOutput)")
      let (models, version) = try await current(registry)
      #expect(version == "v1")

      let worse = try await train(
        pairs, registry, "--version", "v2", "--pair-rounds", "1", "--row-rounds", "1", "--depth", "1")
      #expect(worse.status == .exited(3), "\(worse.errorOutput)")
      #expect(worse.output.contains("nothing is published"), "\(worse.output)")
      await models.look()
      #expect(models.current?.version == "v1")

      // Without a model to be compared with, the same one is published, and the parser takes it.
      try FileManager.default.removeItem(atPath: "\(registry)/models/masters/current.json")
      let next = try await train(
        pairs, registry, "--version", "v3", "--pair-rounds", "20", "--row-rounds", "10", "--depth", "3")
      #expect(next.status.isSuccess, "\(next.errorOutput)")
      await models.look()
      #expect(models.current?.version == "v3")
    }
  }
}
