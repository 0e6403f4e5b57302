import Archiving
import Core
import Logging
import ObjectStore
import Synchronization
import Testing
import TestSupport

@testable import ArchiverService

@Suite struct CatalogueTests {
  private static let mapping = ArchiveMapping.standard[0]
  private static let logger = Logger(label: "test")

  private func entry(
    _ object: String, date: String = "2025-01-20", rows: Int64? = 1, tier: String? = nil
  ) -> CatalogueEntry {
    var entry = CatalogueEntry(object: object, date: date, symbol: "A", bytes: 10)
    (entry.rows, entry.tier) = (rows, tier)
    return entry
  }

  private func note(_ entries: [CatalogueEntry], _ name: String, in catalogue: ArchiveCatalogue) async throws {
    try await catalogue.write(
      CatalogueEntry.lines(entries), catalogue.names(of: Self.mapping.dataset).incoming(name), "application/x-ndjson")
  }

  private func withCatalogue(_ body: (ArchiveCatalogue, FileStore) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let store = try FileStore(path: folder)
      try await body(ArchiveCatalogue(store, folder: "_catalogue"), store)
    }
  }

  /// What a suspended owner writes over the merged catalogue is mended before the notes are removed.
  @Test func notesOutliveASuspendedOwner() async throws {
    try await withCatalogue { catalogue, _ in
      let dataset = Self.mapping.dataset
      let merger = CatalogueMerger(catalogue, grace: .zero, logger: Self.logger)
      try await note([entry("a"), entry("b", date: "2025-01-21", rows: 5)], "1", in: catalogue)
      #expect(try await merger.merge(Self.mapping) { true } == .init(merged: 1))
      #expect(try await catalogue.index(of: dataset)?.rows == 6)
      // The suspended owner had read before `a` was there, and writes what it knows.
      try await catalogue.write([entry("older")], of: dataset, on: "2025-01-20")
      #expect(try await merger.merge(Self.mapping) { true } == .init(merged: 1), "not removed: it was merged again")
      #expect(try await catalogue.entries(of: dataset, on: "2025-01-20").map(\.object) == ["a", "older"])
      #expect(try await merger.merge(Self.mapping) { true } == .init(removed: 1))
      #expect(try await catalogue.keys(below: catalogue.names(of: dataset).incoming).isEmpty)
      #expect(try await catalogue.index(of: dataset)?.objects == 3)
      #expect(try await merger.merge(Self.mapping) { true } == .init())
    }
  }

  /// Another owner, and a process that has lost the lease: the first merges all, the second writes nothing.
  @Test func onlyTheOwnerWrites() async throws {
    try await withCatalogue { catalogue, _ in
      try await note([entry("a")], "1", in: catalogue)
      let lost = CatalogueMerger(catalogue, grace: .zero, logger: Self.logger)
      _ = try await lost.merge(Self.mapping) { false }
      #expect(try await catalogue.index(of: Self.mapping.dataset) == nil)
      let owner = CatalogueMerger(catalogue, grace: .seconds(3_600), logger: Self.logger)
      for _ in 0..<2 { _ = try await owner.merge(Self.mapping) { true } }
      #expect(try await catalogue.keys(below: catalogue.names(of: Self.mapping.dataset).incoming).count == 1, "kept")
      #expect(try await catalogue.index(of: Self.mapping.dataset)?.objects == 1)
    }
  }

  /// A range that is written again after its objects have moved, and a rebuild that knows less, take nothing away.
  @Test func mergingForgetsNothing() {
    let old = entry("a", rows: 7, tier: "Archive")
    #expect(CatalogueMerger.merged(entry("a", rows: 7), into: old) == old)
    #expect(CatalogueMerger.merged(entry("a", rows: nil, tier: "Archive"), into: old) == old)
    #expect(CatalogueMerger.merged(entry("a", rows: 7, tier: "Hot"), into: old).tier == "Hot", "as the store says")
  }

  /// Objects go to their tier, are noted also when the store fails in between, and a restored one stays.
  @Test func whatWasMovedIsNotedWhenTheStoreFails() async throws {
    try await withCatalogue { catalogue, _ in
      let dataset = Self.mapping.dataset
      let store = MovingStore(catalogue.store)
      let moving = ArchiveCatalogue(store, folder: catalogue.folder)
      let entries = ["a", "b", "c", "kept"].map { entry($0) }
      try await catalogue.write(entries, of: dataset, on: "2025-01-20")
      try await catalogue.write(ArchiveIndex(
        dataset: dataset, prefix: dataset, dates: [ArchiveDate(date: "2025-01-20", entries)]))
      let policy = try TierPolicy("10d=Archive", for: ObjectLocation("az://archive"))
      let keeper = TierKeeper(catalogue: moving, policy: policy, width: 1, logger: Self.logger)
      let day = try #require(CivilDate("2025-01-20")).daysSinceEpoch
      func move(_ today: Int64) async throws -> TierKeeper.Outcome {
        try await keeper.move(Self.mapping, today: today, isRestored: { $0.object == "kept" }, isOwner: { true })
      }
      #expect(try await move(day + 9) == .init(), "too young")
      store.fail(after: 2)
      await #expect(throws: ObjectStoreError.self) { try await move(day + 10) }
      let tiers = try await catalogue.entries(of: dataset, on: "2025-01-20").map(\.tier)
      #expect(tiers == ["Archive", "Archive", nil, nil])
      store.fail(after: nil)
      #expect(try await move(day + 10) == .init(moved: 1, bytes: 10))
      #expect(store.moves == ["a", "b", "c"])
      #expect(try await catalogue.index(of: dataset)?.tiers == ["Archive": 3, "default": 1])
    }
  }
}

/// A folder whose objects have tiers, and whose moves can be made to fail.
private final class MovingStore: ObjectStore {
  private let below: any ObjectStore
  private let state = Mutex((moves: [String](), left: Int?.none))

  init(_ below: any ObjectStore) { self.below = below }

  var moves: [String] { state.withLock { $0.moves } }
  func fail(after moves: Int?) { state.withLock { $0.left = moves } }

  func move(_ key: ObjectKey, to tier: String) async throws {
    try state.withLock { state in
      if let left = state.left {
        guard left > 0 else { throw ObjectStoreError(.unavailable, "away") }
        state.left = left - 1
      }
      state.moves.append(key.text)
    }
  }

  var location: ObjectLocation { below.location }
  func put(_ body: ObjectBody, at key: ObjectKey, contentType: String) async throws -> ObjectInfo {
    try await below.put(body, at: key, contentType: contentType)
  }
  func get<T: Sendable>(
    _ key: ObjectKey, _ consume: (ObjectInfo, ObjectReader) async throws -> T
  ) async throws -> T { try await below.get(key, consume) }
  func head(_ key: ObjectKey) async throws -> ObjectInfo? { try await below.head(key) }
  func list(prefix: String, from: String?, limit: Int) async throws -> ObjectPage {
    try await below.list(prefix: prefix, from: from, limit: limit)
  }
  func delete(_ key: ObjectKey) async throws { try await below.delete(key) }
  func check() async throws { try await below.check() }
  func prepare() async throws { try await below.prepare() }
  func close() { below.close() }
}
