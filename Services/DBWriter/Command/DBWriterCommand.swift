import ArgumentParser
import Kafka
import Logging
import Pipeline
import Postgres
import Runtime
import Schemas
import ServiceKit

/// Consumes `gogobe.products.ingest` into PostgreSQL.
package struct DBWriterCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Write priced items to PostgreSQL, each exactly once in effect.",
    discussion: """
      Consumes \(Topics.productsIngest.name). Rows and Kafka offsets are written in one transaction, and reading \
      resumes from the offsets in the database, so a crash, a rebalance or a second writer neither loses nor repeats \
      anything.
      """)

  @OptionGroup(title: "Writing") package var writer: DBWriterOptions
  @OptionGroup(title: "PostgreSQL") package var postgres: PostgresOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] { DBWriterMetrics.descriptions }

  package func check(_ report: CheckReport) async {
    await report.probe("kafka") {
      let topics = [Topics.productsIngest, Topics.productsIngest.deadLetters]
      return try await kafka.check(
        clientID: ServiceCatalogue.dbWriter.name, topics: topics.map(\.name), logger: Logger(label: "check"))
    }
    await report.probe("postgres") {
      let database = DatabaseSetup(configuration: try postgres.configuration(applicationName: "db-writer"))
      return try await database.check(mayMigrate: writer.migrate)
    }
  }

  package func run(in context: ServiceContext) async throws {
    let configuration = try postgres.configuration(applicationName: context.name)
    let database = DatabaseSetup(configuration: configuration)
    guard try await database.prepare(migrate: writer.migrate, backoff: pipeline.backoff, in: context) else { return }
    let consumers = ConsumerService(
      entry: ServiceCatalogue.dbWriter, kafka: kafka, pipeline: pipeline, context: context)
    try await consumers.run(policy: writer.policy, externalOffsets: true) { clusterID, group in
      PriceSink(PriceStore(
        configuration: configuration, scope: OffsetScope(clusterID: clusterID, consumerGroup: group)))
    }
  }
}
