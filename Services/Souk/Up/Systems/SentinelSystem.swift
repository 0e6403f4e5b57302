import Catalogue
import Commodities
import Foundation
import HTTP
import LocalServers
import Synchronization

/// Market intelligence: simulated providers at one end, predictions in PostgreSQL at the other. The jobs of two days
/// are replayed, the first of which fills the windows of the models.
final class SentinelSystem: ShownSystem {
  let system = FleetSystem.sentinel
  private let database = Mutex("")

  func check(_ options: UpOptions) throws { _ = try ModelTraining.scripts(nil) }

  func prepare(_ startup: inout Startup) async throws {
    let url = try await startup.startDatabase()
    database.withLock { $0 = url }
    let redis = try await startup.startRedis().url
    startup.surroundings.servers[.redis] = ["REDIS_URL": redis]
    let port = try await startup.simulate("provider-simulator", [], "invented prices and demands")
    let file = try startup.folder.file("markets.yaml")
    try Data(Self.sources(port: port).utf8).write(to: URL(fileURLWithPath: file))
    let registry = try startup.folder.file("registry")
    try await ModelTraining(
      catalogue: try CommodityCatalogue.load(file: file), providers: try HTTPURL("http://127.0.0.1:\(port)"),
      tables: try startup.folder.file("training/"), registry: registry, end: SentinelDays.from, screen: startup.screen,
      stopping: startup.stopping
    ).run()
    startup.surroundings.describeSentinelServices(catalogue: file, registry: registry)
    startup.sources = 1
  }

  /// The embedded catalogue's countries, materials and schedules, with the simulator as two providers.
  static func sources(port: UInt16) -> String {
    let query = "kind={kind}&currency={currency}&unit={unit}&at={due_at}&points=1"
    return """
      sources:
        - name: Exchange
          kind: json
          url: "http://127.0.0.1:\(port)/exchange/series/{material}/{country}.json?\(query)"
          tasks: [fetch_price, fetch_demand]
          mapping: {rows: data.points, value: value, time: at, currency: currency, unit: unit}
        - name: Tables
          kind: csv
          url: "http://127.0.0.1:\(port)/tables/series/{material}/{country}.csv?\(query)"
          tasks: [fetch_price, fetch_demand]
          mapping: {value: Value, time: Time, currency: Currency, unit: Unit}

      """
  }

  func answers() async throws -> [String] {
    try await Questions.ask(database.withLock { $0 }, Questions.sentinel)
  }
}

/// The days of a demonstration: always the same ones, so that every run predicts the same.
enum SentinelDays {
  static let from = "2026-03-01T00:00:00Z"
  static let to = "2026-03-03T00:00:00Z"
  /// An hour in 1.2 seconds.
  static let speed = 3_000
}

extension Surroundings {
  /// Adds what the services of market intelligence must be told besides where the servers are.
  mutating func describeSentinelServices(catalogue: String, registry: String) {
    arguments[ServiceCatalogue.scheduler.name] = [
      "replay", "--from", SentinelDays.from, "--to", SentinelDays.to, "--speed", "\(SentinelDays.speed)", "--stay",
    ]
    markets = catalogue
    arguments[ServiceCatalogue.fetcher.name] = ["--allow-private-addresses"]
    // Hours pass in seconds here, and a driver is to be known within the hour.
    arguments[ServiceCatalogue.inferenceWorker.name] = ["--models", "file://\(registry)", "--driver-delay", "500ms"]
    let tables = FleetSystem.sentinel.inputs(of: ServiceCatalogue.dbWriter).map(\.name).joined(separator: ",")
    arguments[ServiceCatalogue.dbWriter.name] = ["--linger", "100ms", "--tables", tables]
  }
}
