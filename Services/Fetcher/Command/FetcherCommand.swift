import ArgumentParser
import Budgets
import Catalogue
import Commodities
import Core
import HTTP
import HTTPFlags
import Kafka
import KafkaFlags
import Logging
import Markets
import Messages
import ObjectStore
import ObjectStoreFlags
import Options
import Pipeline
import Redis
import RedisFlags
import Sentiment
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

  @OptionGroup(title: "Fetching") var fetch: FetchOptions
  @OptionGroup(title: "Market data") var market: MarketOptions
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

/// Work on market data.
extension FetcherCommand {
  struct Sources: Sendable {
    var clients: [SourceClient]
    /// Embedded sources whose keys are not there.
    var unused: [String]
    var http: HTTPClient

    var summary: String {
      let names = clients.map { client in
        let limits = client.source.limits.limits.map(\.text).joined(separator: ", ")
        return "\(client.source.name) (\(limits.isEmpty ? "no limit" : limits))"
      }.joined(separator: ", ")
      return names + (unused.isEmpty ? "" : "; without a key: \(unused.joined(separator: ", "))")
    }
  }

  func marketData(_ kind: FetchKind, _ needs: Needs) -> Work {
    let context = needs.context
    let consumer = self.consumer(needs)
    let queue = redisQueue(needs)
    let sources = self.sources(of: kind, queue, needs)
    let store = kind.storesDocuments
      ? needs.add(objectStore.need(
      condition: "object_store", creates: true, lock: market.objectLock?.duration))  : nil
    let names = self.names(needs)
    return consumer.jobs(concurrency: fetch.concurrency) { [market] in
      let (queue, sources) = (try queue.value, try sources.value)
      Self.warn(queue, context.logger)
      let adapter = try kind.makeAdapter(
        queue, shelf: try store.map { DocumentShelf(try $0.value) }, largest: market.maxDocumentSize.bytes,
        names: book(try names.value, queue), context.logger)
      return TaskHandler(
        kind, adapter: adapter, sources: sources.clients, identity: consumer.identity,
        readiness: FetchHandler.Readiness(context.health), logger: context.logger, now: Self.now)
    }
  }

  /// Asks each source once, beside what other processes spend of its budget, and prints what would be published.
  func test(_ kind: FetchKind, _ needs: Needs) -> Work {
    let queue = redisQueue(needs)
    let sources = self.sources(of: kind, queue, needs)
    let (ticker, only, logger) = (market.ticker, market.source, needs.logger)
    let (location, largest) = (objectStore.objectStore, market.maxDocumentSize.bytes)
    let names = self.names(needs)
    needs.probe { report in
      guard let clients = try? sources.value.clients else { return }
      let chosen = clients.filter { only == nil || $0.source.name == only }
      if chosen.isEmpty {
        report.failed("test", Failure(
          .configuration, code: "unknown_source",
          "--source: '\(only ?? "")' is none of \(clients.map(\.source.name).joined(separator: ", "))"))
      }
      for client in chosen {
        await report.probe("test \(client.source.name)", limit: .seconds(60)) {
          // Nothing is remembered: what is new to this process is what a first task would publish.
          let shelf = kind.storesDocuments ? DocumentShelf(pretending: try ObjectLocation(location)) : nil
          let book = book(try names.value, try queue.value)
          let adapter = try kind.makeAdapter(nil, shelf: shelf, largest: largest, names: book, logger)
          let symbols = try Tickers.list(ticker, flag: "--ticker")
          let fetched = try await adapter.fetch(
            adapter.testTask(of: client.source.name, symbols, now: Self.now()), from: client, now: Self.now())
          for record in fetched.records {
            print("\(record.topic.name) \(String(decoding: record.value, as: UTF8.self))")
          }
          for (symbol, error) in fetched.refused.sorted(by: { $0.key < $1.key }) {
            print("refused \(symbol): \(error)")
          }
          return "\(fetched.records.count) records would be published"
        }
      }
    }
    return Work {}
  }

  /// A file's names stay.
  private func book(_ names: CompanyNames, _ queue: RedisMultiplexer?) -> CompanyBook {
    CompanyBook(names, updatedBy: market.names == nil ? queue : nil)
  }

  private func names(_ needs: Needs) -> Opened<CompanyNames> {
    needs.add(.setting("names", { [market] () throws(Failure) in try market.companies() }) { names in
      "\(names.companies) companies"
    })
  }

  private func sources(of kind: FetchKind, _ queue: Opened<RedisMultiplexer?>, _ needs: Needs) -> Opened<Sources> {
    needs.add(Need(
      "sources", open: { [logger = needs.logger] in try makeSources(kind, queue.value, logger) },
      check: { $0.summary }, close: { $0.http.close() }))
  }

  /// - Throws: a configuration `Failure`, also for a key that cannot be read: before any work, not in its middle.
  private func makeSources(_ kind: FetchKind, _ queue: RedisMultiplexer?, _ logger: Logger) throws -> Sources {
    try verifyDelivery()
    let http = try makeClient()
    var sources = Sources(clients: [], unused: [], http: http)
    for source in try DataSource.load(file: market.sources.dataSources) where source.kind.tasks.contains(kind) {
      let (key, secret, userAgent): (String, String?, String?)
      do throws(Failure) {
        key = try source.key?.resolve() ?? ""
        secret = try source.secret?.resolve()
        userAgent = try source.userAgent?.resolve()
        if key.isEmpty && source.kind.hasKey || secret?.isEmpty == true {
          throw Failure(
            .configuration, code: "secret_missing", "the key of source '\(source.name)' is empty (\(source.keyNames))")
        }
      } catch {
        guard source.isEmbedded else { throw error }
        sources.unused.append(source.name)
        continue
      }
      try source.verify(userAgent: userAgent)
      let gate = ProviderGate(
        source.name, word: source.word, settings: fetch.providers.gate, concurrency: source.concurrency,
        tokens: try Self.tokens(source.word, source.limits, queue), logger: logger, now: Self.now)
      sources.clients.append(SourceClient(
        source, key: key, secret: secret, userAgent: userAgent, reads: ReadAccount(queue), gate: gate,
        http: http, maxBytes: fetch.maxAnswerSize.bytes))
    }
    guard !sources.clients.isEmpty else {
      throw Failure(
        .configuration, code: "no_source",
        "no source has \(kind.rawValue) and a key: name one in --data-sources, or set the variables of its key "
          + "(without a key: \(sources.unused.joined(separator: ", ")))")
    }
    return sources
  }
}
