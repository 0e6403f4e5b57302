import ArgumentParser
import Core
@testable import Forecasting
import Foundation
import LocalServers
import ModelRegistry
import ObjectStore
import ObjectStoreFlags
import Synchronization
import TestSupport

/// A folder store whose puts are remembered and whose gets can be made to fail.
final class ObservedStore: ObjectStore {
  private let below: any ObjectStore
  private let state = Mutex((puts: [String](), isAway: false))

  init(_ below: any ObjectStore) { self.below = below }

  var puts: [String] { state.withLock { $0.puts } }
  func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

  var location: ObjectLocation { below.location }

  func put(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    state.withLock { $0.puts.append(key.text) }
    return try await below.put(body, at: key, contentType: contentType)
  }

  func get<T: Sendable>(
    _ key: ObjectKey, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T {
    if state.withLock({ $0.isAway }) { throw ObjectStoreError(.unavailable, "away") }
    return try await below.get(key, consume)
  }

  func head(_ key: ObjectKey) async throws -> ObjectInfo? { try await below.head(key) }
  func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage {
    try await below.list(prefix: prefix, from: from, limit: limit)
  }
  func delete(_ key: ObjectKey) async throws { try await below.delete(key) }
  func check() async throws { try await below.check() }
  func prepare() async throws { try await below.prepare() }
  func close() { below.close() }
}

enum Fixture {
  static func croston(_ version: String, size: Double = 0.1, name: String = "demand") -> ModelManifest {
    ModelManifest(
      name: name, version: version, kind: .croston, series: "*.*.screening.*", seriesKind: "demand", history: 10,
      horizon: 2, period: 86_400, smoothing: Smoothing(size: size, interval: 0.1),
      trained: ModelManifest.TrainedRange(from: "2025-01-01T00:00:00Z", to: "2025-06-01T00:00:00Z"),
      created: "2025-06-02T00:00:00Z")
  }

  /// A network of one cell whose weights are all zero but the head's bias: its answer is `bias`, scaled.
  static func network(_ version: String, bias: Float) -> (manifest: ModelManifest, weights: [UInt8]) {
    let manifest = ModelManifest(
      name: "network", version: version, kind: .lstm, series: "*.*.shielding.*", features: ["lag.1"], history: 5,
      horizon: 1, period: 86_400, network: NetworkShape(layers: 1, hidden: 1, context: 2),
      weights: ModelManifest.WeightsFile(file: "w.safetensors", sha256: String(repeating: "0", count: 64), bytes: 1),
      trained: ModelManifest.TrainedRange(from: "2025-01-01T00:00:00Z", to: "2025-06-01T00:00:00Z"),
      created: "2025-06-02T00:00:00Z")
    let shapes: [(String, [Int], Float)] = [
      ("lstm.weight_ih_l0", [4, 1], 0), ("lstm.weight_hh_l0", [4, 1], 0), ("lstm.bias_ih_l0", [4], 0),
      ("lstm.bias_hh_l0", [4], 0), ("head.weight", [1, 1], 0), ("head.bias", [1], bias),
    ]
    var header: [String] = []
    var data: [UInt8] = []
    for (name, shape, number) in shapes {
      let start = data.count
      for _ in 0..<shape.reduce(1, *) { withUnsafeBytes(of: number) { data += $0 } }
      header.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(data.count)]}")
    }
    let text = Array("{\(header.joined(separator: ","))}".utf8)
    return (manifest, withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + data)
  }

  static func s3() async throws -> any ObjectStore {
    let server = try await TestServers.seaweed()
    var options = try ObjectStoreOptions.parse([])
    options.objectStore = "s3://models-\(TestServers.uniqueName())/sentinel"
    options.s3Endpoint = server.endpoint
    options.credentials = try CredentialOptions.parse([
      "--aws-access-key-id", server.accessKeyID, "--aws-secret-access-key", server.secretAccessKey,
    ])
    return try options.makeStore()
  }
}
