import Compression
import Core
import ObjectStore

/// The catalogue of an archive: what lies where, read and written by name, without a listing.
///
/// Generations only add objects of their own to `incoming/`. One owner merges them into the objects of dates, and
/// changes tiers; readers see what is merged.
package struct ArchiveCatalogue: Sendable {
  package let store: any ObjectStore
  package let folder: String

  package init(_ store: any ObjectStore, folder: String) {
    self.store = store
    self.folder = folder
  }

  /// More than one catalogue object has.
  static let limit = 256 << 20

  package func names(of dataset: String) -> CatalogueNames { CatalogueNames(folder: folder, dataset: dataset) }

  /// Nil for a dataset of which nothing is merged yet.
  package func index(of dataset: String) async throws -> ArchiveIndex? {
    let key = names(of: dataset).index
    return try await read(key).map { try ArchiveIndex(json: $0, of: key) }
  }

  /// The objects of a date, in the order of their keys.
  package func entries(of dataset: String, on date: String) async throws -> [CatalogueEntry] {
    let key = names(of: dataset).objects(of: date)
    guard let packed = try await read(key) else { return [] }
    guard let lines = Deflate.unpackGzip(packed) else {
      throw Failure(.fatal, code: "archive_catalogue_unreadable", "\(key) is damaged; move it away and rebuild")
    }
    return try CatalogueEntry.read(lines: lines, of: key)
  }

  /// Replaces the entries of a date.
  package func write(_ entries: [CatalogueEntry], of dataset: String, on date: String) async throws {
    let sorted = entries.sorted { $0.object.utf8.lexicographicallyPrecedes($1.object.utf8) }
    guard let packed = Deflate.gzip(CatalogueEntry.lines(sorted), level: 6) else {
      throw Failure(.fatal, code: "packing_failed", "gzip cannot pack the catalogue: out of memory?")
    }
    try await write(packed, names(of: dataset).objects(of: date), "application/gzip")
  }

  package func write(_ index: ArchiveIndex) async throws {
    try await write(index.json, names(of: index.dataset).index, "application/json")
  }

  /// - Returns: nil when there is no such object.
  package func read(_ key: String) async throws -> [UInt8]? {
    do { return try await store.bytes(of: ObjectKey(key), limit: Self.limit) } catch let error as ObjectStoreError {
      guard error.kind == .noSuchKey else { throw error }
      return nil
    }
  }

  package func write(_ bytes: [UInt8], _ key: String, _ contentType: String = "application/json") async throws {
    _ = try await store.put(ObjectBody(bytes), at: ObjectKey(key), contentType: contentType)
  }

  /// All keys below a prefix. Only the owner lists, and those who ask for restores.
  package func keys(below prefix: String, atMost limit: Int = .max) async throws -> [String] {
    var keys: [String] = []
    var mark: String?
    repeat {
      let page = try await store.list(prefix: prefix, from: mark, limit: 1000)
      keys += page.objects.map(\.key.text)
      mark = page.next
    } while mark != nil && keys.count < limit
    return Array(keys.prefix(limit))
  }
}

/// Where the catalogue of one dataset lies: in the store of its objects, in a folder of its own, whose objects never
/// change their tier.
///
/// ```
/// _catalogue/market-ticks/index.json                       dates with their sums
/// _catalogue/market-ticks/date=2025-01-20.jsonl.gz         the objects of a date
/// _catalogue/market-ticks/incoming/part-00003-….jsonl      what a generation has stored, until it is merged
/// _catalogue/restores/open/<id>.json, .../ended/<id>.json  restores
/// ```
package struct CatalogueNames: Hashable, Sendable {
  package let folder: String
  package let dataset: String

  package static let restores = "restores"

  package var index: String { "\(folder)/\(dataset)/index.json" }
  package func objects(of date: String) -> String { "\(folder)/\(dataset)/date=\(date).jsonl.gz" }
  package var incoming: String { "\(folder)/\(dataset)/incoming/" }
  package func incoming(_ name: String) -> String { "\(incoming)\(name).jsonl" }
}
