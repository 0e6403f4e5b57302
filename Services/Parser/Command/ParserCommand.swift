import ArgumentParser
import Kafka
import Logging
import ObjectStore
import Pipeline
import PriceFiles
import Runtime
import Schemas
import ServiceKit

/// `parser`: stored files to batches of priced items.
package struct ParserCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.parser.name,
    abstract: "Turn stored price files into batches of priced items.",
    discussion: """
      Consumes \(Topics.filesDownloaded.name), reads each file from the object store and publishes its rows on \
      \(Topics.productsIngest.name). A file is checked to its end before anything of it is published: what cannot be \
      trusted is dead-lettered, of what only ends early the whole rows are kept.
      """,
    version: Souk.version)

  @OptionGroup(title: "Parsing") package var parser: ParserOptions
  @OptionGroup(title: "Object store") package var objectStore: ObjectStoreOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] { ParserMetrics.descriptions }

  package func check(_ report: CheckReport) async {
    await report.probe("time zone") {
      _ = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
      return PriceFileName.zoneIdentifier
    }
    await report.probe("kafka") {
      let topics = [Topics.filesDownloaded, Topics.filesDownloaded.deadLetters, Topics.productsIngest]
      return try await kafka.check(
        clientID: ServiceCatalogue.parser.name, topics: topics.map(\.name), within: .seconds(8),
        logger: Logger(label: "check"))
    }
    await report.probe("object store") {
      let store = try objectStore.makeStore()
      defer { store.close() }
      try await store.check()
      return "\(store.location)"
    }
  }

  package func run(in context: ServiceContext) async throws {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    let store = try objectStore.makeStore()
    defer { store.close() }
    let consumers = ConsumerService(
      entry: ServiceCatalogue.parser, kafka: kafka, pipeline: pipeline, context: context)
    let handler = ParseHandler(
      store: store, options: parser, identity: consumers.identity, zone: zone, logger: context.logger)
    try await consumers.run(concurrency: parser.concurrency, handler)
  }
}
