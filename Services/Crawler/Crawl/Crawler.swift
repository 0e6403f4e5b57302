import Core
import Foundation
import Logging
import Portals
import ServiceKit
import Synchronization
import Values

/// What to announce, and how often to crawl.
package struct CrawlSettings: Sendable {
  package var types: Set<FileType> = Set(FileType.allCases)
  /// Older files are skipped.
  package var since: Timestamp?
  /// Ends after one pass over every source.
  package var once = false
  package var interval: Duration = .seconds(300)
  /// The interval varies by this share in both directions, so that many crawlers do not ask at the same time.
  package var jitter = 0.1
  /// New files per pass; the next pass takes the others.
  package var maxFiles = 200_000
  /// Announcements acknowledged and marked at a time.
  package var chunk = 500
  /// Attempts per source with `once`.
  package var onceAttempts = 3
  package var backoff = Backoff(base: .seconds(1), cap: .seconds(300))
  /// The longest time between two steps of a pass, all attempts of one request included.
  package var longestStep: Duration = .seconds(900)
}

/// Passes over all sources, each in its own task: a source that fails or hangs delays no other.
struct Crawler: Sendable {
  let engines: [any PortalEngine]
  let store: SeenStore
  let announcer: any Announcer
  let settings: CrawlSettings
  let zone: ZoneTable
  let context: ServiceContext
  /// By source; a source without one has the settings' interval and is always active.
  var schedules: [String: CrawlSchedule] = [:]
  var relisting = RelistRequests()
  let alerts: AlertLog
  /// Which sources this replica may crawl, when several share one state; nil: all of them, always.
  var assignment: SourceAssignment?
  var now: @Sendable () -> Date = { Date() }
  /// Misnamed files that were logged.
  private let named = LoggedNames()
  private static let maxNamed = 10_000

  /// Returns when drained, or with `once` after one pass over every source.
  /// - Throws: configuration and fatal errors of the store and of Kafka; with `once`, `crawl_incomplete` when a
  ///   source could not be read to its end.
  func run() async throws {
    if engines.isEmpty { context.health.readiness("crawler").set(ready: true) }
    let failed = try await withThrowingTaskGroup(of: String?.self) { group in
      for engine in engines {
        group.addTask { try await follow(engine) }
      }
      if let assignment {
        group.addTask {
          try await assignment.run()
          return nil
        }
      }
      var failed: [String] = []
      for try await source in group { if let source { failed.append(source) } }
      return failed.sorted()
    }
    guard failed.isEmpty || context.drain.isRaised else {
      throw Failure(
        .fatal, code: "crawl_incomplete",
        "\(failed.count) of \(engines.count) sources could not be read to the end: \(failed.joined(separator: ", "))")
    }
  }

  /// - Returns: the source's name when `once` gives up on it.
  private func follow(_ engine: any PortalEngine) async throws -> String? {
    guard let assignment else { return try await crawl(engine, until: context.drain) }
    while let lease = await assignment.lease(of: engine.source) {
      do {
        _ = try await crawl(engine, under: lease, until: lease.ended)
        await assignment.release(lease)
      } catch {
        await assignment.release(lease)
        throw error
      }
    }
    return nil
  }

  /// Passes over the source until `end` is raised: by the drain, or because the source moves to another replica.
  private func crawl(
    _ engine: any PortalEngine, under lease: SourceLease? = nil, until end: Interruption
  ) async throws -> String? {
    var logger = context.logger
    logger[metadataKey: "source"] = "\(engine.source)"
    let heartbeat = context.health.liveness("crawl_\(engine.source)", maxAge: settings.longestStep)
    defer { heartbeat.idle() }
    let ready = context.health.readiness("crawler")
    var backoff = settings.backoff
    let schedule = schedules[engine.source] ?? CrawlSchedule()
    while !end.isRaised {
      if !settings.once, !isActive(schedule) {
        heartbeat.idle()
        // Looks often enough to begin close to the hour.
        if await end.sleep(for: min(.seconds(60), interval(schedule))) { break }
        continue
      }
      let pass = Pass(
        engine: engine, store: store, announcer: announcer, settings: settings, zone: zone, drain: end, lease: lease,
        relisting: relisting, logger: logger, beat: { heartbeat.beat() })
      heartbeat.beat()
      relisting.passBegins(engine.source)
      let start = ContinuousClock.now
      var failure: (any Error)?
      do {
        let report = try await pass.run()
        if !report.isAbandoned { try await look(at: report, engine.source, schedule) }
        failure = report.failure
        if let failure {
          // A crawler that has listed one source stays ready when another portal is down.
          if !ready.current.ready { ready.set(ready: false, reason: "no source could be listed yet: \(failure)") }
        } else {
          ready.set(ready: true)
        }
        log(report, took: ContinuousClock.now - start, engine.source, logger)
      } catch is CancellationError {
        // A sibling ended the run.
        return nil
      } catch {
        // The cause may be that the source moved to another replica.
        if end.isRaised { break }
        // An error of the store or of Kafka concerns all sources.
        guard ErrorClass(of: error) == .transient else { throw error }
        ready.failed(error)
        failure = error
      }
      let delay: Duration
      if let failure {
        report(failure, engine.source, logger)
        if settings.once, backoff.attempt + 1 >= settings.onceAttempts { return engine.source }
        delay = backoff.next(retryAfter: (failure as? any ClassifiedError)?.retryAfter)
        heartbeat.retrying(after: failure, atMost: delay)
      } else {
        CrawlerMetrics.passed(engine.source, took: ContinuousClock.now - start, at: Date().timeIntervalSince1970)
        if settings.once { return nil }
        backoff.reset()
        delay = interval(schedule) * Double.random(in: (1 - settings.jitter)...(1 + settings.jitter))
        heartbeat.idle()
      }
      // A source that failed backs off; relist requests do not wake it.
      let isDraining = failure == nil
        ? await relisting.sleep(engine.source, for: delay, drain: end) : await end.sleep(for: delay)
      if isDraining { break }
    }
    return nil
  }

  private func interval(_ schedule: CrawlSchedule) -> Duration { schedule.interval ?? settings.interval }

  private func isActive(_ schedule: CrawlSchedule) -> Bool {
    guard let hours = schedule.activeHours else { return true }
    let seconds = Int64(now().timeIntervalSince1970)
    return hours.contains(localSeconds: seconds + Int64(zone.offsetSeconds(at: seconds)))
  }

  /// Compares a pass with the one before, and raises alerts.
  private func look(at report: Pass.Report, _ source: String, _ schedule: CrawlSchedule) async throws {
    let before = try await store.rows(of: source)
    let findings = Drift.findings(
      in: report, source: source, chain: source == "dir" ? nil : source, rowsBefore: before,
      isExpectedEmpty: !isActive(schedule))
    for finding in findings { await alerts.raise(finding) }
    // An empty listing is compared with the last one that had rows.
    if report.failure == nil, report.rows > 0 { try await store.remember(rows: report.rows, of: source) }
  }

  private func log(_ report: Pass.Report, took: Duration, _ source: String, _ logger: Logger) {
    var metadata: Logger.Metadata = [
      "listed": .stringConvertible(report.listed), "new": .stringConvertible(report.emitted),
      "seen": .stringConvertible(report.seen), "took_seconds": .stringConvertible(took / .seconds(1)),
    ]
    if !report.skipped.isEmpty {
      metadata["skipped"] = .string(
        report.skipped.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
    }
    logger.info("pass", metadata: metadata)
    // A portal lists the same misnamed files at every pass.
    let new = named.names.withLock { named in
      report.misnamed.filter { named.count < Self.maxNamed && named.insert("\(source)/\($0)").inserted }
    }
    for name in new { logger.warning("a file is left out for its name", metadata: ["file": "\(name)"]) }
  }

  private func report(_ error: any Error, _ source: String, _ logger: Logger) {
    let code = (error as? any ClassifiedError)?.code ?? "unknown"
    CrawlerMetrics.error(source, code)
    logger.error("pass failed", metadata: ["code": "\(code)", "error": "\(error)"])
  }
}

private final class LoggedNames: Sendable {
  let names = Mutex<Set<String>>([])
}
