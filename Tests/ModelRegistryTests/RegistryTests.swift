import Core
@testable import Forecasting
import ModelRegistry
import ObjectStore
import Testing
import TestSupport

@Suite struct RegistryTests {
  private func error(_ body: () async throws -> Void) async -> (any Error)? {
    do {
      try await body()
      return nil
    } catch {
      return error
    }
  }

  private func contract(_ store: any ObjectStore) async throws {
    try await store.prepare()
    let observed = ObservedStore(store)
    let registry = ModelRegistry(observed)
    #expect(try await registry.names().isEmpty)
    #expect(try await registry.currentVersion(of: "network") == nil)
    let missing = await error { _ = try await registry.load("network") }
    #expect((missing as? Failure)?.code == "model_not_found")

    let (manifest, weights) = Fixture.network("1", bias: 7)
    let published = try await registry.publish(manifest, weights: weights)
    #expect(observed.puts == [
      "models/network/1/w.safetensors", "models/network/1/manifest.json", "models/network/current.json",
    ], "who reads the last finds the others")
    #expect(published.weights?.bytes == weights.count && published.weights?.sha256 == SHA256.hash(weights).hex)
    try await registry.publish(Fixture.croston("2025.1"), weights: nil)

    #expect(try await registry.names() == ["demand", "network"])
    let model = try await registry.load("network")
    #expect(model.manifest == published)
    #expect(try await registry.manifest(of: "network", version: "1") == published)
    let second = Fixture.network("2", bias: 8)
    try await registry.publish(second.manifest, weights: second.weights)
    #expect(try await registry.load("network").manifest.version == "2")
    #expect(try await registry.load("network", version: "1").manifest.version == "1")
    try await registry.makeCurrent("network", version: "1")
    #expect(try await registry.load("network").manifest.version == "1")
    let rows = try await registry.listing(isVerifying: true)
    #expect(rows.map(\.name) == ["demand", "network"] && rows.allSatisfy { $0.problem == nil })
  }

  @Test(.timeLimit(.minutes(10))) func keepsModelsInAFolder() async throws {
    try await withTemporaryDirectory { folder in try await contract(FileStore(path: "\(folder)/registry")) }
  }

  @Test(.timeLimit(.minutes(15))) func keepsModelsInS3() async throws {
    try await contract(Fixture.s3())
  }

  @Test(.timeLimit(.minutes(10))) func aBadModelIsRefusedWithItsReason() async throws {
    try await withTemporaryDirectory { folder in
      let store = try FileStore(path: folder)
      try await store.prepare()
      var limits = ModelRegistry.Limits()
      limits.weights = 4_096
      let registry = ModelRegistry(store, limits: limits)
      let (manifest, weights) = Fixture.network("1", bias: 7)
      let good = try await registry.publish(manifest, weights: weights)
      let file = try ObjectKey("models/network/1/w.safetensors")
      let place = try ObjectKey("models/network/1/manifest.json")

      func refusal(_ what: String, _ change: (inout ModelManifest) -> Void) async throws -> ForecastError? {
        var manifest = good
        change(&manifest)
        _ = try await store.put(ObjectBody(try manifest.json()), at: place, contentType: "application/json")
        let failure = await error { _ = try await registry.load("network") }
        return try #require(failure as? ForecastError, "\(what): \(String(describing: failure))")
      }
      #expect(try await refusal("another name") { $0.name = "other" }?.kind == .badManifest)
      #expect(try await refusal("another version") { $0.version = "3" }?.kind == .badManifest)
      #expect(try await refusal("another hash") { $0.weights?.sha256 = String(repeating: "1", count: 64) }?.kind
        == .badWeights)
      #expect(try await refusal("fewer bytes") { $0.weights?.bytes -= 1 }?.kind == .badWeights)
      #expect(try await refusal("more bytes") { $0.weights?.bytes += 1 }?.kind == .badWeights)
      #expect(try await refusal("above the limit") { $0.weights?.bytes = 5_000 }?.message.contains("limit") == true)
      #expect(try await refusal("another file") { $0.weights?.file = "absent" }?.kind == .badWeights)
      #expect(try await refusal("another shape") { $0.network?.hidden = 2 }?.kind == .badWeights)
      #expect(try await refusal("a longer context") { $0.network?.context = 6 }?.kind == .badManifest)
      #expect(try await refusal("an unknown feature") { $0.features = ["moon"] }?.kind == .unknownFeature)
      #expect(try await refusal("a later format") { $0.format = 9 }?.kind == .unsupported)
      let probe = ModelManifest.Probe(
        values: [1, 2, 3, 4, 5], times: (1...5).map { "2025-01-0\($0)T00:00:00Z" }, means: [7])
      #expect(try await refusal("a probe") { $0.probes = [probe]; $0.probes[0].means = [7.1] }?.kind == .probeFailed)
      #expect(try await refusal("no steps") { $0.probes = [probe]; $0.probes[0].means = [] }?.kind == .badManifest)
      var probed = good
      probed.probes = [probe]
      _ = try await store.put(ObjectBody(try probed.json()), at: place, contentType: "application/json")
      #expect(try await registry.load("network").manifest.probes.count == 1)

      var damaged = weights
      damaged[damaged.count - 1] ^= 1
      _ = try await store.put(ObjectBody(damaged), at: file, contentType: "application/octet-stream")
      let failure = await error { _ = try await registry.load("network") }
      #expect((failure as? ForecastError)?.kind == .badWeights)
      let rows = try await registry.listing(isVerifying: true)
      #expect(rows.count == 1 && rows[0].problem?.contains("w.safetensors") == true)

      let current = try ObjectKey("models/network/current.json")
      for text in ["", "{}", "{\"version\":\"../..\"}", "{\"version\":1}"] {
        _ = try await store.put(ObjectBody(Array(text.utf8)), at: current, contentType: "application/json")
        let failure = await error { _ = try await registry.load("network") }
        #expect((failure as? ForecastError)?.kind == .badManifest, "\(text)")
      }
    }
  }

  @Test(.timeLimit(.minutes(10))) func aBadModelIsNotPublished() async throws {
    try await withTemporaryDirectory { folder in
      let store = ObservedStore(try FileStore(path: folder))
      try await store.prepare()
      let (manifest, weights) = Fixture.network("1", bias: 7)
      let failure = await error { try await ModelRegistry(store).publish(manifest, weights: Array(weights.dropLast())) }
      #expect((failure as? ForecastError)?.kind == .badWeights)
      #expect(store.puts.isEmpty)
    }
  }

  @Test func requirementsAreChecked() throws {
    let manifest = Fixture.croston("1")
    try ModelRequirement(kinds: [.croston, .sba], seriesKind: "demand", history: 10, drivers: []).check(manifest)
    for requirement in [
      ModelRequirement(kinds: [.lstm]), ModelRequirement(seriesKind: "price"), ModelRequirement(history: 9),
    ] {
      let error = #expect(throws: ForecastError.self) { try requirement.check(manifest) }
      #expect(error?.kind == .unsupported)
    }
    var driven = manifest
    driven.drivers = [ModelManifest.Driver(name: "brent", series: "global.world.energy.brent")]
    #expect(throws: ForecastError.self) { try ModelRequirement(drivers: []).check(driven) }
  }
}
