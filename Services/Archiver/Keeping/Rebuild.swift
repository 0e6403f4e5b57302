import Archiving
import Compression
import Core
import Messages
import ObjectStore
import Values

/// Finds out from the store itself what a dataset has, and leaves it to be merged.
struct Rebuild {
  let catalogue: ArchiveCatalogue
  let mapping: ArchiveMapping
  /// Objects asked for at the same time, and entries of one note.
  var width = 16
  static let noteEntries = 5_000

  struct Outcome: Hashable, Sendable {
    var found = 0
    var read = 0
    var unknown = 0
    var strange = 0
  }

  func run() async throws -> Outcome {
    var outcome = Outcome()
    var entries: [CatalogueEntry] = []
    var mark: String?
    let names = ObjectNames(folder: mapping.prefix)
    let run = "rebuilt-\(UInt64.random(in: 0 ... .max))"
    var notes = 0
    func leave() async throws {
      guard !entries.isEmpty else { return }
      let key = catalogue.names(of: mapping.dataset).incoming("\(run)-\(zeroPadded(notes, 6))")
      try await catalogue.write(CatalogueEntry.lines(entries), key, "application/x-ndjson")
      entries = []
      notes += 1
    }
    repeat {
      let page = try await catalogue.store.list(prefix: "\(mapping.prefix)/", from: mark, limit: 1000)
      var known: [CatalogueEntry] = []
      for object in page.objects {
        guard let parts = names.parts(of: object.key.text) else {
          outcome.strange += 1
          continue
        }
        known.append(CatalogueEntry(
          object: object.key.text, date: parts.date, symbol: parts.symbol, bytes: Int64(object.size)))
      }
      for found in try await described(known) {
        outcome.found += 1
        if found.wasRead { outcome.read += 1 }
        if found.entry.rows == nil { outcome.unknown += 1 }
        entries.append(found.entry)
        entries += try await documents(of: found.entry)
        if entries.count >= Self.noteEntries { try await leave() }
      }
      mark = page.next
    } while mark != nil
    try await leave()
    return outcome
  }

  private struct Found: Sendable {
    var entry: CatalogueEntry
    var wasRead = false
  }

  private func described(_ entries: [CatalogueEntry]) async throws -> [Found] {
    try await withThrowingTaskGroup(of: Found?.self) { group in
      var (found, rest): ([Found], ArraySlice<CatalogueEntry>) = ([], entries[...])
      func start() {
        if let entry = rest.popFirst() { group.addTask { try await described(entry) } }
      }
      for _ in 0..<width { start() }
      while let next = try await group.next() {
        if let next { found.append(next) }
        start()
      }
      return found
    }
  }

  /// - Returns: nil for an object that went away since it was listed.
  private func described(_ entry: CatalogueEntry) async throws -> Found? {
    var found = Found(entry: entry)
    let key = try ObjectKey(entry.object)
    guard let state = try await catalogue.store.state(of: key) else { return nil }
    found.entry.tier = state.tier
    found.entry.sha256 = state.info.sha256?.hex
    found.entry.take(notes: state.notes)
    if found.entry.rows == nil, state.access == .readable {
      do {
        let bytes = try await catalogue.store.bytes(of: key, limit: 1 << 30)
        found.entry.sha256 = SHA256.hash(bytes).hex
        try count(bytes, of: &found.entry)
        found.wasRead = true
      } catch let error as ObjectStoreError where error.kind == .archived {}
    }
    return found
  }

  /// The objects that the records of an object name. Those of archived records stay unknown until they are restored.
  private func documents(of entry: CatalogueEntry) async throws -> [CatalogueEntry] {
    guard mapping.namesObjects, !ObjectLocation.archives.contains(entry.tier ?? "") else { return [] }
    let bytes = try await catalogue.store.bytes(of: ObjectKey(entry.object), limit: 1 << 30)
    let addresser = try mapping.plan(catalogue: catalogue.folder, limits: JSONReader.Limits()).makeAddresser()
    var (symbol, entries): ([UInt8], [CatalogueEntry]) = ([], [])
    for line in (Packer.unpacked(bytes, named: entry.object) ?? []).split(separator: 0x0a) {
      let record = Array(line)
      guard let address = try? addresser.address(of: record.span.bytes, key: nil, stamp: -1, symbol: &symbol),
        var named = NamedDocument(record.span.bytes, at: address.nanoseconds)?
          .entry(beside: entry, in: catalogue.store.location),
        let state = try await catalogue.store.state(of: ObjectKey(named.object)) else { continue }
      named.tier = state.tier
      entries.append(named)
    }
    return entries
  }

  /// Counts the records of an object and reads their times. One that is not what archivers write keeps no numbers.
  private func count(_ stored: [UInt8], of entry: inout CatalogueEntry) throws {
    let plan = try mapping.plan(catalogue: catalogue.folder, limits: JSONReader.Limits())
    guard let lines = Packer.unpacked(stored, named: entry.object) else { return }
    let addresser = plan.makeAddresser()
    var symbol: [UInt8] = []
    var (rows, from, to): (Int64, Int64?, Int64?) = (0, nil, nil)
    for line in lines.split(separator: 0x0a) {
      rows += 1
      // A symbol that is the record's key is not in the line; the times are.
      let key = Array(entry.symbol.utf8)
      let bytes = Array(line)
      guard let address = try? addresser.address(
        of: bytes.span.bytes, key: key.span.bytes, stamp: -1, symbol: &symbol) else { continue }
      from = min(from ?? address.nanoseconds, address.nanoseconds)
      to = max(to ?? address.nanoseconds, address.nanoseconds)
    }
    (entry.rows, entry.fromNs, entry.toNs) = (rows, from, to)
  }
}
