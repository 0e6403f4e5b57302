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

  func prepare(_ ground: inout Ground) async throws {
    let url = try await ground.startDatabase()
    database.withLock { $0 = url }
    try await ground.startObjectStore()
    let sources = try await startSources(&ground)
    let state = try await startState(&ground)
    ground.running.surroundings.describePriceServices(sources: sources, state: state)
    ground.running.sources = sources.count
  }

  /// - Returns: where crawlers remember: a file for one, a Redis that several share the chains by.
  private func startState(_ ground: inout Ground) async throws -> String {
    guard try Replicas(text: ground.options.replicas).count(of: ServiceCatalogue.crawler.name) > 1 else {
      return "file://\(try ground.folder.file("state/crawler"))"
    }
    return try await ground.infrastructure.startRedis(&ground.running, &ground.teardown).url
  }

  /// - Returns: the crawler's sources.
  private func startSources(_ ground: inout Ground) async throws -> [String] {
    guard let prices = ground.options.prices else {
      return try await ground.infrastructure.startPortal(&ground.running, &ground.teardown)
    }
    ground.screen.say("using     price files       \(prices)")
    let source = try PriceFolder.source(prices)
    let misnamed = PriceFolder.misnamed(in: source)
    for name in misnamed.prefix(Self.shownNames) { ground.screen.say("left out  \(name)") }
    if misnamed.count > Self.shownNames {
      ground.screen.say("left out  \(misnamed.count - Self.shownNames) more files for their names")
    }
    return [source]
  }

  func answers() async throws -> [String] { try await Questions.ask(database.withLock { $0 }) }
}
