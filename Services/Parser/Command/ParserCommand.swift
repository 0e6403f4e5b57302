import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Masters
import ModelRegistry
import ObjectStore
import ObjectStoreFlags
import Pipeline
import PriceFiles
import Redis
import RedisFlags
import ServiceKit
import ServiceState

/// `parser`: stored files to batches of priced items.
package struct ParserCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.parser.name,
    abstract: "Turn stored files into batches of prices, promotions and stores.",
    discussion: """
      Consumes \(Topics.filesDownloaded.name), reads each file from the object store and publishes its rows on \
      \(Topics.productsIngest.name), \(Topics.promotionsIngest.name) or \(Topics.storesIngest.name), and a report \
      about it on \(Topics.filesParsed.name). The whole file is checked before any of it is published. A file that \
      cannot be trusted is dead-lettered; of one that only ends early the complete rows are published.
      """,
    version: Souk.version)

  @OptionGroup(title: "Parsing") var parser: ParserOptions
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

  package func work(_ needs: Needs) -> Work {
    let (entry, parser, logger) = (ServiceCatalogue.parser, parser, needs.logger)
    let zone = needs.add(.setting("time zone", { try ZoneTable(identifier: PriceFileName.zoneIdentifier) }) { _ in
      PriceFileName.zoneIdentifier
    })
    let index = parser.makeIndex()
    // Without masters their topic need not be there.
    let outputs = entry.outputs.filter { index != nil || $0 != Topics.productsMasters }
    let consumer = needs.consumer(entry, kafka, pipeline, outputs: outputs)
    // Does not wait for the store: while it is away, the consumer exports how far it is behind.
    let store = needs.add(objectStore.need(condition: nil))
    let history = needs.add(Need(
      "row history", open: makeHistory,
      check: { history in
        try await history.state.ping()
        return "answers"
      },
      close: { await $0.state.close() }))
    if let index {
      // All masters are known before the first file, so that no known product is minted again.
      let table = MasterTable(index, logger)
      needs.table(
        "masters", entry.name, kafka, topic: Topics.productsMasters, found: { "\(index.current.masters) masters" }
      ) { table.apply($0) }
      if index.mode == .full {
        needs.table("decisions about masters", entry.name, kafka, topic: Topics.masterDecisions) { table.decide($0) }
      }
    }
    let models = index?.mode == .full ? needs.add(matchModels(logger)) : nil
    if let models { needs.beside { try await models.value.run() } }
    return consumer.jobs(concurrency: parser.filesAtOnce) {
      ParseHandler(
        store: try store.value, history: try history.value, options: parser, identity: consumer.identity,
        zone: try zone.value, masters: index,
        models: try models?.value, logger: logger)
    }
  }

  /// The model that compares names.
  private func matchModels(_ logger: Logger) -> Need<MatchModels> {
    Need(
      "match model", as: "the model of masters", condition: "match_model",
      open: { [objectStore, parser] in
        var options = objectStore
        options.objectStore = try parser.modelStore()
        return MatchModels(
          ModelRegistry(try options.makeStore()), name: parser.matchModel,
          interval: parser.matchModelInterval.duration, logger: logger)
      },
      check: { try await $0.load() })
  }

  /// Without `--state`, what `--redis-url` names; without that, memory.
  private func makeHistory() throws -> RowHistory {
    let location = try parser.state.map { try StateLocation($0) } ?? redis.redisURL.map { .redis($0) } ?? .memory
    return RowHistory(try location.open(
      prefix: RowHistory.prefix, retention: RowHistory.retention, format: RowHistory.format
    ) { url throws(Failure) in try redis.makeClient(clientName: ServiceCatalogue.parser.name, url: url) })
  }
}
