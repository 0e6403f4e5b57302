import Schemas

/// A store that is written to only while a source is ours.
struct FencedStore: SeenStore {
  let store: any SeenStore
  let leases: RedisLeases
  let tenure: Tenure

  func areSeen(_ entries: [SeenEntry]) async throws -> [Bool] { try await store.areSeen(entries) }
  func mark(_ entries: [SeenEntry]) async throws { try await leases.mark(entries, under: tenure) }
  func forget(chain: String, fileName: String, fingerprint: Fingerprint?) async throws {
    try await store.forget(chain: chain, fileName: fileName, fingerprint: fingerprint)
  }
  func rows(of source: String) async throws -> Int? { try await store.rows(of: source) }
  func remember(rows: Int, of source: String) async throws { try await store.remember(rows: rows, of: source) }
  func ping() async throws { try await store.ping() }
  func close() async {}
}

/// Announces only while a source is ours.
struct FencedAnnouncer: Announcer {
  let announcer: any Announcer
  let tenure: Tenure

  func announce(_ files: [FileDiscovered]) async throws {
    guard tenure.isHeld else { throw tenure.lost() }
    try await announcer.announce(files)
  }

  func raise(_ alerts: [Alert]) async throws { try await announcer.raise(alerts) }
}
