import ArgumentParser
import HTTP
import Kafka
import Logging
import Markets
import Pipeline
import Redis
import Runtime
import Schemas
import ServiceKit

/// `fetcher`: asks providers for what is due and publishes what is new.
package struct FetcherCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.fetcher.name,
    abstract: "Asks providers for the prices and demands that are due, and publishes what is new.",
    discussion: """
      Reads \(Topics.ingestionTasks.name), writes sentinel_market_data.<category>. Any number of replicas share the \
      work, the rates of the providers and the memory of what was published, the latter two in Redis; without \
      --redis-url each process has its own.
      """,
    version: Souk.version)

  @OptionGroup(title: "Fetching") package var fetch: FetchOptions
  @OptionGroup(title: "Markets") package var markets: MarketOptions
  @OptionGroup(title: "Network") package var access: AccessOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] =
    FetchMetrics.descriptions + PipelineMetrics.jobs + RedisMetrics.descriptions

  private static let now: @Sendable () -> Timestamp = Timestamp.now

  package func check(_ report: CheckReport) async {
    let command = self
    let logger = Logger(label: ServiceCatalogue.fetcher.name)
    let topics = (ServiceCatalogue.fetcher.inputs + ServiceCatalogue.fetcher.outputs).map(\.name)
    await report.probe("kafka") {
      try await command.kafka.check(clientID: ServiceCatalogue.fetcher.name, topics: topics, logger: logger)
    }
    await report.probe("redis") {
      guard let queue = try command.makeQueue() else { return "none: rates and memory are each process' own" }
      try await queue.ping()
      return "answers"
    }
    await report.probe("catalogue") {
      try command.refuseTransactions()
      let catalogue = try command.markets.load()
      let client = try command.makeClient()
      defer { client.close() }
      let pool = try command.makePool(catalogue.readSources(), client, nil, logger)
      let names = pool.providers.map(\.source.name).joined(separator: ", ")
      return "\(catalogue.series.count) series, sources: \(names)"
    }
  }

  package func run(in context: ServiceContext) async throws {
    try refuseTransactions()
    let catalogue = try markets.load()
    let sources = try catalogue.readSources()
    let client = try makeClient()
    defer { client.close() }
    let queue = try makeQueue()
    if queue == nil {
      context.logger.warning(
        "no --redis-url: every replica has the providers' rates for itself, and a restart publishes once more")
    }
    let pool = try makePool(sources, client, queue, context.logger)
    let readiness = FetchHandler.Readiness(context.health)
    let states: any StateStore = queue.map { RedisStateStore($0) } ?? MemoryStateStore()
    guard try await awaitState(states, readiness.state, context) else { return }
    let consumers = ConsumerService(
      entry: ServiceCatalogue.fetcher, kafka: kafka, pipeline: pipeline, context: context)
    let handler = FetchHandler(
      jobs: JobReader(catalogue, sources: sources), pool: pool, states: states, settings: fetch.handler,
      identity: consumers.identity, readiness: readiness, logger: context.logger, now: Self.now)
    try await consumers.run(concurrency: fetch.concurrency, handler)
  }

  /// What is remembered as published must be published: inside a transaction that may still be taken back it is not.
  private func refuseTransactions() throws(Failure) {
    guard kafka.delivery == .exactlyOnce else { return }
    throw Failure(
      .configuration, code: "delivery_unsupported",
      "--delivery exactly-once is not for the fetcher: a repeated observation has the same name and changes nothing")
  }

  private func makeClient() throws -> HTTPClient {
    var configuration = try access.configuration(name: "fetch", maxPerOrigin: 0, protocols: .http2)
    configuration.maxIdleConnections = max(256, min(fetch.concurrency, 4_096))
    return try HTTPClient(configuration)
  }

  private func makeQueue() throws -> RedisQueue? {
    guard redis.redisURL != nil else { return nil }
    return RedisQueue(try redis.makeClient(clientName: ServiceCatalogue.fetcher.name))
  }

  /// - Throws: a configuration `Failure` for a secret that cannot be read: before any work, not in its middle.
  private func makePool(
    _ sources: [Source], _ client: HTTPClient, _ queue: RedisQueue?, _ logger: Logger
  ) throws(Failure) -> ProviderPool {
    let cache = ResponseCache(maxBytes: fetch.cacheSize.bytes)
    var providers: [Provider] = []
    for source in sources {
      let shared = queue.map { RedisTokens($0, source: source.word, limit: source.rate) }
      providers.append(try Provider(
        source, settings: fetch.providers, client: client, tokens: shared ?? LocalTokens(source.rate), cache: cache,
        logger: logger, now: Self.now))
    }
    return ProviderPool(providers, maxChange: fetch.maxChange)
  }

  /// Nothing is consumed before Redis has answered once: a wrong password must stop the service before it works.
  /// - Returns: false when the service was asked to drain first.
  private func awaitState(
    _ states: any StateStore, _ readiness: ReadinessCondition, _ context: ServiceContext
  ) async throws -> Bool {
    var backoff = pipeline.backoff
    while !context.drain.isRaised {
      do {
        try await states.check()
        readiness.set(ready: true)
        return true
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error)
        context.logger.warning("waiting for Redis", metadata: ["reason": "\(error)"])
        _ = await context.drain.sleep(for: backoff.next())
      }
    }
    return false
  }
}
