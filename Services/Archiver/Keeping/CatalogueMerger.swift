import Archiving
import Core
import Logging
import ObjectStore

/// Merges what generations have stored into the catalogue. One owner does it at a time.
///
/// A merged note is removed only when it was found merged a second time, `grace` later: what a suspended owner writes
/// over the merged catalogue when it wakes up is mended by then.
final class CatalogueMerger {
  private let catalogue: ArchiveCatalogue
  private let grace: Duration
  private let logger: Logger
  /// When this process merged a note.
  private var merged: [String: ContinuousClock.Instant] = [:]

  /// Notes of one round.
  private static let most = 2_000

  init(_ catalogue: ArchiveCatalogue, grace: Duration, logger: Logger) {
    self.catalogue = catalogue
    self.grace = grace
    self.logger = logger
  }

  struct Outcome: Hashable {
    var merged = 0
    var removed = 0
    /// Notes that wait for the next round.
    var isMore = false
  }

  /// - Parameter isOwner: asked before each write.
  func merge(_ mapping: ArchiveMapping, isOwner: () -> Bool) async throws -> Outcome {
    let names = catalogue.names(of: mapping.dataset)
    let keys = try await catalogue.keys(below: names.incoming)
    let now = ContinuousClock.now
    let due = keys.filter { key in merged[key].map { now - $0 >= grace } ?? true }
    var outcome = Outcome(isMore: due.count > Self.most)
    guard !due.isEmpty else { return outcome }
    var notes: [(key: String, entries: [CatalogueEntry])] = []
    for key in due.prefix(Self.most) {
      guard let lines = try await catalogue.read(key) else { continue }
      notes.append((key, try CatalogueEntry.read(lines: lines, of: key)))
    }
    let changed = try await put(notes.flatMap(\.entries), mapping, isOwner)
    for note in notes {
      guard isOwner() else { return outcome }
      if merged[note.key] != nil, !note.entries.contains(where: { changed.contains($0.object) }) {
        try await catalogue.store.delete(ObjectKey(note.key))
        merged[note.key] = nil
        outcome.removed += 1
      } else {
        merged[note.key] = .now
        outcome.merged += 1
      }
    }
    return outcome
  }

  /// - Returns: the objects whose entries were not there yet.
  private func put(
    _ entries: [CatalogueEntry], _ mapping: ArchiveMapping, _ isOwner: () -> Bool
  ) async throws -> Set<String> {
    var changed: Set<String> = []
    var index = try await catalogue.index(of: mapping.dataset)
      ?? ArchiveIndex(dataset: mapping.dataset, prefix: mapping.prefix)
    let before = index
    for (date, added) in Dictionary(grouping: entries, by: \.date).sorted(by: { $0.key < $1.key }) {
      var known: [String: CatalogueEntry] = [:]
      for entry in try await catalogue.entries(of: mapping.dataset, on: date) { known[entry.object] = entry }
      let old = known
      for entry in added { known[entry.object] = Self.merged(entry, into: known[entry.object]) }
      if known != old {
        changed.formUnion(known.filter { old[$0.key] != $0.value }.keys)
        guard isOwner() else { return changed }
        try await catalogue.write(Array(known.values), of: mapping.dataset, on: date)
      }
      index.put(ArchiveDate(date: date, Array(known.values)))
    }
    if index != before, isOwner() { try await catalogue.write(index) }
    return changed
  }

  /// A generation does not know tiers, and a rebuilt entry may know less than the one there is.
  static func merged(_ new: CatalogueEntry, into old: CatalogueEntry?) -> CatalogueEntry {
    guard let old else { return new }
    var entry = new
    entry.tier = new.tier ?? old.tier
    entry.rows = new.rows ?? old.rows
    entry.fromNs = new.fromNs ?? old.fromNs
    entry.toNs = new.toNs ?? old.toNs
    entry.sha256 = new.sha256 ?? old.sha256
    return entry
  }
}
