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

/// From which age on an object lies in which tier.
struct TierPolicy: Hashable, Sendable {
  struct Step: Hashable, Sendable {
    /// Of the date of the records.
    var days: Int64
    var tier: String
  }
  /// From young to old, and from warm to cold.
  var steps: [Step]
  /// Of the store, warmest first.
  let order: [String]

  /// - Throws: `Failure(.configuration)` that says what would be right.
  init(_ text: String, for location: ObjectLocation) throws(Failure) {
    order = location.tiers
    switch text {
    case "off": steps = []
    case "auto":
      let archive = switch location.kind {
      case .azure: "Archive"
      case .s3: "GLACIER"
      case .folder: ""
      }
      steps = archive.isEmpty ? [] : [Step(days: 730, tier: archive)]
    default: steps = try Self.steps(text, order, location)
    }
  }

  private static func steps(
    _ text: String, _ order: [String], _ location: ObjectLocation
  ) throws(Failure) -> [Step] {
    guard !order.isEmpty else { throw invalid("\(location) keeps all objects alike: --tiers must be off or auto") }
    var steps: [Step] = []
    for part in text.split(separator: ",") {
      let words = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard words.count == 2, let age = DurationSetting(text: words[0]), age.duration >= .zero else {
        throw invalid("'\(part)' is not like 730d=\(order.last ?? "")")
      }
      guard let rank = order.firstIndex(of: words[1]) else {
        throw invalid("'\(words[1])' is no tier of \(location); there are \(order.joined(separator: ", "))")
      }
      let days = age.duration.components.seconds / 86_400
      if let last = steps.last, days <= last.days || rank <= order.firstIndex(of: last.tier) ?? 0 {
        throw invalid("'\(part)' follows \(last.days)d=\(last.tier): both ages and tiers have to rise")
      }
      steps.append(Step(days: days, tier: words[1]))
    }
    guard !steps.isEmpty else { throw invalid("it is empty; write off to keep everything as it is") }
    return steps
  }

  /// The tier of what is this old; nil for that of new objects.
  func tier(age days: Int64) -> String? { steps.last { $0.days <= days }?.tier }

  /// Whether an object is to be moved: never to a warmer tier.
  func moves(_ tier: String?, to wanted: String) -> Bool {
    guard let rank = order.firstIndex(of: wanted) else { return false }
    return tier.flatMap { order.firstIndex(of: $0) } ?? -1 < rank
  }

  var text: String { steps.isEmpty ? "off" : steps.map { "\($0.days)d=\($0.tier)" }.joined(separator: ",") }

  private static func invalid(_ text: String) -> Failure {
    Failure(.configuration, code: "archive_tiers", "--tiers: \(text)")
  }
}
