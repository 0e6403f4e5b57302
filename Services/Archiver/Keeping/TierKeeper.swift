import Archiving
import Core
import Logging
import Metrics
import ObjectStore

/// Moves objects to colder tiers as they grow old. Touches only what the catalogue names, which only archivers write
/// into, and removes nothing. One owner does it at a time; a move that is made twice is the same move.
struct TierKeeper {
  let catalogue: ArchiveCatalogue
  let policy: TierPolicy
  /// Moves at the same time.
  let width: Int
  let logger: Logger

  struct Outcome: Hashable {
    var moved = 0
    var bytes: Int64 = 0
    /// Objects that the store does not have any more, or does not move.
    var refused = 0
  }

  /// - Parameters:
  ///   - today: days since 1970-01-01.
  ///   - isRestored: objects that a restore keeps where they are.
  func move(
    _ mapping: ArchiveMapping, today: Int64, isRestored: (CatalogueEntry) -> Bool, isOwner: () -> Bool
  ) async throws -> Outcome {
    var outcome = Outcome()
    guard !policy.steps.isEmpty, var index = try await catalogue.index(of: mapping.dataset) else { return outcome }
    for date in index.dates {
      guard isOwner() else { break }
      guard let day = CivilDate(date.date)?.daysSinceEpoch, let wanted = policy.tier(age: today - day) else { continue }
      let isDone = date.tiers.keys.allSatisfy { !policy.moves($0 == ArchiveDate.newTier ? nil : $0, to: wanted) }
      if isDone { continue }
      var entries = try await catalogue.entries(of: mapping.dataset, on: date.date)
      let due = entries.indices.filter { policy.moves(entries[$0].tier, to: wanted) && !isRestored(entries[$0]) }
      guard !due.isEmpty else { continue }
      let (moved, failure) = await move(due.map { entries[$0].object }, to: wanted)
      for place in due {
        switch moved[entries[place].object] {
        case .moved:
          entries[place].tier = wanted
          outcome.moved += 1
          outcome.bytes += entries[place].bytes
        case .refused: outcome.refused += 1
        case nil: break
        }
      }
      guard isOwner() else { break }
      // Also after a failure: what was moved is noted.
      try await catalogue.write(entries, of: mapping.dataset, on: date.date)
      index.put(ArchiveDate(date: date.date, entries))
      try await catalogue.write(index)
      if let failure { throw failure }
    }
    return outcome
  }

  private enum Fate: Sendable { case moved, refused }

  private func move(_ objects: [String], to tier: String) async -> ([String: Fate], (any Error)?) {
    await withTaskGroup(of: (String, Result<Fate, any Error>).self) { group in
      var fates: [String: Fate] = [:]
      var failure: (any Error)?
      var rest = objects[...]
      func start() {
        guard failure == nil, let object = rest.popFirst() else { return }
        group.addTask { (object, await fate(of: object, tier)) }
      }
      for _ in 0..<width { start() }
      while let (object, result) = await group.next() {
        switch result {
        case .success(let fate): fates[object] = fate
        case .failure(let error): failure = failure ?? error
        }
        start()
      }
      return (fates, failure)
    }
  }

  private func fate(of object: String, _ tier: String) async -> Result<Fate, any Error> {
    do {
      try await catalogue.store.move(ObjectKey(object), to: tier)
      return .success(.moved)
    } catch let error as any ClassifiedError where error.errorClass == .data {
      // One object, not the store: said, and tried again at the next look.
      logger.warning(
        "an object is not moved", metadata: ["object": "\(object)", "tier": "\(tier)", "reason": "\(error)"])
      return .success(.refused)
    } catch {
      return .failure(error)
    }
  }
}
