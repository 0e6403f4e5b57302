import Core
import Forecasting
import ObjectStore

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
