import Core
import Forecasting
import Foundation
import ObjectStore

/// Models in an object store:
///
///     models/<name>/<version>/manifest.json     what it is, with the hash of
///     models/<name>/<version>/<weights file>
///     models/<name>/current.json                {"version": "<version>"}: the one to use, written last
///
/// A published version never changes; a fix is a new version.
package struct ModelRegistry: Sendable {
  package struct Limits: Sendable {
    /// Bytes.
    package var manifest = 4 << 20
    /// Bytes.
    package var weights = 512 << 20
    /// Objects that the store may list.
    package var objects = 100_000

    package init() {}
  }

  package static let root = "models"

  package let store: any ObjectStore
  package let limits: Limits
  /// XGBoost threads per call.
  package let threads: Int

  package init(_ store: any ObjectStore, limits: Limits = Limits(), threads: Int = 1) {
    self.store = store
    self.limits = limits
    self.threads = threads
  }

  private struct Current: Codable {
    var version: String
  }

  /// Names of models that have a current version, ascending.
  /// - Throws: what the store throws; `Failure` when it holds more objects than the limit.
  package func names() async throws -> [String] {
    var names: [String] = []
    var seen = 0
    var from: String?
    repeat {
      let page = try await store.list(prefix: "\(Self.root)/", from: from, limit: 1_000)
      seen += page.objects.count
      guard seen <= limits.objects else {
        throw Failure(.configuration, code: "model_registry_too_large",
                      "\(store.location)/\(Self.root) holds more than \(limits.objects) objects, which is the limit")
      }
      for object in page.objects {
        let parts = object.key.text.split(separator: "/")
        if parts.count == 3, parts[2] == "current.json" { names.append(String(parts[1])) }
      }
      from = page.next
    } while from != nil
    return names.sorted()
  }

  /// The current version; nil when the model does not exist.
  /// - Throws: what the store throws; `ForecastError` of kind `.badManifest` when `current.json` is not readable.
  package func currentVersion(of name: String) async throws -> String? {
    let bytes: [UInt8]
    do {
      bytes = try await store.bytes(of: key(name, "current.json"), limit: 64 << 10)
    } catch let error as ObjectStoreError where error.kind == .noSuchKey {
      return nil
    }
    guard let current = try? JSONDecoder().decode(Current.self, from: Data(bytes)),
      ModelManifest.isName(current.version)
    else { throw ForecastError(.badManifest, "\(name)/current.json does not read {\"version\": \"...\"}") }
    return current.version
  }

  /// The manifest of a version, checked.
  package func manifest(of name: String, version: String) async throws -> ModelManifest {
    let manifest = try ModelManifest(
      json: try await store.bytes(of: key(name, version, "manifest.json"), limit: limits.manifest))
    guard manifest.name == name, manifest.version == version else {
      throw ForecastError(.badManifest, "the manifest in \(name)/\(version) is of \(manifest.name) \(manifest.version)")
    }
    return manifest
  }

  /// Loads one version and runs its probes.
  ///
  /// - Parameter version: nil for the current one.
  /// - Throws: `ForecastError` for a bad model; `Failure` of code `model_not_found`; what the store throws.
  package func load(
    _ name: String, version: String? = nil, requirement: ModelRequirement = ModelRequirement()
  ) async throws -> any ForecastModel {
    let manifest = try await manifest(of: name, version: try await self.version(version, of: name))
    try requirement.check(manifest)
    return try ModelLoader.load(manifest, weights: try await weights(of: manifest), threads: threads)
  }

  /// The version that is asked for, or else the current one.
  /// - Throws: `Failure` of code `model_not_found` without either; what the store throws.
  package func version(_ version: String?, of name: String) async throws -> String {
    if let version { return version }
    if let current = try await currentVersion(of: name) { return current }
    throw Failure(
      .configuration, code: "model_not_found",
      "there is no model '\(name)' at \(store.location)/\(Self.root); train one and publish it there")
  }

  /// A file of a version, as it is: for models that are no forecasts and carry their description inside.
  /// - Throws: what the store throws.
  package func file(_ file: String, of name: String, version: String) async throws -> [UInt8] {
    try await store.bytes(of: key(name, version, file), limit: limits.weights)
  }

  private func weights(of manifest: ModelManifest) async throws -> [UInt8]? {
    guard let file = manifest.weights else { return nil }
    guard file.bytes <= limits.weights else {
      throw ForecastError(
        .badWeights,
        "\(manifest.name) \(manifest.version): \(file.bytes) bytes of weights; the limit is \(limits.weights)")
    }
    let bytes: [UInt8]
    do {
      bytes = try await store.bytes(of: key(manifest.name, manifest.version, file.file), limit: file.bytes)
    } catch let error as ObjectStoreError where error.kind == .noSuchKey || error.kind == .tooLarge {
      throw ForecastError(
        .badWeights, "\(manifest.name) \(manifest.version): \(file.file) is missing or larger than its manifest says")
    }
    guard bytes.count == file.bytes, SHA256Digest(hex: file.sha256) == SHA256.hash(bytes) else {
      throw ForecastError(
        .badWeights, "\(manifest.name) \(manifest.version): \(file.file) is not the file that its manifest describes")
    }
    return bytes
  }

  /// Publishes a version and makes it current: weights first, then the manifest, then `current.json`, so that a reader
  /// of `current.json` finds the rest.
  ///
  /// - Parameters:
  ///   - manifest: its `weights` field is replaced when `weights` are given.
  ///   - file: file name of the weights, in the folder of the manifest.
  /// - Throws: `ForecastError` for a model that does not work, before anything is written.
  @discardableResult
  package func publish(
    _ manifest: ModelManifest, weights: [UInt8]?, file: String = "weights.bin"
  ) async throws -> ModelManifest {
    var manifest = manifest
    manifest.weights = weights.map {
      ModelManifest.WeightsFile(file: manifest.weights?.file ?? file, sha256: SHA256.hash($0).hex, bytes: $0.count)
    }
    _ = try ModelLoader.load(manifest, weights: weights, threads: threads)
    if let weights, let name = manifest.weights?.file {
      _ = try await store.put(
        ObjectBody(weights), at: key(manifest.name, manifest.version, name), contentType: "application/octet-stream")
    }
    let json = "application/json"
    _ = try await store.put(
      ObjectBody(try manifest.json()), at: key(manifest.name, manifest.version, "manifest.json"), contentType: json)
    try await makeCurrent(manifest.name, version: manifest.version)
    return manifest
  }

  /// Makes an existing version the current one; also the way to roll back.
  package func makeCurrent(_ name: String, version: String) async throws {
    let current = Array(try JSONEncoder().encode(Current(version: version)))
    _ = try await store.put(ObjectBody(current), at: key(name, "current.json"), contentType: "application/json")
  }

  private func key(_ parts: String...) throws(ObjectStoreError) -> ObjectKey {
    try ObjectKey("\(Self.root)/" + parts.joined(separator: "/"))
  }
}

/// One row of `inference-worker models list` and `models verify`.
package struct ModelListing: Sendable {
  package var name: String
  package var version: String?
  /// nil when it is unreadable or fails verification; `problem` says why.
  package var manifest: ModelManifest?
  package var problem: String?
}

extension ModelRegistry {
  /// The current versions of all models, ordered by name.
  ///
  /// - Parameter isVerifying: also reads the weights, checks their hash and runs the probes.
  /// - Throws: what the store throws; a problem of one model is in its row.
  package func listing(isVerifying: Bool, requirement: ModelRequirement = ModelRequirement()) async throws
    -> [ModelListing] {
    var rows: [ModelListing] = []
    for name in try await names() {
      var row = ModelListing(name: name)
      do {
        row.version = try await currentVersion(of: name)
        if isVerifying {
          row.manifest = try await load(name, version: row.version, requirement: requirement).manifest
        } else if let version = row.version {
          row.manifest = try await manifest(of: name, version: version)
        }
      } catch let error as ForecastError {
        row.problem = error.description
      } catch let error as ObjectStoreError where error.kind == .noSuchKey {
        row.problem = error.description
      }
      rows.append(row)
    }
    return rows
  }
}

/// What a worker can run; any other model is refused before its weights are read.
package struct ModelRequirement: Sendable {
  /// nil: any.
  package var kinds: Set<ModelKind>?
  /// `price` or `demand`; nil: either.
  package var seriesKind: String?
  /// Most observations that the worker keeps of a series.
  package var history: Int?
  /// Routing keys of the available drivers; nil: any.
  package var drivers: Set<String>?

  package init(
    kinds: Set<ModelKind>? = nil, seriesKind: String? = nil, history: Int? = nil, drivers: Set<String>? = nil
  ) {
    self.kinds = kinds
    self.seriesKind = seriesKind
    self.history = history
    self.drivers = drivers
  }

  /// - Throws: `ForecastError` of kind `.unsupported` that says what does not match.
  package func check(_ manifest: ModelManifest) throws(ForecastError) {
    let label = "\(manifest.name) \(manifest.version)"
    if let kinds, !kinds.contains(manifest.kind) {
      let wanted = kinds.map(\.rawValue).sorted().joined(separator: ", ")
      throw ForecastError(.unsupported, "\(label) is a model of kind \(manifest.kind.rawValue), not \(wanted)")
    }
    if let seriesKind, seriesKind != manifest.seriesKind {
      throw ForecastError(.unsupported, "\(label) is for \(manifest.seriesKind), not \(seriesKind)")
    }
    if let history, manifest.history > history {
      throw ForecastError(
        .unsupported, "\(label) needs \(manifest.history) observations of a series; at most \(history) are kept")
    }
    if let drivers, let missing = manifest.drivers.first(where: { !drivers.contains($0.series) }) {
      throw ForecastError(.unsupported, "\(label) needs the driver \(missing.series), which is not available")
    }
  }
}
