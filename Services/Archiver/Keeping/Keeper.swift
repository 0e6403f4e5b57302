import Archiving
import Core
import Logging
import Metrics
import ObjectStore
import ServiceKit
import Values

/// Keeps the catalogue, the tiers and the restores, as long as it holds the lease; stands by otherwise.
final class Keeper {
  private let catalogue: ArchiveCatalogue
  private let mappings: [ArchiveMapping]
  private let settings: KeepingOptions
  private var policy: TierPolicy
  private let owner: Ownership
  private let width: Int
  private let context: ServiceContext
  private let merger: CatalogueMerger
  private let metrics = KeeperMetrics()
  private var nextTiers = ContinuousClock.now
  private var isStoreAsked = false

  init(
    _ catalogue: ArchiveCatalogue, _ mappings: [ArchiveMapping], settings: KeepingOptions, policy: TierPolicy,
    owner: Ownership, width: Int, context: ServiceContext
  ) {
    self.catalogue = catalogue
    self.mappings = mappings
    self.settings = settings
    self.policy = policy
    self.owner = owner
    self.width = width
    self.context = context
    merger = CatalogueMerger(catalogue, grace: settings.catalogueGrace.duration, logger: context.logger)
  }

  /// Until drained. Whatever fails here is waited out beside the work, which goes on without: topics do not wait.
  /// - Throws: errors of the configuration.
  func run() async throws {
    let readiness = context.health.readiness("catalogue")
    var backoff = Backoff(base: .seconds(1), cap: .seconds(60))
    while !context.drain.isRaised, !Task.isCancelled {
      var wait = settings.catalogueInterval.duration
      do {
        if try await owner.hold() {
          metrics.owns(true)
          if try await owner.whileHeld(round) { wait = .zero }
          backoff.reset()
          readiness.set(ready: true)
        } else {
          metrics.owns(false)
          readiness.set(ready: true)
          wait = min(wait, settings.leaseTimeout.duration / 2)
        }
      } catch where ErrorClass(of: error) != .configuration || Self.isMissingBucket(error) {
        wait = backoff.next(retryAfter: (error as? any ClassifiedError)?.retryAfter)
        metrics.failed(publicCode(of: error))
        // An outage of the store shows in the work, too. Anything else does only here.
        if [.fatal, .data].contains(ErrorClass(of: error)) {
          readiness.set(ready: false, reason: publicCode(of: error))
        }
        context.logger.warning(
          "the catalogue waits", metadata: ["reason": "\(error)", "seconds": "\(wait / .seconds(1))"])
      }
      if await owner.sleep(for: wait, until: context.drain) { break }
    }
    await owner.release()
  }

  /// The work makes a bucket that is missing, or stops for it.
  private static func isMissingBucket(_ error: any Error) -> Bool {
    (error as? ObjectStoreError)?.kind == .noSuchBucket
  }

  /// - Returns: whether more is due at once.
  private func round() async throws -> Bool {
    let isOwner = { [owner, drain = context.drain] in owner.isHeld && !drain.isRaised }
    var isMore = false
    for mapping in mappings {
      guard isOwner() else { return false }
      let outcome = try await merger.merge(mapping, isOwner: isOwner)
      isMore = isMore || outcome.isMore
      if let index = try await catalogue.index(of: mapping.dataset) { metrics.note(index) }
    }
    let now = Timestamp(microseconds: WallClock.microseconds()) ?? .epoch
    let book = RestoreBook(catalogue: catalogue)
    var jobs = try await book.open()
    for place in jobs.indices {
      guard isOwner() else { return false }
      var job = try await RestoreKeeper(catalogue: catalogue, logger: context.logger, now: now)
        .advance(jobs[place], isOwner: isOwner)
      guard job != jobs[place], isOwner() else { continue }
      job.changedAt = now
      try await book.write(job)
      context.logger.notice(
        "a restore has gone on", metadata: [
          "restore": "\(job.id)", "state": "\(job.state.rawValue)", "available": "\(job.available)/\(job.objects)",
        ])
      jobs[place] = job
    }
    metrics.note(openRestores: jobs.filter { !$0.state.isEnded }.count)
    guard ContinuousClock.now >= nextTiers else { return isMore }
    try await moveTiers(held: jobs.filter { $0.holds(now) }, now, isOwner)
    nextTiers = .now + settings.tierInterval.duration
    return isMore
  }

  /// A store that cannot move objects keeps them where they are, unless tiers were asked for.
  private func askStore() async throws {
    guard !isStoreAsked, let coldest = policy.steps.last?.tier else { return }
    let abilities = try await catalogue.store.abilities(of: coldest)
    isStoreAsked = true
    guard !abilities.moves else { return }
    let reason = abilities.reason ?? "it says not why"
    guard settings.tiers == "auto" else {
      throw Failure(
        .configuration, code: "store_without_tiers",
        "--tiers \(policy.text): the store does not move objects (\(reason)); use --tiers off")
    }
    context.logger.notice("all objects stay where they are written", metadata: ["reason": "\(reason)"])
    policy.steps = []
  }

  private func moveTiers(held: [RestoreJob], _ now: Timestamp, _ isOwner: () -> Bool) async throws {
    try await askStore()
    let tiers = TierKeeper(catalogue: catalogue, policy: policy, width: width, logger: context.logger)
    let today = now.microseconds.flooredDivision(by: 86_400_000_000).quotient
    for mapping in mappings {
      let ours = held.filter { $0.dataset == mapping.dataset }
      let outcome = try await tiers.move(
        mapping, today: today, isRestored: { entry in ours.contains { $0.covers(entry) } }, isOwner: isOwner)
      metrics.moved(outcome)
      guard outcome != TierKeeper.Outcome() else { continue }
      context.logger.notice("objects were moved to a colder tier", metadata: [
        "dataset": "\(mapping.dataset)", "objects": .stringConvertible(outcome.moved),
        "bytes": .stringConvertible(outcome.bytes),
        "refused": .stringConvertible(outcome.refused),
      ])
      if let index = try await catalogue.index(of: mapping.dataset) { metrics.note(index) }
    }
  }
}
