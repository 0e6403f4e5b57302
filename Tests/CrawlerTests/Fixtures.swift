import CrawlerService
import HTTP
import Logging
import PortalSimulator
import PriceFiles
import Runtime
import Schemas
import ServiceKit
import Synchronization

/// Remembers what was announced; refuses as often as it is told to.
final class RecordingAnnouncer: Announcer {
  private struct State {
    var files: [FileDiscovered] = []
    var refusals: [any Error] = []
  }
  private let state = Mutex(State())

  var files: [FileDiscovered] { state.withLock { $0.files } }
  var names: [String] { files.map(\.fileName) }

  func refuse(with error: any Error, times: Int = 1) {
    state.withLock { $0.refusals += Array(repeating: error, count: times) }
  }

  func announce(_ files: [FileDiscovered]) async throws {
    try state.withLock { state in
      if !state.refusals.isEmpty { throw state.refusals.removeFirst() }
      state.files += files
    }
  }
}

/// A store whose `mark` fails as often as it is told to, as if the process had died before it.
actor ForgetfulStore: SeenStore {
  private let inner = MemorySeenStore()
  private var failures: Int

  init(failures: Int) { self.failures = failures }

  func areSeen(_ entries: [SeenEntry]) async throws -> [Bool] { await inner.areSeen(entries) }

  func mark(_ entries: [SeenEntry]) async throws {
    if failures > 0 {
      failures -= 1
      throw Failure(.transient, code: "died", "between the acknowledgement and the mark")
    }
    await inner.mark(entries)
  }

  func ping() async throws {}
  func close() async {}
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

/// Limits and waits short enough for tests.
func quickLimits(rowCap: Int = 1_000) -> BinaEngine.Limits {
  var limits = BinaEngine.Limits()
  limits.rowCap = rowCap
  limits.backoff = Backoff(base: .milliseconds(1), cap: .milliseconds(5))
  return limits
}

func engine(
  _ portal: PortalSimulator, _ chain: ChainProfile, limits: BinaEngine.Limits = quickLimits(),
  links: BinaEngine.Links = .direct, httpLimits: HTTPLimits = HTTPLimits()
) throws -> BinaEngine {
  let client = try HTTPClient(HTTPConfiguration(
    addresses: AddressPolicy(allowsPrivate: true), userAgent: "Mozilla/5.0 (X11; Linux x86_64) tests"))
  return BinaEngine(
    try BinaPortal(label: chain.slug, chain: chain.slug, address: portal.baseURL(of: chain), links: links),
    client: client, httpLimits: httpLimits, limits: limits, logger: quietLogger())
}

func allFiles(
  _ engine: some PortalEngine, _ types: Set<FileType> = Set(FileType.allCases)
) async throws -> [ListedFile] {
  var files: [ListedFile] = []
  for try await listing in engine.listings(of: types) { files += listing.files }
  return files
}

func onceSettings() -> CrawlSettings {
  var settings = CrawlSettings()
  settings.once = true
  settings.backoff = Backoff(base: .milliseconds(1), cap: .milliseconds(5))
  return settings
}

func crawler(
  _ engines: [any PortalEngine], _ store: any SeenStore, _ announcer: any Announcer,
  _ settings: CrawlSettings = onceSettings(), drain: Interruption = Interruption()
) throws -> Crawler {
  Crawler(
    engines: engines, store: store, announcer: announcer, settings: settings,
    zone: try ZoneTable(identifier: PriceFileName.zoneIdentifier),
    context: ServiceContext(name: "crawler", logger: quietLogger(), drain: drain))
}
