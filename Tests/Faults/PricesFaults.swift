import Catalogue
import Core
import Foundation
import LocalServers
import PortalSimulator
import Synchronization
import TestSupport

/// Price files from a simulated portal, through the object store, into PostgreSQL.
struct PricesFaults: Faultable {
  let stage: FaultStage
  let size: Int
  private let portal: PortalSimulator
  private let ended = Interruption()
  private let store: StoreOfSeed
  private let postgres: PostgresOfSeed

  private static let topics = FleetSystem.prices.services.flatMap { $0.inputs + $0.outputs }
    .reduce(into: [Topic]()) { if !$0.contains($1) { $0.append($1) } }
  private static let written = FleetSystem.prices.inputs(of: ServiceCatalogue.dbWriter)

  init(_ folder: String, _ plan: FaultPlan, _ random: inout TestRandom) async throws {
    stage = try await FaultStage(folder, topics: Self.topics, settings: plan.settings)
    var settings = CatalogueSettings()
    settings.seed = plan.seed
    (settings.chains, settings.stores) = (2, Int.random(in: 1...2, using: &random))
    (settings.items, settings.rounds) = (40, 5)
    size = settings.rounds + 1
    var options = PortalOptions()
    options.firstRounds = -1
    let (opened, opening) = AsyncThrowingStream<PortalSimulator, any Error>.makeStream()
    let ended = ended
    Task { [settings, options] in
      do {
        try await PortalSimulator.serving(settings, options: options) { portal in
          opening.yield(portal)
          await ended.wait()
        }
      } catch { opening.finish(throwing: error) }
    }
    var iterator = opened.makeAsyncIterator()
    guard let portal = try await iterator.next() else { throw ConditionNotMet(description: "the portal has ended") }
    self.portal = portal
    store = try await StoreOfSeed(folder, plan)
    postgres = try await PostgresOfSeed(plan)
  }

  func start(_ service: String) async throws -> ServiceProcess {
    var environment = stage.environment(service)
    var arguments: [String] = []
    switch service {
    case ServiceCatalogue.crawler.name:
      arguments = ["--state", "file://\(stage.folder)/crawler.state", "--interval", "1s", "--request-gap", "1ms"]
      for source in portal.sources { arguments += ["--source", source] }
      arguments.append("--allow-private-addresses")
    case ServiceCatalogue.downloader.name:
      arguments = ["--allow-private-addresses"]
      environment.merge(store.environment) { $1 }
    case ServiceCatalogue.parser.name:
      arguments = ["--concurrency", "2"]
      environment.merge(store.environment) { $1 }
    default:
      environment.merge(postgres.environment) { $1 }
      environment["TABLES"] = Self.written.map(\.name).joined(separator: ",")
      environment["REFRESH_INTERVAL"] = "0s"
    }
    return try await ServiceProcess.start(service, arguments, environment: environment)
  }

  /// A part is a round of files.
  func feed(_ parts: Range<Int>) async throws { portal.reveal(rounds: parts.upperBound - 1) }

  func poison(_ count: Int, _ random: inout TestRandom) async throws {
    let (downloader, parser) = (ServiceCatalogue.downloader, ServiceCatalogue.parser)
    let places = (downloader.inputs.map { ($0, downloader) } + parser.inputs.map { ($0, parser) })
      + Self.written.map { ($0, ServiceCatalogue.dbWriter) }
    try await stage.poison((0..<count).map { _ in
      let (topic, service) = places.randomElement(using: &random) ?? places[0]
      let number = Int.random(in: 0..<1_000_000_000, using: &random)
      return (.init(topic: topic, value: "no message \(number)", services: [service.name]), "poison \(number)")
    })
  }

  // MARK: Faults

  func begin(_ outage: String) async throws -> String? {
    let words = outage.split(separator: " ")
    switch words[0] {
    case "s3": return try await store.begin(words[0], words[1], stage.names)
    case "postgres": try await postgres.begin(words[1], stage.names)
    default:
      let mode: Fault.Mode = switch words[1] {
      case "429": .rateLimit
      case "cut": .truncated
      case "slow": .slow
      default: .serverError
      }
      portal.add(Fault(mode, on: .listing, times: 1))
      portal.add(Fault(mode, on: .download, times: 3))
    }
    return nil
  }

  func attempts(_ outage: String) -> Int { outage.hasPrefix("s3") ? store.attempts : postgres.attempts }

  func heal() async throws {
    stage.names.recover()
    portal.clearFaults()
    store.heal()
    try await postgres.heal()
  }

  // MARK: The oracle

  func processed(of fed: Int) async throws -> Double {
    let visible = portal.visibleFiles.count
    let counted = try await postgres.query("SELECT count(DISTINCT (chain, file_name)) FROM parsed_files")
    let files = counted.first.flatMap { Int($0) } ?? 0
    if files < visible { return Double(files) / Double(visible) }
    for service in [ServiceCatalogue.downloader, ServiceCatalogue.parser] {
      let (done, there) = try await stage.progress(of: service.name, in: service.inputs)
      if done < there { return 0.99 }
    }
    for topic in Self.written {
      let (_, there) = try await stage.progress(of: "nobody", in: [topic])
      if try await postgres.read(of: topic.name) < there { return 0.99 }
    }
    return 1
  }

  func problems() async throws -> [String] {
    let truth = portal.catalogue.expected()
    var prices = Ledger("prices", expected: truth.prices.map { "\($0.chain)|\($0.storeID)|\($0.ean)|\($1.text)" })
    for row in try await postgres.query("SELECT chain, store_id, ean, price FROM prices") { prices.find(row) }
    var history = Ledger("price_history", expected: truth.changes.compactMap { change in
      change.before.map {
        let (key, after) = (change.key, change.after)
        return "\(key.chain)|\(key.storeID)|\(key.ean)|\(after.fileTime)|\($0)|\(after.agorot)"
      }
    })
    for row in try await postgres.query("""
      SELECT chain, store_id, ean, extract(epoch FROM file_time)::bigint, (previous_price * 100)::int,
             (price * 100)::int FROM price_history
      """) { history.find(row) }
    // What was counted of each file, redelivered or not, adds up to what is there.
    let sums = try await postgres.query("""
      SELECT sum(prices_new) = (SELECT count(*) FROM prices),
             sum(prices_changed) = (SELECT count(*) FROM price_history) FROM file_effects
      """)
    return prices.problems + history.problems + (sums == ["t|t"] ? [] : ["file_effects: the sums differ: \(sums)"])
  }

  func close() async {
    try? await heal()
    await store.close()
    await postgres.close()
    ended.raise()
  }
}
