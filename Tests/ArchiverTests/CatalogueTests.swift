import Archiving
import Catalogue
import Core
import Kafka
import Logging
import Messages
import ObjectStore
import Pipeline
import Synchronization
import Testing
import TestSupport
import Values

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

  /// The bytes of a filing lie in the archive before its record: the catalogue lists them, they move with the record,
  /// and a rebuilt catalogue has them again.
  @Test func theBytesOfADocumentGrowOldWithItsRecord() async throws {
    try await withCatalogue { catalogue, store in
      let mapping = try ArchiveMapping(text: "topic=\(Document.topic.name)")
      let names = ["documents/edgar/1/a/00.htm", "documents/edgar/1/b/00.htm"]
      for name in names { _ = try await store.put(ObjectBody([1, 2]), at: ObjectKey(name), contentType: "text/html") }
      func document(_ id: String, _ object: String) -> Document {
        Document(
          source: "edgar", id: id, kind: .filing, issuer: "1", form: "10-K", url: "https://sec.example/\(id)",
          object: object, sha256: SHA256.hash([1, 2]).hex, bytes: 2, publishedAt: Timestamp("2025-01-20T15:00:00Z")!,
          knownAt: Timestamp("2025-01-20T16:00:00Z")!)
      }
      let here = try names.map { store.location.url(of: try ObjectKey($0)) }
      let records = [
        document("a", here[0]), document("b", here[1]), document("b", here[1]), document("c", "s3://other/c.htm"),
        document("b", here[1]).withdrawal(knownAt: Timestamp("2025-01-21T16:00:00Z")!),
      ]
      let sink = ObjectSink(
        store: store, plans: [mapping.topic: try mapping.plan(catalogue: "_catalogue", limits: .init())],
        format: ObjectFormat(layout: .batch), createsBucket: true, uploads: 2, logger: Self.logger)
      let partition = TopicPartition(mapping.topic, 0)
      var draft = try sink.draft(of: partition, from: 0, format: sink.format(of: partition))
      for record in records { #expect(draft.append(record.encoded().span.bytes) == .keep) }
      try await sink.store(#require(draft.finish()))
      _ = try await CatalogueMerger(catalogue, grace: .zero, logger: Self.logger).merge(mapping) { true }
      let entries = try await catalogue.entries(of: mapping.dataset, on: "2025-01-20")
      #expect(entries.map(\.object).filter { $0.hasPrefix("documents/") } == names)
      #expect(entries.count == 3 && entries.reduce(0) { $0 + ($1.rows ?? 0) } == 5)
      let moving = MovingStore(store)
      let keeper = TierKeeper(
        catalogue: ArchiveCatalogue(moving, folder: catalogue.folder),
        policy: try TierPolicy("730d=Archive", for: ObjectLocation("az://archive")), width: 1, logger: Self.logger)
      let day = try #require(CivilDate("2025-01-20")).daysSinceEpoch
      for age in [729, 730] as [Int64] {
        _ = try await keeper.move(mapping, today: day + age, isRestored: { _ in false }, isOwner: { true })
        #expect(Set(moving.moves) == (age < 730 ? [] : Set(entries.map(\.object))))
      }
      // The catalogue is lost.
      for key in try await catalogue.keys(below: catalogue.folder) { try await store.delete(ObjectKey(key)) }
      _ = try await Rebuild(catalogue: catalogue, mapping: mapping).run()
      _ = try await CatalogueMerger(catalogue, grace: .zero, logger: Self.logger).merge(mapping) { true }
      let again = try await catalogue.entries(of: mapping.dataset, on: "2025-01-20")
      #expect(again.map(\.object) == entries.map(\.object))
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
