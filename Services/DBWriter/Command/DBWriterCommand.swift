import ArgumentParser
import Foundation
import Kafka
import Logging
import Pipeline
import Postgres
import Runtime
import Schemas
import ServiceKit

/// Consumes topics into the tables of PostgreSQL.
package struct DBWriterCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Write topics to the tables of PostgreSQL, each record exactly once in effect.",
    discussion: """
      Rows and Kafka offsets are written in one transaction, and reading resumes from the offsets in the database, so \
      a crash, a rebalance or a second writer neither loses nor repeats anything. --tables chooses from:
      \(WriteTargets.all.map(\.choice).joined(separator: "\n"))
      """)

  @OptionGroup(title: "Writing") package var writer: DBWriterOptions
  @OptionGroup(title: "Views") package var refresh: RefreshOptions
  @OptionGroup(title: "PostgreSQL") package var postgres: PostgresOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static var metrics: [MetricDescription] {
    DBWriterMetrics.descriptions + RefreshMetrics.descriptions + PipelineMetrics.sinks
  }

  package func check(_ report: CheckReport) async {
    await report.probe("kafka") {
      let topics = try WriteTargets.named(writer.tables).flatMap(\.topics)
      return try await kafka.check(
        clientID: ServiceCatalogue.dbWriter.name, topics: topics.flatMap { [$0, $0.deadLetters] }.map(\.name),
        logger: Logger(label: "check"))
    }
    await report.probe("postgres") {
      let configuration = try postgres.configuration(applicationName: "db-writer")
      return try await DatabaseSetup(configuration: configuration, dialect: writer.dialect)
        .check(mayMigrate: writer.migrate)
    }
  }

  package func run(in context: ServiceContext) async throws {
    HeapSettings.giveBackLargeBlocks()
    let configuration = try postgres.configuration(applicationName: context.name)
    let targets = try WriteTargets.named(writer.tables)
    let database = DatabaseSetup(configuration: configuration, dialect: writer.dialect)
    guard try await database.prepare(migrate: writer.migrate, backoff: pipeline.backoff, in: context) else { return }
    try await withThrowingTaskGroup(of: Void.self) { group in
      if refresh.refreshInterval.duration > .zero {
        let refresher = ViewRefresher(
          configuration: configuration, dialect: writer.dialect, interval: refresh.refreshInterval.duration,
          timeout: refresh.refreshTimeout.duration, logger: context.logger)
        group.addTask { await refresher.run(until: context.drain) }
      }
      defer { group.cancelAll() }
      try await consume(targets, configuration, in: context)
    }
  }

  private func consume(
    _ targets: [any WriteTarget], _ configuration: PostgresConfiguration, in context: ServiceContext
  ) async throws {
    var consumers = ConsumerService(
      entry: ServiceCatalogue.dbWriter, kafka: kafka, pipeline: pipeline, context: context)
    consumers.inputs = targets.flatMap(\.topics)
    let staging = StagingArea(
      targets, dialect: writer.dialect, instance: kafka.groupInstanceId ?? ProcessInfo.processInfo.hostName)
    try await consumers.run(
      policy: writer.policy, externalOffsets: true, adoptsCommits: writer.adoptGroupOffsets
    ) { clusterID, group in
      TableSink(TableStore(
        configuration: configuration, scope: OffsetScope(clusterID: clusterID, consumerGroup: group),
        staging: staging))
    }
  }
}

extension WriteTarget {
  /// A line of the help.
  fileprivate var choice: String { "  \(name): \(topics.map(\.name).joined(separator: ", "))" }
}
