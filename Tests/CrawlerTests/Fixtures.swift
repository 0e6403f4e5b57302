import Core
@testable import CrawlerService
import HTTP
import Logging
import Messages
import Portals
import PortalSimulator
import PriceFiles
import Redis
import ServiceKit
import ServiceState
import Synchronization
import Values

/// Remembers what was announced; fails as often as the test sets.
final class RecordingAnnouncer: Announcer {
  private struct State {
    var files: [FileDiscovered] = []
    var alerts: [Alert] = []
    var refusals: [any Error] = []
  }
  private let state = Mutex(State())

  var files: [FileDiscovered] { state.withLock { $0.files } }
  var alerts: [Alert] { state.withLock { $0.alerts } }
  var names: [String] { files.map(\.fileName) }

  func refuse(with error: any Error, times: Int = 1) {
    state.withLock { $0.refusals += Array(repeating: error, count: times) }
  }

  func raise(_ alerts: [Alert]) async throws { state.withLock { $0.alerts += alerts } }

  func announce(_ files: [FileDiscovered]) async throws {
    try state.withLock { state in
      if !state.refusals.isEmpty { throw state.refusals.removeFirst() }
      state.files += files
    }
  }
}

/// A state whose `set` fails as often as the test sets, as if the process had died before it.
actor ForgetfulState: StateStore {
  private let inner = MemoryState()
  private var failures: Int

  init(failures: Int) { self.failures = failures }

  func values(of keys: [String]) async throws -> [String?] { inner.values(of: keys) }

  func set(_ values: [(key: String, value: String)]) async throws {
    if failures > 0 {
      failures -= 1
      throw Failure(.transient, code: "died", "between the acknowledgement and the mark")
    }
    inner.set(values)
  }

  func remove(_ key: String) async throws { inner.remove(key) }
  func ping() async throws {}
  func close() async {}
}

extension SeenStore {
  /// The file of a crawler's state.
  static func file(
    _ path: String, retention: Duration, now: @escaping @Sendable () -> Int64 = WallClock.seconds
  ) throws(Failure) -> SeenStore {
    SeenStore(try FileState(path: path, retention: retention, format: format, now: now))
  }

  static func redis(_ client: RedisClient, retention: Duration) -> SeenStore {
    SeenStore(RedisState(client, prefix: prefix, retention: retention))
  }

  func close() async { await state.close() }
}

func quietLogger() -> Logger { Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() } }

func smallCatalogue(chains: Int = 5, rounds: Int = 2) -> CatalogueSettings {
  var settings = CatalogueSettings()
  settings.chains = chains
  settings.stores = 2
  settings.items = 20
  settings.rounds = rounds
  return settings
}

func quickLimits(rowCap: Int = 1_000, maxRequests: Int = 2_000) -> EngineLimits {
  var limits = EngineLimits()
  limits.rowCap = rowCap
  limits.maxRequests = maxRequests
  return limits
}

/// An engine's context, with short waits and local addresses allowed.
func engineContext(
  _ chain: Chain, limits: EngineLimits = quickLimits(), httpLimits: HTTPLimits = HTTPLimits(), attempts: Int = 4,
  client: HTTPClient? = nil
) throws -> EngineContext {
  let client = try client ?? HTTPClient(HTTPConfiguration(
    addresses: AddressPolicy(allowsPrivate: true), userAgent: "Mozilla/5.0 (X11; Linux x86_64) tests"))
  let retries = ListingClient.Retries(
    attempts: attempts, backoff: Backoff(base: .milliseconds(1), cap: .milliseconds(5)))
  let listings = ListingClient(
    source: chain.slug, client: client, limits: httpLimits, userAgent: chain.userAgent, retries: retries,
    logger: quietLogger())
  return EngineContext(
    chain: chain, label: chain.slug, chainName: chain.slug, listings: listings, limits: limits,
    zone: try ZoneTable(identifier: PriceFileName.zoneIdentifier), logger: quietLogger())
}

func engine(
  _ portal: PortalSimulator, _ chain: ChainProfile, limits: EngineLimits = quickLimits(),
  links: BinaEngine.Links = .direct, httpLimits: HTTPLimits = HTTPLimits(), attempts: Int = 4
) throws -> BinaEngine {
  let row = Chain(
    slug: chain.slug, engine: "bina", locator: portal.baseURL(of: chain), options: ["links": links.rawValue])
  return try BinaEngine(engineContext(row, limits: limits, httpLimits: httpLimits, attempts: attempts))
}

func allFiles(
  _ engine: some PortalEngine, _ types: Set<FileType> = Set(FileType.allCases)
) async throws -> [ListedFile] {
  var files: [ListedFile] = []
  try await engine.list(types) { listing in
    files += listing.files
    return true
  }
  return files
}

func onceSettings() -> CrawlSettings {
  var settings = CrawlSettings()
  settings.once = true
  settings.backoff = Backoff(base: .milliseconds(1), cap: .milliseconds(5))
  return settings
}

func crawler(
  _ engines: [any PortalEngine], _ store: SeenStore, _ announcer: any Announcer,
  _ settings: CrawlSettings = onceSettings(), drain: Interruption = Interruption()
) throws -> Crawler {
  Crawler(
    engines: engines, store: store, announcer: announcer, settings: settings,
    zone: try ZoneTable(identifier: PriceFileName.zoneIdentifier),
    context: ServiceContext(name: "crawler", logger: quietLogger(), drain: drain),
    alerts: AlertLog(announcer: announcer, logger: quietLogger()))
}
