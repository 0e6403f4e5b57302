import Compression
import Core
import Messages
import ObjectStore
import Values

/// What a dataset has, by date: the part of the catalogue that is read first.
package struct ArchiveIndex: FieldwiseObject, Hashable {
  package var dataset: String
  /// First folders of its objects.
  package var prefix: String
  /// In ascending order.
  package var dates: [ArchiveDate]

  package init(dataset: String, prefix: String, dates: [ArchiveDate] = []) {
    self.dataset = dataset
    self.prefix = prefix
    self.dates = dates
  }

  package static let blank = Self(dataset: "", prefix: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("dataset", &dataset)
    try coder.required("prefix", &prefix)
    try coder.list("dates", &dates, isRequired: true)
  }

  /// Puts the sums of a date in the place of those it has.
  package mutating func put(_ date: ArchiveDate) {
    let place = dates.firstIndex { $0.date >= date.date } ?? dates.count
    if place < dates.count, dates[place].date == date.date {
      dates[place] = date
    } else {
      dates.insert(date, at: place)
    }
  }

  package var objects: Int64 { dates.reduce(0) { $0 + $1.objects } }
  package var bytes: Int64 { dates.reduce(0) { $0 + $1.bytes } }
  /// Those that are known.
  package var rows: Int64 { dates.reduce(0) { $0 + $1.rows } }
  package var tiers: [String: Int64] { dates.reduce(into: [:]) { $0.merge($1.tiers, uniquingKeysWith: +) } }
}

/// One date of a dataset.
package struct ArchiveDate: FieldwiseObject, Hashable {
  package var date: String
  package var objects: Int64 = 0
  package var bytes: Int64 = 0
  /// Those that are known.
  package var rows: Int64 = 0
  /// Nanoseconds since 1970; nil where no object's are known.
  package var fromNs: Int64?
  package var toNs: Int64?
  /// Objects by tier; `default` is the tier of new objects.
  package var tiers: [String: Int64] = [:]

  package init(date: String, _ entries: [CatalogueEntry] = []) {
    self.date = date
    for entry in entries {
      objects += 1
      bytes += entry.bytes
      rows += entry.rows ?? 0
      if let from = entry.fromNs { fromNs = min(fromNs ?? from, from) }
      if let to = entry.toNs { toNs = max(toNs ?? to, to) }
      tiers[entry.tier ?? Self.newTier, default: 0] += 1
    }
  }

  package static let newTier = "default"
  package static let blank = Self(date: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("date", &date)
    try coder.field("objects", &objects)
    try coder.field("bytes", &bytes)
    try coder.field("rows", &rows)
    try coder.field("from_ns", &fromNs)
    try coder.field("to_ns", &toNs)
    try coder.field("tiers", &tiers)
  }
}

/// What the catalogue says of one object.
package struct CatalogueEntry: FieldwiseObject, Hashable {
  /// The object's key in the store.
  package var object: String
  /// `2025-01-20`, on the clocks of the dataset's zone.
  package var date: String
  package var symbol: String
  /// As stored.
  package var bytes: Int64
  /// Nil where the catalogue was rebuilt and the object could not be asked.
  package var rows: Int64?
  /// The times of its first and last record, nanoseconds since 1970; nil as above.
  package var fromNs: Int64?
  package var toNs: Int64?
  /// Of the stored bytes.
  package var sha256: String?
  /// The store's own word; nil for that of new objects.
  package var tier: String?

  init(_ object: SealedObjects.Object, stored: ObjectBody) {
    self.object = object.key
    date = "\(CivilDate(daysSinceEpoch: Int64(object.day)))"
    symbol = object.symbol
    bytes = Int64(stored.length)
    rows = Int64(object.records)
    (fromNs, toNs) = (object.from, object.to)
    sha256 = stored.sha256.hex
  }

  package init(object: String, date: String, symbol: String, bytes: Int64) {
    self.object = object
    self.date = date
    self.symbol = symbol
    self.bytes = bytes
  }

  package static let blank = Self(object: "", date: "", symbol: "", bytes: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("object", &object)
    try coder.required("date", &date)
    try coder.required("symbol", &symbol)
    try coder.required("bytes", &bytes)
    try coder.field("rows", &rows)
    try coder.field("from_ns", &fromNs)
    try coder.field("to_ns", &toNs)
    try coder.field("sha256", &sha256)
    try coder.field("tier", &tier)
  }

  /// Kept with the object, so that a catalogue that is lost can be rebuilt without reading objects.
  var notes: [String: String] {
    var notes: [String: String] = [:]
    if let rows { notes["rows"] = "\(rows)" }
    if let fromNs { notes["first"] = "\(fromNs)" }
    if let toNs { notes["last"] = "\(toNs)" }
    return notes
  }

  package mutating func take(notes: [String: String]) {
    rows = notes["rows"].flatMap { Int64($0) }
    fromNs = notes["first"].flatMap { Int64($0) }
    toNs = notes["last"].flatMap { Int64($0) }
  }

  /// JSON Lines.
  package static func lines(_ entries: [CatalogueEntry]) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries {
      bytes += entry.json
      bytes.append(0x0a)
    }
    return bytes
  }

  /// - Throws: `Failure(.fatal)` for what this program does not write.
  package static func read(lines bytes: [UInt8], of key: String) throws -> [CatalogueEntry] {
    try bytes.split(separator: 0x0a).map { try CatalogueEntry(json: Array($0), of: key) }
  }
}

extension FieldwiseObject {
  package var json: [UInt8] {
    var writer = JSONWriter()
    write(to: &writer)
    return writer.array()
  }

  /// - Parameter key: of the object that it was read from, for people.
  package init(json bytes: [UInt8], of key: String) throws(Failure) {
    do throws(DecodingFailure) {
      var coder = try FieldCoder(reading: bytes.span.bytes, limits: JSONReader.Limits(maxBytes: 256 << 20))
      self = try Self.read(from: &coder)
      try coder.reader.finish()
    } catch {
      throw Failure(
        .fatal, code: "archive_catalogue_unreadable",
        "\(key) is no part of a catalogue of this version: \(error); move it away and rebuild the catalogue")
    }
  }
}

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
