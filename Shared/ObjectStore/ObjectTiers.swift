import Core

/// What a store says of one object besides what a listing says.
package struct ObjectState: Sendable, Hashable {
  package enum Access: String, Sendable {
    case readable
    /// It lies in an archive, and has to be restored before it can be read.
    case archived
    /// It is being restored.
    case restoring
  }
  package var info: ObjectInfo
  /// The store's own word: `Cool`, `STANDARD_IA`; nil where it has no tiers.
  package var tier: String?
  package var access = Access.readable
  /// Those of its ``ObjectBody``.
  package var notes: [String: String] = [:]
  /// For how long S3 keeps the readable copy of an archived object, as the store writes it.
  package var restoredUntil: String?

  package init(info: ObjectInfo) { self.info = info }
}

/// What a store can do about tiers.
package struct TierAbilities: Sendable, Hashable {
  package var moves: Bool
  package var restores: Bool
  /// What it answered where it cannot, for people.
  package var reason: String?

  package init(moves: Bool, restores: Bool, reason: String? = nil) {
    (self.moves, self.restores, self.reason) = (moves, restores, reason)
  }
}

extension ObjectLocation {
  /// The tiers of this kind of store, warmest first; empty where there are none.
  package var tiers: [String] {
    switch kind {
    case .azure: ["Hot", "Cool", "Cold", "Archive"]
    case .s3:
      ["STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
    case .folder: []
    }
  }

  /// The tiers whose objects have to be restored before they can be read.
  package static let archives: Set<String> = ["Archive", "GLACIER", "DEEP_ARCHIVE"]
}

/// A store without tiers.
extension ObjectStore {
  package func state(of key: ObjectKey) async throws -> ObjectState? { try await head(key).map(ObjectState.init) }

  package func move(_ key: ObjectKey, to tier: String) async throws { throw withoutTiers }
  package func restore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool {
    guard try await head(key) != nil else { throw ObjectStoreError(.noSuchKey, "no object \(key) in \(location)") }
    return true
  }
  package func abilities(of tier: String) async throws -> TierAbilities {
    TierAbilities(moves: false, restores: false, reason: withoutTiers.message)
  }

  private var withoutTiers: ObjectStoreError {
    ObjectStoreError(.tiersUnsupported, "\(location) keeps all objects alike: it has no tiers")
  }
}
