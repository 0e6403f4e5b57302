import ArgumentParser
import Core
import Options
import Portals
import PriceFiles
import Values

/// The crawler's own flags.
struct CrawlOptions: ParsableArguments {
  @Option(parsing: .singleValue, help: ArgumentHelp(
    "What to crawl: a chain of the catalogue, all, bina:<prefix>, <engine>+https://host/path?chain=<name>, "
      + "https://host/path/, ftps://host/path/, dir:<folder> (repeatable).", valueName: "source"))
  var source: [String] = []

  @Option(help: ArgumentHelp(
    "Where to remember what was announced: redis://[:password@]host:port/database, file:///absolute/path, memory:. "
      + "(default: --redis-url if that is set, else memory:)", valueName: "location"))
  var state: String?

  @Option(help: ArgumentHelp("How long to remember a file that is no longer listed.", valueName: "duration"))
  var remember = DurationSetting(.seconds(30 * 86_400))

  @Option(help: ArgumentHelp(
    "Crawl only the chains of this shard: 0/3, 1/3 and 2/3 are three crawlers that share them.", valueName: "i/n"))
  var shard: Shard?

  @Option(help: ArgumentHelp(
    "Crawlers with one redis:// state share the chains among them by leases that live this long unless renewed; the "
      + "chains of one that died are crawled by others a little later.", valueName: "duration"))
  var leaseTimeout = DurationSetting(.seconds(15))

  @Option(help: ArgumentHelp("How often a day one file is listed again because its link expired.", valueName: "count"))
  var relistLimit = 5

  @Flag(help: "Pass over every source once and exit.")
  var once = false

  @Option(help: ArgumentHelp("Time between two passes over a source, give or take a tenth.", valueName: "duration"))
  var interval = DurationSetting(.seconds(300))

  @Option(help: ArgumentHelp(
    "Kinds of files to announce, separated by commas: price, price_full, promo, promo_full, stores.",
    valueName: "types"))
  var types = FileTypes()

  @Option(help: ArgumentHelp(
    "Leave out files made earlier: a day (2026-08-23, in Israel) or a time (2026-08-23T03:00:00Z).",
    valueName: "time"))
  var since: String?

  @Option(help: "How Bina links are found: direct makes them from the name, resolver asks the portal for each.")
  var binaLinks = BinaEngine.Links.direct

  @Option(help: ArgumentHelp("Rows after which a portal cuts its listings.", valueName: "count"))
  var listingRowCap = 1_000

  @Option(help: ArgumentHelp("A listing with more rows is refused.", valueName: "count"))
  var maxListingRows = 100_000

  @Option(help: ArgumentHelp("A listing with more bytes is refused.", valueName: "size"))
  var maxListingBytes = ByteSize.mib(32)

  @Option(help: ArgumentHelp("Most listing requests of one pass over a portal.", valueName: "count"))
  var maxListingRequests = 2_000

  @Option(help: ArgumentHelp("Days to request, back from today, from portals that list by day.",
                             valueName: "count"))
  var listingDays = 2

  @Option(help: ArgumentHelp("Shortest time between two listing requests to one host.", valueName: "duration"))
  var requestGap = DurationSetting(.milliseconds(100))

  @Option(help: ArgumentHelp("New files announced in one pass over a source; more wait for the next.",
                             valueName: "count"))
  var maxNewFiles = 200_000

  func validate() throws {
    for (flag, value) in [
      ("--listing-row-cap", listingRowCap), ("--max-listing-rows", maxListingRows),
      ("--max-listing-bytes", maxListingBytes.bytes), ("--max-listing-requests", maxListingRequests),
      ("--max-new-files", maxNewFiles), ("--listing-days", listingDays),
      ("--relist-limit", relistLimit),
    ] where value < 1 {
      throw ValidationError("\(flag) must be 1 or more")
    }
    for (flag, value) in [("--interval", interval), ("--remember", remember)] where value.duration < .seconds(1) {
      throw ValidationError("\(flag) must be 1s or more")
    }
    guard leaseTimeout.duration >= .seconds(1), leaseTimeout.duration <= .seconds(600) else {
      throw ValidationError("--lease-timeout must be 1s to 10m")
    }
  }

  /// - Throws: `Failure(.configuration)` for a source that cannot be read, none at all, or one named twice.
  func sources(in catalogue: ChainCatalogue = .embedded) throws(Failure) -> [CrawlSource] {
    guard !source.isEmpty else {
      throw Failure(
        .configuration, code: "no_source",
        "--source is needed: a chain of the catalogue (see `crawler sources`), all, bina:<prefix>, "
          + "<engine>+https://host/path?chain=<name>, https://host/path/, ftps://host/path/, or dir:<folder>")
    }
    var sources: [CrawlSource] = []
    for text in source {
      for next in try CrawlSource.read(text, in: catalogue) {
        guard !sources.contains(next) else {
          throw Failure(.configuration, code: "bad_source", "--source \(next.label) is given twice")
        }
        sources.append(next)
      }
    }
    if let shard { sources.removeAll { !shard.owns($0.label) } }
    return sources
  }

  /// - Throws: `Failure(.configuration)` for a `--since` that is no time.
  func settings(zone: ZoneTable) throws(Failure) -> CrawlSettings {
    var settings = CrawlSettings()
    settings.types = types.types
    settings.once = once
    settings.interval = interval.duration
    settings.maxFiles = maxNewFiles
    if let since { settings.since = try Self.time(since, zone) }
    return settings
  }

  private static func time(_ text: String, _ zone: ZoneTable) throws(Failure) -> Timestamp {
    if let time = Timestamp(text) { return time }
    if let date = CivilDate(text) {
      let start = zone.instant(year: date.year, month: date.month, day: date.day).epochSeconds
      if let time = Timestamp(microseconds: start * 1_000_000) { return time }
    }
    throw Failure(
      .configuration, code: "invalid_setting",
      "--since: '\(text)' is neither a day such as 2026-08-23 nor a time such as 2026-08-23T03:00:00+03:00")
  }
}

/// Kinds of files, as `price,price_full`.
struct FileTypes: ExpressibleByArgument, Hashable, Sendable {
  var types: Set<FileType>

  init() { types = Set(FileType.allCases) }

  init?(argument: String) {
    var types: Set<FileType> = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let type = FileType(rawValue: String(word)) else { return nil }
      types.insert(type)
    }
    self.types = types
  }

  var defaultValueDescription: String {
    FileType.allCases.filter(types.contains).map(\.rawValue).joined(separator: ",")
  }
}

extension BinaEngine.Links: ExpressibleByArgument {}
