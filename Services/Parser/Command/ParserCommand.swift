import ArgumentParser
import Kafka
import Logging
import Masters
import ModelRegistry
import ObjectStore
import Pipeline
import PriceFiles
import Redis
import Runtime
import Schemas
import ServiceKit

/// `parser`: stored files to batches of priced items.
package struct ParserCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.parser.name,
    abstract: "Turn stored files into batches of prices, promotions and stores.",
    discussion: """
      Consumes \(Topics.filesDownloaded.name), reads each file from the object store and publishes its rows on \
      \(Topics.productsIngest.name), \(Topics.promotionsIngest.name) or \(Topics.storesIngest.name), and an account \
      of it on \(Topics.filesParsed.name). A file is checked to its end before anything of it is published: what \
      cannot be trusted is dead-lettered, of what only ends early the whole rows are kept.
      """,
    version: Souk.version)

  @OptionGroup(title: "Parsing") package var parser: ParserOptions
  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Redis") package var redis: RedisOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] {
    ParserMetrics.descriptions + ChainMetrics.descriptions + PipelineMetrics.jobs + KafkaMetrics.table
      + RedisMetrics.descriptions
  }

  package func check(_ report: CheckReport) async {
    await report.probe("time zone") {
      _ = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
      return PriceFileName.zoneIdentifier
    }
    await report.probe("kafka") {
      // Without masters their topic need not be there.
      let outputs = ServiceCatalogue.parser.outputs.filter { parser.masters != .off || $0 != Topics.productsMasters }
      let topics = [Topics.filesDownloaded, Topics.filesDownloaded.deadLetters] + outputs
      return try await kafka.check(
        clientID: ServiceCatalogue.parser.name, topics: topics.map(\.name), logger: Logger(label: "check"))
    }
    await report.probe("object store") {
      let store = try objectStore.makeStore()
      defer { store.close() }
      try await store.check()
      return "\(store.location)"
    }
    if parser.matchModels != nil {
      await report.probe("match model") {
        try await loadModels(Logger(label: "check"))?.current.version ?? "not used"
      }
    }
    await report.probe("row history") {
      let history = try makeHistory()
      try await history.ping()
      await history.close()
      return "answers"
    }
  }

  /// Without `--state`, what `--redis-url` names; without that, memory.
  private func makeHistory() throws -> any RowHistory {
    switch try parser.state.map({ try StateLocation($0) }) ?? redis.redisURL.map({ .redis($0) }) ?? .memory {
    case .memory: return MemoryRowHistory()
    case .file(let path): return try FileRowHistory(path: path)
    case .redis(let url):
      return RedisRowHistory(client: try redis.makeClient(clientName: ServiceCatalogue.parser.name, url: url))
    }
  }

  package func run(in context: ServiceContext) async throws {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    let store = try objectStore.makeStore()
    defer { store.close() }
    let consumers = ConsumerService(
      entry: ServiceCatalogue.parser, kafka: kafka, pipeline: pipeline, context: context)
    let models = try await loadModels(context.logger)
    let masters = try await readMasters(context)
    if context.drain.isRaised { return }
    let history = try makeHistory()
    let handler = ParseHandler(
      store: store, history: history, options: parser, identity: consumers.identity, zone: zone,
      masters: masters?.index, models: models, logger: context.logger)
    let reload = Task { [interval = parser.matchModelInterval.duration] in await models?.run(every: interval) }
    defer { reload.cancel() }
    // An index that does not follow the topic any more would mint what others have minted: better to restart.
    let watch = Task {
      await masters?.waitUntilEnded()
      if masters?.failure != nil { context.drain.raise() }
    }
    defer { watch.cancel() }
    let outcome: Result<Void, any Error>
    do {
      outcome = .success(try await consumers.run(concurrency: parser.filesAtOnce, handler))
    } catch {
      outcome = .failure(error)
    }
    let failure = masters?.failure
    await masters?.close()
    await history.close()
    try outcome.get()
    if let failure { throw failure }
  }

  /// nil when names are compared by rules.
  private func loadModels(_ logger: Logger) async throws -> MatchModels? {
    guard parser.masters == .full, let url = parser.matchModels else { return nil }
    var options = objectStore
    options.objectStore = url
    return try await MatchModels(ModelRegistry(try options.makeStore()), name: parser.matchModel, logger: logger)
  }

  /// Reads all masters before the first file, so that no product is minted that is there already.
  private func readMasters(_ context: ServiceContext) async throws -> MasterTable? {
    guard let index = parser.makeIndex() else { return nil }
    let readiness = context.health.readiness("masters")
    readiness.set(ready: false, reason: "reading \(Topics.productsMasters.name)")
    let table = try MasterTable(
      index,
      kafka.tableConfiguration(
        clientID: ServiceCatalogue.parser.name, topic: Topics.productsMasters.name, logger: context.logger))
    guard try await table.waitUntilCurrent(orUntil: context.drain) else { return table }
    readiness.set(ready: true, reason: "\(index.current.masters) masters")
    return table
  }
}
