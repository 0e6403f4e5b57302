import ArgumentParser
import Budgets
import Catalogue
import Commodities
import Core
import HTTP
import HTTPFlags
import KafkaFlags
import Logging
import ObjectStoreFlags
import Options
import Pipeline
import Redis
import RedisFlags
import ServiceKit
import Values

/// `fetcher`: asks providers for what is due and publishes what is new.
package struct FetcherCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.fetcher.name,
    abstract: "Asks providers for the prices and demands that are due, and publishes what is new.",
    discussion: """
      With --kind commodities reads \(Topics.ingestionTasks.name) and writes sentinel_market_data.<category>; with \
      another kind reads fetch-<kind> in a group of its own. Any number of replicas share the work, the rates of the \
      providers and the memory of what was published, the latter two in Redis; without --redis-url each process has \
      its own.
      """,
    version: Souk.version)

  @OptionGroup(title: "Fetching") package var fetch: FetchOptions
  @OptionGroup(title: "Market data") package var market: MarketOptions
  @OptionGroup(title: "Markets") package var markets: CommodityOptions
  @OptionGroup(title: "Network") package var access: AccessOptions
  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var options: ServiceOptions

  package init() {}

  /// A test asks as a check does, and then stops.
  package var service: ServiceOptions {
    var options = options
    if market.test { options.check = true }
    return options
  }

  package static let metrics: [MetricDescription] =
    FetchMetrics.descriptions + TaskHandler.descriptions + HistoryMetrics.descriptions + BarsAdapter.descriptions
      + NewsAdapter.descriptions + SocialAdapter.descriptions + FilingsAdapter.descriptions + ChainsAdapter.descriptions
      + TranscriptsAdapter.descriptions + PipelineMetrics.jobs + RedisMetrics.descriptions

  static let now: @Sendable () -> Timestamp = Timestamp.now

  package func work(_ needs: Needs) -> Work {
    guard case .market(let kind) = market.kind else { return commodities(needs) }
    return market.test ? test(kind, needs) : marketData(kind, needs)
  }

  private func commodities(_ needs: Needs) -> Work {
    let context = needs.context
    let consumer = self.consumer(needs)
    let queue = redisQueue(needs)
    let providers = needs.add(Need(
      "catalogue", open: { try makeProviders(queue.value, context.logger) },
      check: { providers in
        let names = providers.pool.providers.map(\.source.name).joined(separator: ", ")
        return "\(providers.catalogue.series.count) series, sources: \(names)"
      },
      close: { $0.client.close() }))
    return consumer.jobs(concurrency: fetch.concurrency) { [fetch] in
      let (queue, providers) = (try queue.value, try providers.value)
      Self.warn(queue, context.logger)
      let states: any StateStore = queue.map { RedisStateStore($0) } ?? MemoryStateStore()
      return FetchHandler(
        jobs: JobReader(providers.catalogue, sources: providers.sources), pool: providers.pool, states: states,
        settings: fetch.handler, identity: consumer.identity, readiness: FetchHandler.Readiness(context.health),
        logger: context.logger, now: Self.now)
    }
  }

  /// The topics and the group of the kind.
  func consumer(_ needs: Needs) -> ConsumerService {
    var kafka = kafka
    kafka.groupId = kafka.groupId ?? market.kind.group
    return needs.consumer(ServiceCatalogue.fetcher, kafka, pipeline, outputs: market.kind.outputs) { [market] in
      market.kind.inputs
    }
  }

  func redisQueue(_ needs: Needs) -> Opened<RedisMultiplexer?> {
    // Nothing is consumed before Redis has answered once: a wrong password stops the service before it works.
    needs.add(Need(
      "redis", as: "Redis", condition: "state", open: makeQueue,
      check: { queue in
        guard let queue else { return "none: rates and memory are each process' own" }
        try await queue.ping()
        return "answers"
      },
      prepare: { queue in
        try await queue?.ping()
        return ""
      },
      close: { await $0?.close() }))
  }

  static func warn(_ queue: RedisMultiplexer?, _ logger: Logger) {
    guard queue == nil else { return }
    logger.warning(
      "no --redis-url: every replica has the providers' rates for itself, and a restart publishes once more")
  }

  private func makeQueue() throws -> RedisMultiplexer? {
    guard redis.redisURL != nil else { return nil }
    return RedisMultiplexer(try redis.makeClient(clientName: ServiceCatalogue.fetcher.name))
  }

  static func tokens(
    _ source: String, _ limits: RateLimits, _ queue: RedisMultiplexer?
  ) throws(Failure) -> any TokenSource {
    if let queue { return try RedisTokens(queue, source: source, limits: limits) }
    return try LocalTokens(limits)
  }

  private struct Providers: Sendable {
    var catalogue: CommodityCatalogue
    var sources: [CommoditySource]
    var client: HTTPClient
    var pool: ProviderPool
  }

  func makeClient() throws -> HTTPClient {
    var configuration = try access.configuration(name: "fetch", maxPerOrigin: 0, protocols: .http2)
    configuration.maxIdleConnections = max(256, min(fetch.concurrency, 4_096))
    return try HTTPClient(configuration)
  }

  func verifyDelivery() throws(Failure) {
    // What is remembered as published must be published: inside a transaction that may still be taken back it is not.
    guard kafka.delivery != .exactlyOnce else {
      throw Failure(
        .configuration, code: "delivery_unsupported",
        "--delivery exactly-once is not for the fetcher: a repeated observation has the same name and changes nothing")
    }
  }

  /// - Throws: a configuration `Failure`, also for a secret that cannot be read: before any work, not in its middle.
  private func makeProviders(_ queue: RedisMultiplexer?, _ logger: Logger) throws -> Providers {
    try verifyDelivery()
    let catalogue = try CommodityCatalogue.load(file: markets.catalogue)
    let sources = try catalogue.readSources()
    let client = try makeClient()
    let cache = ResponseCache(maxBytes: fetch.cacheSize.bytes)
    let providers = try sources.map { source in
      try Provider(
        source, settings: fetch.providers, client: client, tokens: try Self.tokens(source.word, source.limits, queue),
        cache: cache, logger: logger, now: Self.now)
    }
    return Providers(
      catalogue: catalogue, sources: sources, client: client,
      pool: ProviderPool(providers, maxChange: fetch.maxChange))
  }
}
