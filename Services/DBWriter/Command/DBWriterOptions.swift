import ArgumentParser
import Core
import Options
import Pipeline

/// What is written, and when: whichever limit is reached first.
struct DBWriterOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Tables to write, by their names or by those of their topics.", valueName: "name,..."))
  var tables = "prices,promotions,stores,files,masters,decisions,observations,predictions"

  @Option(help: "SQL dialect of the server; the README says what cockroachdb changes.")
  var dialect = Dialect.postgresql

  @Option(help: "Staged rows that trigger a flush.")
  var flushRows = 20_000

  @Option(help: ArgumentHelp("Bytes of staged rows that trigger a flush.", valueName: "size"))
  var flushBytes = ByteSize.mib(16)

  @Option(help: ArgumentHelp("Longest time a staged record waits for a flush.", valueName: "time"))
  var linger = DurationSetting(.milliseconds(500))

  @Flag(
    help: """
      Start partitions that are new to the database at the consumer group's commits instead of at --start-from.
      """)
  var adoptGroupOffsets = false

  @Flag(
    inversion: .prefixedNo,
    help: "Run pending migrations at the start, instead of stopping with exit code 78 when there are any.")
  var migrate = false

  func validate() throws {
    guard flushRows > 0, flushBytes.bytes > 0 else {
      throw ValidationError("--flush-rows and --flush-bytes must be above zero")
    }
  }

  var policy: FlushPolicy { FlushPolicy(rows: flushRows, bytes: flushBytes.bytes, linger: linger.duration) }
}

/// When the materialized views are refreshed.
struct RefreshOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Shortest time between two refreshes of a materialized view, over all replicas; 0s = this one never refreshes.",
    valueName: "time"))
  var refreshInterval = DurationSetting(.seconds(60))

  @Option(help: ArgumentHelp(
    "Timeout of the refresh of one view.", valueName: "time"))
  var refreshTimeout = DurationSetting(.seconds(600))

  func validate() throws {
    guard refreshTimeout.duration >= .milliseconds(1) else {
      throw ValidationError("--refresh-timeout must be above zero")
    }
  }
}

/// The SQL dialect of the server.
package enum Dialect: String, CaseIterable, Sendable, ExpressibleByArgument {
  /// PostgreSQL 13 and later.
  case postgresql
  /// Without temporary tables, advisory locks, range partitions and concurrent refreshes: rows are staged in ordinary
  /// tables of the instance's schema and deleted in the transaction that wrote them, replicas take turns by a lease in
  /// a table, and the history is one table.
  case cockroachdb
}
