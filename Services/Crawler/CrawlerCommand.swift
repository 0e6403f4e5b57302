import ArgumentParser
import Catalogue
import Core
import Foundation
import HTTPFlags
import KafkaFlags
import Logging
import Messages
import Options
import Pipeline
import Portals
import PriceFiles
import Redis
import RedisFlags
import ServiceKit
import ServiceState
import Values

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
  var crawling: CrawlOptions
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

  package func work(_ needs: Needs) -> Work {
    let (crawling, catalogue, context) = (crawling, catalogue, needs.context)
    let relisting = RelistRequests()
    let sources = needs.add(.setting("sources", {
      try crawling.sources(in: ChainCatalogue.load(file: catalogue.catalogue))
    }) { sources in
      sources.map(\.label).joined(separator: ", ")
    })
    let store = needs.add(Need(
      "state", condition: "state", open: makeStore,
      check: { store in
        try await store.state.ping()
        return "\(try state().kind)"
      },
      close: { await $0.state.close() }))
    var kafka = kafka
    // Each shard hears of every link: only it can wake the loops of its chains.
    if let shard = crawling.shard, kafka.groupId == nil {
      kafka.groupId = "\(ServiceCatalogue.crawler.name)-\(shard.index)-of-\(shard.count)"
    }
    let consumer = needs.consumer(ServiceCatalogue.crawler, kafka, pipeline, consumes: !crawling.once)
    let plan = needs.add(Need("fetching", open: { try makePlan(sources.value, context.logger) }))
    needs.probe { report in
      do {
        for engine in try makePlan(sources.value, context.logger).engines { await Self.probe(engine, report) }
      } catch {
        report.failed("fetching", error)
      }
    }
    let sharing = needs.add(Need(
      "leases", open: { try makeAssignment(of: sources.value, relisting, context) },
      close: { await $0?.client.close() }))
    return consumer.clients.source("crawler") { producer in
      let (plan, store, assignment) = (try plan.value, try store.value, try sharing.value?.assignment)
      let kind = try state().kind
      let announcer = KafkaAnnouncer(producer: producer, identity: consumer.identity)
      let alerts = AlertLog(announcer: announcer, logger: context.logger)
      let crawler = Crawler(
        engines: plan.engines, store: store, announcer: announcer, settings: plan.settings, zone: plan.zone,
        context: context, schedules: plan.schedules, relisting: relisting, alerts: alerts, assignment: assignment)
      let expired = ExpiredHandler(
        store: store, relisting: relisting, assignment: assignment, budget: RelistBudget(limit: crawling.relistLimit),
        alerts: alerts, logger: context.logger)
      context.logger.info(
        "crawling", metadata: [
          "sources": "\(plan.engines.map(\.source).joined(separator: ","))", "state": "\(kind)",
          "topic": "\(FileDiscovered.topic.name)",
        ])
      if crawling.once { return try await crawler.run() }
      // Crawls, and takes back what expired. Without sources in this shard the crawl ends at once and the process
      // stays. Crawling goes on while the group waits for its partitions: `/readyz` does not depend on it.
      try await Work.together(
        Work { try await crawler.run() }, consumer.aside().jobs(concurrency: 1) { expired }, draining: context.drain
      ).run()
    }
  }

  private static func probe(_ engine: any PortalEngine, _ report: CheckReport) async {
    await report.probe("source \(engine.source)", limit: .seconds(60)) {
      var listed = 0
      try await engine.list([.stores]) { listing in
        listed += listing.files.count
        return false
      }
      return "answers, \(listed) files on the first page"
    }
  }

  private struct Plan: Sendable {
    var engines: [any PortalEngine]
    var settings: CrawlSettings
    var zone: ZoneTable
    var schedules: [String: CrawlSchedule]
  }

  private func makePlan(_ sources: [CrawlSource], _ logger: Logger) throws -> Plan {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    var settings = try crawling.settings(zone: zone)
    settings.longestStep = max(settings.longestStep, ListingClient.Retries().longest(http.fetchTimeout.duration) * 1.5)
    return Plan(
      engines: try makeEngines(sources, zone, logger), settings: settings, zone: zone,
      schedules: Dictionary(sources.map { ($0.label, $0.chain.schedule) }, uniquingKeysWith: { first, _ in first }))
  }

  private func makeEngines(_ sources: [CrawlSource], _ zone: ZoneTable, _ logger: Logger) throws -> [any PortalEngine] {
    let client = try http.makeClient(name: "crawler-http")
    let rateLimiter = HostRateLimiter()
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
        rateLimiter: rateLimiter, gap: chain.schedule.requestGap ?? crawling.requestGap.duration,
        userAgent: chain.userAgent, logger: logger)
      var logger = logger
      logger[metadataKey: "source"] = "\(source.label)"
      return try EngineTable.kind(chain.engine).make(EngineContext(
        chain: chain, label: source.label, chainName: source.chainName, listings: listings, limits: limits,
        zone: zone, logger: logger))
    }
  }

  /// Without `--state`, what `--redis-url` names; without that, memory.
  private func state() throws(Failure) -> StateLocation {
    try crawling.state.map { text throws(Failure) in try StateLocation(text) }
      ?? redis.redisURL.map { .redis($0) } ?? .memory
  }

  /// - Returns: nil when this process crawls all it was told to: one pass only, a shard, a state of its own.
  private func makeAssignment(
    of sources: [CrawlSource], _ relisting: RelistRequests, _ context: ServiceContext
  ) throws -> (assignment: SourceAssignment, client: RedisClient)? {
    guard !crawling.once, crawling.shard == nil, case .redis(let url) = try state() else { return nil }
    // Its own connection: a long list of marks must not hold up a renewal.
    let client = try redis.makeClient(clientName: "crawler-leases", url: url)
    let assignment = SourceAssignment(
      leases: RedisLeases(client: client, retention: crawling.remember.duration),
      sources: Dictionary(sources.map { ($0.label, $0.leaseName) }, uniquingKeysWith: { first, _ in first }),
      timeout: crawling.leaseTimeout.duration,
      name: kafka.groupInstanceId ?? ProcessInfo.processInfo.hostName, relisting: relisting, context: context)
    return (assignment, client)
  }

  private func makeStore() throws -> SeenStore {
    SeenStore(try state().open(
      prefix: SeenStore.prefix, retention: crawling.remember.duration, format: SeenStore.format
    ) { url throws(Failure) in try redis.makeClient(clientName: "crawler", url: url) })
  }
}

/// `crawler sources`: the chains that `--source` knows by name.
struct SourcesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sources", abstract: "Prints the chains that --source knows by name, and the engines.")

  @Argument(help: ArgumentHelp("A file of chains to show with the embedded ones.", valueName: "catalogue"))
  var file: String?

  func run() throws { print(Self.table(try ChainCatalogue.load(file: file))) }

  static func table(_ catalogue: ChainCatalogue) -> String {
    let chains = catalogue.chains.map { chain in
      [
        chain.slug, chain.name, chain.engine, chain.allIDs.isEmpty ? "-" : chain.allIDs.joined(separator: " "),
        chain.isClosed ? "closed" : chain.locator + (chain.path ?? ""),
      ]
    }
    let engines = EngineTable.all.map { [$0.name, $0.summary] }
    return text(["SOURCE", "CHAIN", "ENGINE", "CHAIN IDS", "PORTAL"], chains) + "\n\n"
      + text(["ENGINE", "SPEAKS TO"], engines)
  }

  private static func text(_ columns: [TextTable.Column], _ rows: [[String]]) -> String {
    var table = TextTable(columns, hasRule: false)
    for row in rows { table.append(row) }
    return table.lines.joined(separator: "\n")
  }
}
