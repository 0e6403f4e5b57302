import Archiving
import Core
import Logging
import Metrics
import ObjectStore
import Redis
import ServiceKit
import Synchronization
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

/// What the owner of the catalogue counts.
struct KeeperMetrics: Sendable {
  private let owner = Gauge(label: "souk_archive_owner")
  private let moved = Counter(label: "souk_archive_moved_objects_total")
  private let movedBytes = Counter(label: "souk_archive_moved_bytes_total")
  private let refused = Counter(label: "souk_archive_unmoved_objects_total")
  private let restores = Gauge(label: "souk_archive_open_restores")

  static let descriptions = [
    MetricDescription("souk_archive_owner", .gauge, "1 while this process keeps the catalogue and the tiers."),
    MetricDescription("souk_archive_objects", .gauge, "Objects in the catalogue.", labels: ["dataset"]),
    MetricDescription("souk_archive_rows", .gauge, "Records of the archive, each once.", labels: ["dataset"]),
    MetricDescription("souk_archive_bytes", .gauge, "Bytes of the archive, as stored.", labels: ["dataset"]),
    MetricDescription("souk_archive_moved_objects_total", .counter, "Objects moved to a colder tier."),
    MetricDescription("souk_archive_moved_bytes_total", .counter, "Bytes moved to a colder tier."),
    MetricDescription(
      "souk_archive_unmoved_objects_total", .counter, "Objects that the store did not move; the log names them."),
    MetricDescription(
      "souk_archive_keeping_failures_total", .counter,
      "Looks at the catalogue, the tiers and the restores that failed, by code.", labels: ["code"]),
    MetricDescription("souk_archive_open_restores", .gauge, "Restores that are not ended."),
  ]

  func failed(_ code: String) {
    Counter(label: "souk_archive_keeping_failures_total", dimensions: [("code", code)]).increment()
  }

  func owns(_ owns: Bool) { owner.record(owns ? 1 : 0) }
  func note(openRestores count: Int) { restores.record(count) }

  func note(_ index: ArchiveIndex) {
    let labels = [("dataset", index.dataset)]
    Gauge(label: "souk_archive_objects", dimensions: labels).record(index.objects)
    Gauge(label: "souk_archive_rows", dimensions: labels).record(index.rows)
    Gauge(label: "souk_archive_bytes", dimensions: labels).record(index.bytes)
  }

  func moved(_ outcome: TierKeeper.Outcome) {
    moved.increment(by: outcome.moved)
    movedBytes.increment(by: outcome.bytes)
    refused.increment(by: outcome.refused)
  }
}

/// Which archiver keeps the catalogue and the tiers: the one that holds a lease in Redis. Without Redis, this process
/// takes itself for the only one.
final class Ownership: Sendable {
  private let lease: RedisLease?
  private let timeout: Duration
  private let logger: Logger
  private let state = Mutex(false)

  init(_ lease: RedisLease?, timeout: Duration, logger: Logger) {
    self.lease = lease
    self.timeout = timeout
    self.logger = logger
  }

  static func key(of location: ObjectLocation) -> String { "souk:archive:lease:\(location)" }

  /// As of the last look.
  var isHeld: Bool { state.withLock { $0 } }

  /// Takes the lease, or keeps it.
  /// - Returns: whether it is held for another `timeout`.
  func hold() async throws -> Bool {
    guard let lease else {
      state.withLock { $0 = true }
      return true
    }
    let was = isHeld
    do {
      var holds = try await lease.renew(for: timeout)
      if !holds { holds = try await lease.take(for: timeout) }
      state.withLock { $0 = holds }
      if holds != was {
        logger.notice(holds ? "keeps the catalogue and the tiers" : "another archiver keeps the catalogue")
      }
      return holds
    } catch {
      state.withLock { $0 = false }
      throw error
    }
  }

  /// Keeps the lease beside `work`, which asks `isHeld` before each write: when the lease is lost, it ends there.
  func whileHeld<Outcome>(_ work: () async throws -> Outcome) async throws -> Outcome {
    let end = Interruption()
    async let renewing: Void = renew(until: end)
    let outcome: Result<Outcome, any Error>
    do { outcome = .success(try await work()) } catch { outcome = .failure(error) }
    end.raise()
    await renewing
    return try outcome.get()
  }

  private func renew(until end: Interruption) async {
    while await !end.sleep(for: timeout / 3) { _ = try? await hold() }
  }

  /// Sleeps, and keeps the lease meanwhile if it is held.
  /// - Returns: whether `end` was raised.
  func sleep(for duration: Duration, until end: Interruption) async -> Bool {
    let wake = ContinuousClock.now + duration
    while true {
      let rest = wake - .now
      guard rest > .zero else { return end.isRaised }
      if await end.sleep(for: min(rest, timeout / 3)) { return true }
      if isHeld { _ = try? await hold() }
    }
  }

  func release() async {
    if let lease, isHeld { try? await lease.release() }
    state.withLock { $0 = false }
  }
}
