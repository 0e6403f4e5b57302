import ArgumentParser
import Catalogue
import DBWriterService
import Foundation
import Kafka
import LocalServers
import Pipeline
import Postgres

/// `souk-bench copy`: rows per second into PostgreSQL, beside psql running the same SQL from files.
struct CopyBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy", abstract: "Write priced items to PostgreSQL, beside psql doing the same from files.",
    discussion: """
      Three ways, in turns, each into a fresh database of one private server: db-writer (messages decoded, staged, \
      merged, offsets moved), psql with the same staging COPY and merge of the same rows from files, and psql with \
      the statements that keep the offsets on top. Best of the rounds.
      """)

  @Option(help: "Files of 5,000 items; each store has three, in which one price of ten changes.")
  var files = 60

  @Option(help: "Rows per flush.")
  var flushRows = 20_000

  @Option(help: "How often each way is measured.")
  var rounds = 3

  @Flag(help: "Sync every commit to disk, as a server in production does.")
  var durable = false

  func validate() throws {
    guard files > 0, flushRows >= 500, rounds > 0 else {
      throw ValidationError("--files and --rounds must be above zero, --flush-rows at least 500")
    }
  }

  func run() async throws {
    let feed = CopyFeed(files: files, flushRows: flushRows)
    let server = try await PrivatePostgres.start(durable: durable)
    do {
      try await measure(feed, server)
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  private func measure(_ feed: CopyFeed, _ server: PrivatePostgres) async throws {
    let scripts = try CopyScripts(feed)
    defer { scripts.remove() }
    print("\(feed.rowCount) rows in \(feed.messages.count) messages, \(feed.flushes.count) flushes, "
      + "\(feed.byteCount >> 20) MiB of JSON, PostgreSQL \(durable ? "with" : "without") fsync")
    var best: [Way: Double] = [:]
    var contents: Set<String> = []
    for round in 0..<rounds {
      // Another way goes first in each round, so that a busy period affects all of them.
      let ways = Way.allCases.indices.map { Way.allCases[($0 + round) % Way.allCases.count] }
      for way in ways {
        let name = "copy_\(way.rawValue.lowercased())_\(round)"
        let url = try await server.createDatabase(name)
        _ = try await DBWriterSchema.migrator().migrate(
          try await PostgresConnection.open(PostgresConfiguration(url: url)))
        let seconds = try await time(way, feed, scripts, url)
        best[way] = min(seconds, best[way] ?? .infinity)
        contents.insert(try await server.psql(Self.digest, database: name))
        try await server.psql("DROP DATABASE \(name)")
      }
    }
    guard contents.count == 1, let content = contents.first else {
      throw ValidationError("the ways left different tables behind: \(contents.sorted())")
    }
    print("all ways left the same tables: \(content.split(separator: "\n").joined(separator: ", "))")
    report(feed, best)
  }

  private func report(_ feed: CopyFeed, _ best: [Way: Double]) {
    func rate(_ way: Way) -> Double { Double(feed.rowCount) / (best[way] ?? .infinity) }
    for way in Way.allCases {
      print("\(way.title)  \(Int(rate(way)).formatted()) rows/s  (\(Int((best[way] ?? 0) * 1_000)) ms)")
    }
    let ratio = rate(.writer) / rate(.psql)
    let cost = 1 - rate(.psqlWithOffsets) / rate(.psql)
    print("db-writer / psql              \(percent(ratio))  (bound: 85 % or more)")
    print("offsets in the transaction    \(percent(cost)) of psql's rate  (bound: below 10 %)")
  }

  private func percent(_ value: Double) -> String { "\((value * 1_000).rounded() / 10) %" }

  private func time(_ way: Way, _ feed: CopyFeed, _ scripts: CopyScripts, _ url: String) async throws -> Double {
    let clock = ContinuousClock()
    let duration: Duration
    switch way {
    case .writer:
      let store = TableStore(
        configuration: PostgresConfiguration(url: url), scope: OffsetScope(clusterID: "bench", consumerGroup: "bench"),
        staging: StagingArea([.prices]))
      let source = TopicPartition(WriteTarget.prices.topics[0].name, 0)
      duration = try await clock.measure {
        _ = try await store.start([source])
        for flush in feed.flushes {
          for index in flush {
            let message = feed.messages[index]
            guard case .keep = try store.append(source, offset: Int64(index), value: message.span.bytes) else {
              throw ValidationError("message \(index) was not staged")
            }
          }
          _ = try await store.flushStaged()
        }
      }
    case .psql, .psqlWithOffsets:
      let script = way == .psql ? scripts.plain : scripts.withOffsets
      let launch = Launch("psql", ["-Xqt", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", script, url])
      duration = try await clock.measure {
        _ = try await ChildProcess.runOrThrow(launch, atMost: .seconds(3_600))
      }
    }
    return duration / .seconds(1)
  }

  enum Way: String, CaseIterable {
    case writer, psql, psqlWithOffsets

    var title: String {
      switch self {
      case .writer: "db-writer: decode, stage, merge, offsets "
      case .psql: "psql: stage and merge from files         "
      case .psqlWithOffsets: "psql: stage, merge and offsets from files"
      }
    }
  }

  /// Equal for equal tables.
  private static let digest = """
    SELECT 'products', count(*), md5(string_agg(p::text, ',' ORDER BY chain, ean)) FROM products p;
    SELECT 'prices', count(*), md5(string_agg(p::text, ',' ORDER BY chain, store_id, ean)) FROM prices p;
    SELECT 'changes', count(*), md5(string_agg(h::text, ',' ORDER BY chain, store_id, ean, file_time))
    FROM price_history h
    """
}
