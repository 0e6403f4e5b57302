import Foundation
import Logging
import Portals
import Runtime
import Schemas
import ServiceKit
import Synchronization

/// Passes over every source, again and again, each in a task of its own: one that fails or hangs delays no other.
package struct Crawler: Sendable {
  let engines: [any PortalEngine]
  let store: any SeenStore
  let announcer: any Announcer
  let settings: CrawlSettings
  let zone: ZoneTable
  let context: ServiceContext
  /// By source; a source without one has the settings' interval and no hours.
  let schedules: [String: CrawlSchedule]
  let relisting: RelistRequests
  let alerts: AlertLog
  /// With several replicas over one state: which sources this one may crawl, and until when. nil for all, always.
  let shares: ChainShares?
  private let now: @Sendable () -> Date
  /// Files whose names were found wrong, and logged.
  private let named = LoggedNames()
  private static let maxNamed = 10_000

  package init(
    engines: [any PortalEngine], store: any SeenStore, announcer: any Announcer, settings: CrawlSettings,
    zone: ZoneTable, context: ServiceContext, schedules: [String: CrawlSchedule] = [:],
    relisting: RelistRequests = RelistRequests(), alerts: AlertLog? = nil, shares: ChainShares? = nil,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.engines = engines
    self.store = store
    self.announcer = announcer
    self.settings = settings
    self.zone = zone
    self.context = context
    self.schedules = schedules
    self.relisting = relisting
    self.shares = shares
    self.alerts = alerts ?? AlertLog(announcer: announcer, logger: context.logger, now: now)
    self.now = now
  }

  /// Returns when drained, or with `once` when every source was passed over.
  /// - Throws: configuration and fatal errors of the store and of Kafka; with `once`, `crawl_incomplete` when a
  ///   source could not be read to its end.
  package func run() async throws {
    let failed = try await withThrowingTaskGroup(of: String?.self) { group in
      for engine in engines {
        group.addTask { try await follow(engine) }
      }
      if let shares {
        group.addTask {
          try await shares.run()
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

  /// - Returns: the source's name when `once` has to give it up.
  private func follow(_ engine: any PortalEngine) async throws -> String? {
    guard let shares else { return try await crawl(engine, store, announcer, until: context.drain) }
    while let tenure = await shares.tenure(of: engine.source) {
      do {
        _ = try await crawl(
          engine, FencedStore(store: store, leases: shares.leases, tenure: tenure),
          FencedAnnouncer(announcer: announcer, tenure: tenure), until: tenure.ended)
        await shares.giveBack(tenure)
      } catch {
        await shares.giveBack(tenure)
        throw error
      }
    }
    return nil
  }

  /// Passes over the source until `end` is raised: by the drain, or because the source is another replica's.
  private func crawl(
    _ engine: any PortalEngine, _ store: any SeenStore, _ announcer: any Announcer, until end: Interruption
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
        // Looked at again often enough to begin close to the hour.
        if await end.sleep(for: min(.seconds(60), interval(schedule))) { break }
        continue
      }
      let pass = Pass(
        engine: engine, store: store, announcer: announcer, settings: settings, zone: zone, drain: end,
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
          // Others may be fine: a portal that is down makes no crawler unready that has listed any.
          if !ready.current.ready { ready.set(ready: false, reason: "no source could be listed yet: \(failure)") }
        } else {
          ready.set(ready: true)
        }
        log(report, took: ContinuousClock.now - start, engine.source, logger)
      } catch is CancellationError {
        // A sibling ended the run.
        return nil
      } catch {
        // What stopped it may be that the source is not ours any more.
        if end.isRaised { break }
        // The store or Kafka: everybody's trouble.
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
        CrawlerMetrics.passed(
          engine.source, took: ContinuousClock.now - start, at: Date().timeIntervalSince1970)
        if settings.once { return nil }
        backoff.reset()
        delay = interval(schedule) * Double.random(in: (1 - settings.jitter)...(1 + settings.jitter))
        heartbeat.idle()
      }
      // A source that failed keeps its distance, whoever asks for it.
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

  /// Compares a pass with the one before, and raises what a person should know.
  private func look(at report: Pass.Report, _ source: String, _ schedule: CrawlSchedule) async throws {
    let before = try await store.rows(of: source)
    let findings = Drift.findings(
      in: report, source: source, chain: source == "dir" ? nil : source, rowsBefore: before,
      isExpectedEmpty: !isActive(schedule))
    for finding in findings { await alerts.raise(finding) }
    // An empty listing is compared with the last one that was not.
    if report.failure == nil, report.rows > 0 { try await store.remember(rows: report.rows, of: source) }
  }

  private func log(_ report: Pass.Report, took: Duration, _ source: String, _ logger: Logger) {
    var metadata: Logger.Metadata = [
      "listed": .stringConvertible(report.listed), "new": .stringConvertible(report.emitted),
      "seen": .stringConvertible(report.seen), "took": "\(took)",
    ]
    if !report.skipped.isEmpty {
      metadata["skipped"] = .string(
        report.skipped.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
    }
    logger.info("pass", metadata: metadata)
    // A portal lists the same ones at every pass.
    let new = named.names.withLock { named in
      report.misnamed.filter { named.count < Self.maxNamed && named.insert("\(source)/\($0)").inserted }
    }
    for name in new { logger.warning("left out for its name", metadata: ["file": "\(name)"]) }
  }

  private func report(_ error: any Error, _ source: String, _ logger: Logger) {
    let code = (error as? any ClassifiedError)?.code ?? "unknown"
    CrawlerMetrics.error(source, code)
    logger.error("pass failed", metadata: ["code": "\(code)", "error": "\(error)"])
  }
}

/// Names that were logged once.
private final class LoggedNames: Sendable {
  let names = Mutex<Set<String>>([])
}
