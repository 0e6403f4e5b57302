import ArgumentParser
import CMalloc
import Catalogue
import Core
import Foundation
import KafkaFlags
import Logging
import Pipeline
import Postgres
import PostgresFlags
import ServiceKit

/// `db-writer`: without a subcommand, writes; `db-writer migrate` prepares the database.
package struct DBWriterProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.dbWriter.name,
    abstract: "Write topics to the tables of PostgreSQL, each record exactly once in effect.",
    version: Souk.version, subcommands: [DBWriterCommand.self, MigrateCommand.self],
    defaultSubcommand: DBWriterCommand.self)

  package init() {}
}

/// Consumes topics into the tables of PostgreSQL.
struct DBWriterCommand: ServiceCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Write topics to the tables of PostgreSQL, each record exactly once in effect.",
    discussion: """
      Rows and Kafka offsets are written in one transaction, and reading resumes from the offsets in the database, so \
      a crash, a rebalance or a second writer neither loses nor repeats anything. --tables chooses from:
      \(WriteTargets.all.map(\.choice).joined(separator: "\n"))
      """)

  @OptionGroup(title: "Writing") var writer: DBWriterOptions
  @OptionGroup(title: "Views") var refresh: RefreshOptions
  @OptionGroup(title: "PostgreSQL") var postgres: PostgresOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") var pipeline: PipelineOptions
  @OptionGroup(title: "Service") var service: ServiceOptions

  static var metrics: [MetricDescription] {
    DBWriterMetrics.descriptions + RefreshMetrics.descriptions + PipelineMetrics.sinks
  }

  func work(_ needs: Needs) -> Work {
    HeapSettings.giveBackLargeBlocks()
    let (context, writer, refresh) = (needs.context, writer, refresh)
    let consumer = needs.consumer(ServiceCatalogue.dbWriter, kafka, pipeline) {
      try WriteTargets.named(writer.tables).flatMap(\.topics)
    }
    let database = needs.add(DatabaseSetup.need(postgres, writer, needs.logger))
    if refresh.refreshInterval.duration > .zero {
      needs.beside {
        let refresher = ViewRefresher(
          configuration: try database.value.configuration, dialect: writer.dialect,
          interval: refresh.refreshInterval.duration, timeout: refresh.refreshTimeout.duration, logger: context.logger)
        await refresher.run(until: context.drain)
      }
    }
    let instance = kafka.groupInstanceId ?? ProcessInfo.processInfo.hostName
    return consumer.sink(
      writer.policy, keepsOffsets: true, adoptsCommits: writer.adoptGroupOffsets
    ) { clusterID, group in
      var configuration = try database.value.configuration
      configuration.progress = Self.progress(of: context.worker, context.logger)
      return TableStore(
        configuration: configuration, scope: OffsetScope(clusterID: clusterID, consumerGroup: group),
        staging: StagingArea(try WriteTargets.named(writer.tables), dialect: writer.dialect, instance: instance))
    }
  }

  /// Reports a long statement to the liveness check at every look, also each of those that search a refused record.
  private static func progress(
    of heartbeat: Heartbeat, _ logger: Logger
  ) -> @Sendable (_ operation: String, _ waited: Duration) -> Void {
    { operation, waited in
      let seconds = waited.components.seconds
      heartbeat.working(seconds == 0 ? operation : "\(operation) for \(seconds) s")
      if seconds >= 15 {
        logger.info("still waiting for PostgreSQL", metadata: ["statement": "\(operation)", "seconds": "\(seconds)"])
      }
    }
  }
}

extension WriteTarget {
  /// A line of the help.
  fileprivate var choice: String { "  \(name): \(topics.map(\.name).joined(separator: ", "))" }
}

/// What the C library does with freed memory of this process.
enum HeapSettings {
  /// Returns every freed block of 128 KiB or more to the system at once. By default glibc raises this limit with the
  /// first such block, and keeps later ones in its arenas: under lag some 35 MiB more stayed resident than were in use.
  static func giveBackLargeBlocks() {
    mallopt(M_MMAP_THRESHOLD, 128 << 10)
    mallopt(M_TRIM_THRESHOLD, 128 << 10)
  }
}

/// `db-writer migrate`: brings the database to the schema of this binary and ends.
struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate",
    abstract: "Create or update the tables; safe to run at any time, by any number of processes.")

  @Option(help: "SQL dialect of the server.")
  var dialect = Dialect.postgresql

  @OptionGroup(title: "PostgreSQL") var postgres: PostgresOptions

  func run() async throws {
    let configuration = try postgres.configuration(applicationName: "db-writer migrate")
    let setup = DatabaseSetup(configuration: configuration, dialect: dialect)
    let connection = try await setup.open()
    let steps = try await setup.migrator.migrate(connection)
    let latest = setup.migrator.migrations.count
    let list = steps.map(String.init).joined(separator: ", ")
    print(steps.isEmpty ? "up to date: step \(latest)" : "migrated: steps \(list)")
  }
}
