import ArgumentParser
import Foundation
import HTTP
import Kafka
import Logging
import Pipeline
import Portals
import PriceFiles
import Redis
import Runtime
import Schemas
import ServiceKit

/// `crawler`: lists portals and announces the files it has not seen before.
package struct CrawlerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "crawler",
    abstract: "Lists price portals and announces the files it has not seen before. Downloads nothing.",
    discussion: """
      A source is a chain of the catalogue (`crawler sources` prints it), all of them (all), bina:<prefix> for any \
      portal of binaprojects.com, <engine>+https://host/path?chain=<name> for a portal elsewhere, https:// or \
      ftps:// with a folder of files, or dir:<folder>.
      """,
    version: Souk.version, subcommands: [SourcesCommand.self])

  package static let metrics: [MetricDescription] =
    CrawlerMetrics.descriptions + PipelineMetrics.jobs + RedisMetrics.descriptions

  @OptionGroup(title: "Crawling")
  package var crawling: CrawlOptions
  @OptionGroup(title: "Catalogue")
  package var catalogue: ChainCatalogueOptions
  @OptionGroup(title: "Fetching")
  package var http: HTTPOptions
  @OptionGroup(title: "Redis")
  package var redis: RedisOptions
  @OptionGroup(title: "Kafka")
  package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline")
  package var pipeline: PipelineOptions
  @OptionGroup(title: "Service")
  package var service: ServiceOptions

  package init() {}

  package func check(_ report: CheckReport) async {
    let logger = Logger(label: "crawler") { _ in SwiftLogNoOpLogHandler() }
    var sources: [Source] = []
    do {
      sources = try crawling.sources(in: catalogue.load())
      report.ok("sources", sources.map(\.label).joined(separator: ", "))
    } catch {
      report.failed("sources", error)
    }
    await report.probe("state") {
      let store = try makeStore()
      try await store.ping()
      await store.close()
      return "\(try state().kind)"
    }
    let topics = ServiceCatalogue.crawler.inputs + ServiceCatalogue.crawler.outputs
    await report.probe("kafka", limit: .seconds(20)) {
      try await kafka.check(
        clientID: ServiceCatalogue.crawler.name, topics: topics.map(\.name), consumes: !crawling.once, logger: logger)
    }
    do {
      let engines = try makeEngines(sources, logger: logger)
      for engine in engines {
        await report.probe("source \(engine.source)", limit: .seconds(60)) {
          var listed = 0
          for try await listing in engine.listings(of: [.stores]) {
            listed += listing.files.count
            break
          }
          return "answers, \(listed) files on the first page"
        }
      }
    } catch {
      report.failed("fetching", error)
    }
  }

  package func run(in context: ServiceContext) async throws {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    var settings = try crawling.settings(zone: zone)
    settings.longestStep = max(settings.longestStep, ListingClient.Patience().longest(http.fetchTimeout.duration) * 1.5)
    let sources = try crawling.sources(in: catalogue.load())
    let engines = try makeEngines(sources, logger: context.logger)
    let store = try makeStore()
    let relisting = RelistRequests()
    let sharing = try makeShares(of: sources, relisting, context)
    let ready = context.health.readiness("kafka")
    let isLetIn = try await kafka.waitUntilLetIn(
      clientID: context.name, topics: [FileDiscovered.topic.name], consumes: false, drain: context.drain,
      logger: context.logger
    ) { ready.set(ready: $0 == nil, reason: $0 ?? "") }
    guard isLetIn else {
      await store.close()
      await sharing?.client.close()
      return
    }
    let producer = try Producer(
      kafka.producerConfiguration(clientID: context.name, logger: context.logger))
    let stateKind = try state().kind
    let announcer = KafkaAnnouncer(producer: producer)
    let alerts = AlertLog(announcer: announcer, logger: context.logger)
    let crawler = Crawler(
      engines: engines, store: store, announcer: announcer, settings: settings, zone: zone, context: context,
      schedules: Dictionary(sources.map { ($0.label, $0.chain.schedule) }, uniquingKeysWith: { first, _ in first }),
      relisting: relisting, alerts: alerts, shares: sharing?.shares)
    let expired = ExpiredHandler(
      store: store, relisting: relisting, shares: sharing?.shares, budget: RelistBudget(limit: crawling.relistLimit),
      alerts: alerts, logger: context.logger)
    context.logger.info(
      "crawling", metadata: [
        "sources": "\(engines.map(\.source).joined(separator: ","))", "state": "\(stateKind)",
        "topic": "\(FileDiscovered.topic.name)",
      ])
    let outcome: Result<Void, any Error>
    do {
      try await run(crawler, expired, context)
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await producer.close(within: context.drainTimeout)
    await store.close()
    await sharing?.client.close()
    try outcome.get()
  }

  /// Crawls, and takes back what expired. When one of the two fails, the other is drained.
  private func run(_ crawler: Crawler, _ expired: ExpiredHandler, _ context: ServiceContext) async throws {
    if crawling.once { return try await crawler.run() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await crawler.run() }
      group.addTask { try await takeBack(expired, context) }
      do {
        // Without sources in this shard the crawl ends at once and the process stays.
        try await group.waitForAll()
      } catch {
        context.drain.raise()
        throw error
      }
    }
  }

  private func takeBack(_ handler: ExpiredHandler, _ context: ServiceContext) async throws {
    var kafka = kafka
    // Each shard hears of every link: only it can wake the loops of its chains.
    if let shard = crawling.shard, kafka.groupId == nil {
      kafka.groupId = "\(ServiceCatalogue.crawler.name)-\(shard.index)-of-\(shard.count)"
    }
    // Crawling goes on while this group waits for its partitions: its readiness is its own.
    let aside = ServiceContext(
      name: context.name, logger: context.logger, drain: context.drain, drainTimeout: context.drainTimeout,
      health: Health(), httpPort: context.httpPort)
    try await ConsumerService(
      entry: ServiceCatalogue.crawler, kafka: kafka, pipeline: pipeline, context: aside
    ).run(concurrency: 1, handler)
  }

  private func makeEngines(_ sources: [Source], logger: Logger) throws -> [any PortalEngine] {
    let client = try http.makeClient(name: "crawler-http")
    let pace = HostPace()
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    var limits = EngineLimits()
    limits.rowCap = crawling.listingRowCap
    limits.maxRows = crawling.maxListingRows
    limits.maxRequests = crawling.maxListingRequests
    limits.days = crawling.listingDays
    return try sources.map { source in
      var chain = source.chain
      if chain.engine == "bina", chain.options["links"] == nil { chain.options["links"] = crawling.binaLinks.rawValue }
      let listings = ListingClient(
        source: source.label, client: client, limits: http.limits(maxBodyBytes: crawling.maxListingBytes.bytes),
        pace: pace, gap: chain.schedule.requestGap ?? crawling.requestGap.duration, userAgent: chain.userAgent,
        logger: logger)
      return try EngineTable.kind(chain.engine).make(EngineContext(
        chain: chain, label: source.label, chainName: source.chainName, listings: listings, limits: limits,
        zone: zone, logger: logger))
    }
  }

  /// Without `--state`, what `--redis-url` names; without that, memory.
  private func state() throws(Failure) -> StateLocation {
    if let text = crawling.state { return try StateLocation(text) }
    return redis.redisURL.map { .redis($0) } ?? .memory
  }

  /// - Returns: nil when this process crawls all it was told to: one pass only, a shard, a state of its own.
  private func makeShares(
    of sources: [Source], _ relisting: RelistRequests, _ context: ServiceContext
  ) throws -> (shares: ChainShares, client: RedisClient)? {
    guard !crawling.once, crawling.shard == nil, case .redis(let url) = try state() else { return nil }
    // Its own connection: a long list of marks must not hold up a renewal.
    let client = try redis.makeClient(clientName: "crawler-leases", url: url)
    let shares = ChainShares(
      leases: RedisLeases(client: client, retention: crawling.remember.duration),
      sources: Dictionary(sources.map { ($0.label, $0.leaseName) }, uniquingKeysWith: { first, _ in first }),
      timeout: crawling.leaseTimeout.duration,
      name: kafka.groupInstanceId ?? ProcessInfo.processInfo.hostName, relisting: relisting, context: context)
    return (shares, client)
  }

  private func makeStore() throws -> any SeenStore {
    let retention = crawling.remember.duration
    switch try state() {
    case .memory: return MemorySeenStore()
    case .file(let path): return try FileSeenStore(path: path, retention: retention)
    case .redis(let url):
      return RedisSeenStore(client: try redis.makeClient(clientName: "crawler", url: url), retention: retention)
    }
  }
}
