import ArgumentParser
import Catalogue
import Foundation
import Kafka
import LocalServers
import Logging
import PortalSimulator
import TestSupport

/// `souk-bench backlog`: the whole fleet, one process each, over a backlog of files.
struct BacklogBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backlog", abstract: "Drain a backlog of price files through the fleet: CPU and memory per service.",
    discussion: """
      Generated PriceFull files of chains in three dialects and three packings lie in a folder. The crawler announces \
      all of them while no consumer runs; then downloader, parser and db-writer start, the executables beside this \
      one, on an embedded broker, a file:// store and a private PostgreSQL. Ends when the database holds exactly the \
      prices of the catalogue. The embedded broker keeps 5 MB of a partition: the topic of items gets as many \
      partitions as hold all of them, so that nothing is lost however far db-writer falls behind.
      """)

  @Option(help: "Chains.")
  var chains = 40

  @Option(help: "Stores of each chain; each has one PriceFull file.")
  var stores = 50

  @Option(help: "Products of a store, roughly.")
  var items = 300

  @Option(help: "Partitions of the topics that items travel on.")
  var partitions = 128

  @Flag(help: "Sync every commit of PostgreSQL to disk, as a server in production does.")
  var durable = false

  func validate() throws {
    guard chains > 0, (1...100).contains(stores), items > 0, (12...512).contains(partitions) else {
      throw ValidationError("--chains and --items must be above zero, --stores 1 to 100, --partitions 12 to 512")
    }
    // Some 450 bytes of JSON per row; a partition may get twice its share.
    guard chains * stores * items * 450 * 2 < partitions * 5_000_000 else {
      throw ValidationError("so many rows need more --partitions, or the embedded broker would drop some")
    }
  }

  func run() async throws {
    let folder = try PrivateFolder("backlog")
    let inbox = folder.file("inbox")
    let expected = try generate(into: inbox)
    let server = try await PrivatePostgres.start(durable: durable)
    let wide: Set = [Topics.productsIngest.name]
    let broker = try EmbeddedBroker(topics: Topics.allWithDeadLetters.map {
      ($0.name, wide.contains($0.name) ? partitions : Int($0.partitions))
    })
    let fleet = BacklogFleet(folder: folder.path, inbox: inbox, broker: broker.bootstrapServers, database: server.url)
    do {
      try await measure(fleet, server, expected)
    } catch {
      await fleet.stop()
      await server.stop()
      broker.close()
      throw error
    }
    await fleet.stop()
    await server.stop()
    broker.close()
  }

  /// - Returns: how many prices the database must hold.
  private func generate(into inbox: String) throws -> (files: Int, prices: Int) {
    var settings = CatalogueSettings()
    settings.chains = chains
    settings.stores = stores
    settings.items = items
    settings.rounds = 0
    settings.sideFiles = false
    let generator = CatalogueGenerator(settings: settings)
    try FileManager.default.createDirectory(atPath: inbox, withIntermediateDirectories: true)
    var bytes = 0
    let files = generator.files()
    for file in files {
      let content = generator.bytes(of: file)
      bytes += content.count
      try Data(content).write(to: URL(fileURLWithPath: "\(inbox)/\(file.name)"))
    }
    let prices = generator.expected().prices.count
    print("\(files.count) PriceFull files of \(chains) chains, \(bytes >> 20) MiB as published, \(prices) prices")
    return (files.count, prices)
  }

  private func measure(
    _ fleet: BacklogFleet, _ server: PrivatePostgres, _ expected: (files: Int, prices: Int)
  ) async throws {
    try await fleet.migrate()
    try await fleet.start("crawler")
    try await eventually("everything announced", timeout: .seconds(900), interval: .milliseconds(200)) {
      try await fleet.records(in: Topics.filesDiscovered) == expected.files
    }
    print("\(expected.files) files queued; downloader, parser and db-writer start")
    let clock = ContinuousClock()
    let start = clock.now
    for name in ["db-writer", "parser", "downloader"] { try await fleet.start(name) }
    var marks = [25, 50, 75][...]
    var count = 0
    while count < expected.prices {
      guard clock.now - start < .seconds(3_600) else {
        throw ValidationError("after an hour only \(count) of \(expected.prices) prices had arrived")
      }
      try await Task.sleep(for: .milliseconds(500))
      try fleet.requireRunning()
      count = Int(try await server.psql("SELECT count(*) FROM prices").split(separator: "\n").last ?? "0") ?? 0
      fleet.sample(nil)
      while let mark = marks.first, count * 100 >= expected.prices * mark {
        fleet.sample(mark)
        marks = marks.dropFirst()
      }
    }
    let seconds = (clock.now - start) / .seconds(1)
    fleet.sample(100)
    let dead = try await fleet.deadLetters()
    guard count == expected.prices, dead == 0 else {
      throw ValidationError("\(count) prices instead of \(expected.prices), \(dead) dead letters")
    }
    print("drained in \(Int(seconds)) s: \(Int(Double(expected.files) / seconds)) files/s, "
      + "\(Int(Double(count) / seconds)) prices/s; nothing lost, nothing dead-lettered")
    for line in fleet.table() { print(line) }
  }
}
