import Core
import HTTP

/// Access tiers (learn.microsoft.com/rest/api/storageservices/set-blob-tier and .../blobs/archive-rehydrate-overview).
extension AzureStore {
  package func state(of key: ObjectKey) async throws -> ObjectState? {
    let answer = try await sendRepeatedly("HEAD", key.text, accept: Self.isMissing)
    guard answer.head.isSuccess else { return nil }
    var state = ObjectState(info: Self.info(key, answer.head))
    state.tier = answer.head.headers["x-ms-access-tier"]
    state.notes = Self.notes(answer.head)
    if answer.head.headers["x-ms-archive-status"]?.hasPrefix("rehydrate-pending") == true {
      state.access = .restoring
    } else if state.tier == "Archive" {
      state.access = .archived
    }
    return state
  }

  package func move(_ key: ObjectKey, to tier: String) async throws {
    let state = try await state(of: key)
    guard state?.tier != tier || state?.access == .restoring else { return }
    // Out of the archive, or while a blob comes out of it, this is a restore.
    if let state, state.access != .readable {
      throw ObjectStoreError(.archived, "\(key) is in the archive and has to be restored before it is moved")
    }
    try await setTier(key, to: tier, [:])
  }

  private func setTier(_ key: ObjectKey, to tier: String, _ headers: HTTPHeaders) async throws {
    var headers = headers
    headers["x-ms-access-tier"] = tier
    // 200: done; 202: it takes hours. A second request for the tier that a blob is already on its way to is a conflict.
    _ = try await sendRepeatedly("PUT", key.text, query: [("comp", "tier")], headers: headers, body: .bytes([])) {
      kind, _ in kind == .archived
    }
  }

  func askForRestore(_ key: ObjectKey, to tier: String, days: Int) async throws -> Bool {
    try await setTier(key, to: tier, ["x-ms-rehydrate-priority": "Standard"])
    return false
  }

  /// Tries it on a blob that there is not: an account with tiers misses the blob.
  package func abilities(of tier: String) async throws -> TierAbilities {
    let nothing = try ObjectKey("souk-probe-of-tiers-\(UInt64.random(in: 0 ... .max))")
    do {
      try await setTier(nothing, to: tier, [:])
    } catch let error as ObjectStoreError where error.kind == .noSuchKey {
      return TierAbilities(moves: true, restores: true)
    } catch let error as ObjectStoreError where [.refused, .exists, .tiersUnsupported].contains(error.kind) {
      return TierAbilities(moves: false, restores: false, reason: error.message)
    }
    return TierAbilities(moves: true, restores: true)
  }
}
