import Catalogue
import LocalServers
import Synchronization

/// The price pipeline: a portal or a folder at one end, PostgreSQL at the other.
final class PriceSystem: ShownSystem {
  let system = FleetSystem.prices
  private static let shownNames = 10
  private let database = Mutex("")

  func check(_ options: UpOptions) throws {
    if let prices = options.prices { _ = try PriceFolder.source(prices) }
  }

  func prepare(_ startup: inout Startup) async throws {
    let url = try await startup.startDatabase()
    database.withLock { $0 = url }
    try await startup.startObjectStore()
    let sources = try await startSources(&startup)
    let state = try await startState(&startup)
    startup.surroundings.describePriceServices(sources: sources, state: state)
    startup.sources = sources.count
  }

  /// - Returns: where crawlers remember: a file for one, a Redis that several share the chains by.
  private func startState(_ startup: inout Startup) async throws -> String {
    guard try Replicas(text: startup.options.replicas).count(of: ServiceCatalogue.crawler.name) > 1 else {
      return "file://\(try startup.folder.file("state/crawler"))"
    }
    return try await startup.startRedis().url
  }

  /// - Returns: the crawler's sources.
  private func startSources(_ startup: inout Startup) async throws -> [String] {
    guard let prices = startup.options.prices else {
      return try await startup.startPortal()
    }
    startup.screen.say("using     price files       \(prices)")
    let source = try PriceFolder.source(prices)
    let misnamed = PriceFolder.misnamed(in: source)
    for name in misnamed.prefix(Self.shownNames) { startup.screen.say("left out  \(name)") }
    if misnamed.count > Self.shownNames {
      startup.screen.say("left out  \(misnamed.count - Self.shownNames) more files for their names")
    }
    return [source]
  }

  func answers() async throws -> [String] { try await Questions.ask(database.withLock { $0 }) }
}
