import ArgumentParser
import Core
import Options
import Pipeline

/// What is written, and when: whichever limit is reached first.
package struct DBWriterOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "What this instance consumes and writes: names of tables or of topics of theirs.", valueName: "name,..."))
  package var tables = "prices,promotions,stores,files,masters,decisions,observations,predictions"

  @Option(help: "What the server speaks; see the README for what cockroachdb changes.")
  package var dialect = Dialect.postgresql

  @Option(help: "Rows that make a flush.")
  package var flushRows = 20_000

  @Option(help: ArgumentHelp("Bytes of staged rows that make a flush.", valueName: "size"))
  package var flushBytes = ByteSize.mib(16)

  @Option(help: ArgumentHelp("Longest time a record waits for others before it is written.", valueName: "time"))
  package var linger = DurationSetting(.milliseconds(500))

  @Flag(
    help: """
      Start partitions that the database does not know where the consumer group has committed, instead of at \
      --start-from.
      """)
  package var adoptGroupOffsets = false

  @Flag(
    inversion: .prefixedNo,
    help: "Run pending migrations at the start, instead of stopping with exit code 78 when there are any.")
  package var migrate = false

  package init() {}

  package func validate() throws {
    guard flushRows > 0, flushBytes.bytes > 0 else {
      throw ValidationError("--flush-rows and --flush-bytes must be above zero")
    }
  }

  var policy: FlushPolicy { FlushPolicy(rows: flushRows, bytes: flushBytes.bytes, linger: linger.duration) }
}
