import Core
import HTTP
import StrictYAML

/// The chains known by name: the embedded ones, and those of a file that add to or replace them.
package struct ChainCatalogue: Sendable {
  package private(set) var chains: [Chain]

  package init(_ chains: [Chain] = []) { self.chains = chains }

  package func named(_ slug: String) -> Chain? { chains.first { $0.slug == slug } }

  /// These chains and those of `other`, which wins where both have a name.
  package func overridden(by other: ChainCatalogue) -> ChainCatalogue {
    var merged = chains.map { other.named($0.slug) ?? $0 }
    merged += other.chains.filter { named($0.slug) == nil }
    return ChainCatalogue(merged)
  }

  /// The embedded catalogue.
  package static let embedded: ChainCatalogue = {
    do {
      return try ChainCatalogue(yaml: embeddedText, origin: "the embedded catalogue")
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  /// The embedded catalogue with the chains of a file added to it.
  /// - Throws: a configuration `Failure` naming file and line.
  package static func load(file path: String?) throws(Failure) -> ChainCatalogue {
    guard let path else { return embedded }
    let text = String(decoding: try readFile(path, limit: 4 << 20), as: UTF8.self)
    return embedded.overridden(by: try ChainCatalogue(yaml: text, origin: path))
  }
}

/// A chain and where it publishes its files: one row of the catalogue.
package struct Chain: Hashable, Sendable {
  /// The name in messages, in `--source` and in metrics: lower-case letters, digits and `_`.
  package var slug: String
  package var name: String
  /// The engine that speaks to the portal: a name of the crawler's engine table, such as `bina`.
  package var engine: String
  /// A URL whose scheme suits the engine, or a folder.
  package var locator: String
  /// The folder on the portal, where there is one (`/Yuda`).
  package var path: String?
  /// For portals with a login.
  package var user: String?
  package var password: Secret?
  /// The ids in its file names; more than one where sister companies share a portal.
  package var chainIDs: [String]
  /// Ids that only some of its files have.
  package var secondaryIDs: [String]
  /// User-Agent header; nil: the program's own.
  package var userAgent: String?
  package var schedule: CrawlSchedule
  /// Options of this engine alone, by name.
  package var options: [String: String]
  /// The portal is closed; the chain stays listed so that old files are still recognised.
  package var isClosed: Bool

  package init(
    slug: String, name: String? = nil, engine: String, locator: String, path: String? = nil, user: String? = nil,
    password: Secret? = nil, chainIDs: [String] = [], secondaryIDs: [String] = [], userAgent: String? = nil,
    schedule: CrawlSchedule = CrawlSchedule(), options: [String: String] = [:], isClosed: Bool = false
  ) {
    self.slug = slug
    self.name = name ?? slug
    self.engine = engine
    self.locator = locator
    self.path = path
    self.user = user
    self.password = password
    self.chainIDs = chainIDs
    self.secondaryIDs = secondaryIDs
    self.userAgent = userAgent
    self.schedule = schedule
    self.options = options
    self.isClosed = isClosed
  }

  /// Every id that a file of this chain may have.
  package var allIDs: [String] { chainIDs + secondaryIDs }

  /// The login; references are resolved at each call, so that a rotated secret is picked up. Nil without `user`.
  /// - Throws: a configuration `Failure` when a reference cannot be resolved.
  package func credentials() throws(Failure) -> FTPRequest.Login? {
    guard let user else { return nil }
    return FTPRequest.Login(user: user, password: try password?.resolve() ?? "")
  }
}

/// When and how fast a chain's portal is crawled. Nil means the program's default.
package struct CrawlSchedule: Hashable, Sendable {
  /// Time between two passes.
  package var interval: Duration?
  /// Shortest time between two requests to the portal's host.
  package var requestGap: Duration?
  /// Outside these hours the crawler sends no requests, and an empty listing is normal.
  package var activeHours: ActiveHours?

  package init(interval: Duration? = nil, requestGap: Duration? = nil, activeHours: ActiveHours? = nil) {
    self.interval = interval
    self.requestGap = requestGap
    self.activeHours = activeHours
  }
}

/// The hours of the day, Israel time, in which a portal shows its files.
package struct ActiveHours: Hashable, Sendable {
  /// Minutes since midnight; `end` is exclusive and may be 1,440. An end before the start is on the next day.
  package var start: Int
  package var end: Int
  /// Days of the week without files, 0 = Sunday.
  package var closedDays: Set<Int>

  package init(start: Int = 0, end: Int = 1_440, closedDays: Set<Int> = []) {
    self.start = start
    self.end = end
    self.closedDays = closedDays
  }

  /// - Parameter text: `08:00-24:00`; nil when it is not of that form.
  package init?(_ text: String, closedDays: Set<Int> = []) {
    guard let parts = text.wholeMatch(of: /(\d\d):([0-5]\d)-(\d\d):([0-5]\d)/)?.output,
      let startHour = Int(parts.1), let startMinute = Int(parts.2), let endHour = Int(parts.3),
      let endMinute = Int(parts.4)
    else { return nil }
    let (start, end) = (startHour * 60 + startMinute, endHour * 60 + endMinute)
    guard start != end, start < 1_440, end <= 1_440 else { return nil }
    self.init(start: start, end: end, closedDays: closedDays)
  }

  /// - Parameter localSeconds: Israel time as seconds since 1970, as if it were UTC.
  package func contains(localSeconds: Int64) -> Bool {
    let (day, second) = localSeconds.flooredDivision(by: 86_400)
    let minute = Int(second / 60)
    // 1 January 1970 was a Thursday.
    guard !closedDays.contains(Int((day + 4).flooredDivision(by: 7).remainder)) else { return false }
    return start < end ? (start..<end).contains(minute) : minute >= start || minute < end
  }

  static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
}

/// The catalogue as YAML:
///
///     engines:                      # defaults for the chains of an engine
///       cerberus: {locator: "https://url.publishedprices.co.il", interval: 10m}
///     chains:
///       - {chain: tiv_taam, name: Tiv Taam, engine: cerberus, user: TivTaam, ids: [7290873255550]}
///
/// Keys of a chain: `chain`, `name`, `engine`, `locator`, `path`, `user`, `password` (`env:NAME`, `file:/path` or a
/// public one), `ids`, `secondary_ids`, `user_agent` (or `browser`), `interval`, `request_gap`, `hours`
/// (`08:00-24:00`, Israel time), `closed_days` (`[sat]`), `closed`, `options`. An unknown key is refused.
extension ChainCatalogue {
  /// What `user_agent: browser` sends.
  package static let browserUserAgent =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

  private static let keys = [
    "chain", "name", "engine", "locator", "path", "user", "password", "ids", "secondary_ids", "user_agent", "interval",
    "request_gap", "hours", "closed_days", "closed", "options",
  ]

  /// - Throws: a configuration `Failure` with the line and what is wrong there.
  package init(yaml: String, origin: String) throws(Failure) {
    guard let root = try YAMLValue.read(yaml: yaml, origin: origin), !root.isNull else {
      self.init()
      return
    }
    let sections = try YAMLFields(root, of: "catalogue", known: ["engines", "chains"], origin: origin)
    let engines = try sections.mapping("engines") ?? []
    var chains: [Chain] = []
    for row in try sections.list("chains") ?? [] {
      let engine = row.mapping?.first { $0.key == "engine" }?.value.text
      let fields = try YAMLFields(
        row, of: "chain", known: Self.keys, origin: origin, nameKey: "chain",
        defaults: engines.first { $0.key == engine }?.value)
      let chain = try Chain(fields)
      guard !chains.contains(where: { $0.slug == chain.slug }) else { throw fields.wrong("it is there twice") }
      chains.append(chain)
    }
    self.init(chains)
  }
}

extension Chain {
  fileprivate init(_ fields: YAMLFields) throws(Failure) {
    let slug = try fields.required("chain")
    guard slug.utf8.allSatisfy(Self.isSlugByte) else {
      throw fields.wrong("chain", "letters, digits, '_' and '-' are expected")
    }
    let isClosed = try fields.flag("closed") ?? false
    let agent = try fields.text("user_agent")
    self.init(
      slug: slug, name: try fields.text("name"), engine: try fields.required("engine"),
      locator: isClosed ? try fields.text("locator") ?? "" : try fields.required("locator"),
      path: try fields.text("path", mayBeEmpty: true), user: try fields.text("user", mayBeEmpty: true),
      password: try fields.text("password", mayBeEmpty: true).map { Secret($0) },
      chainIDs: try Self.ids(fields, "ids"), secondaryIDs: try Self.ids(fields, "secondary_ids"),
      userAgent: agent == "browser" ? ChainCatalogue.browserUserAgent : agent,
      schedule: CrawlSchedule(
        interval: try fields.duration("interval"), requestGap: try fields.duration("request_gap"),
        activeHours: try Self.activeHours(fields)),
      options: try Self.options(fields), isClosed: isClosed)
  }

  private static func ids(_ fields: YAMLFields, _ name: String) throws(Failure) -> [String] {
    let ids = try fields.texts(name) ?? []
    for id in ids where id.isEmpty || !id.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      throw fields.wrong(name, "'\(id)' is no chain id: digits are expected")
    }
    return ids
  }

  private static func activeHours(_ fields: YAMLFields) throws(Failure) -> ActiveHours? {
    var days: Set<Int> = []
    for day in try fields.texts("closed_days") ?? [] {
      guard let index = ActiveHours.dayNames.firstIndex(of: day.lowercased()) else {
        throw fields.wrong("closed_days", "'\(day)' is none of \(ActiveHours.dayNames.joined(separator: ", "))")
      }
      days.insert(index)
    }
    guard let text = try fields.text("hours") else { return days.isEmpty ? nil : ActiveHours(closedDays: days) }
    guard let hours = ActiveHours(text, closedDays: days) else {
      throw fields.wrong("hours", "'\(text)' is not of the form 08:00-24:00")
    }
    return hours
  }

  private static func options(_ fields: YAMLFields) throws(Failure) -> [String: String] {
    var options: [String: String] = [:]
    for entry in try fields.mapping("options") ?? [] {
      guard let text = entry.value.text else { throw fields.wrong("options", "'\(entry.key)' wants one value") }
      options[entry.key] = text
    }
    return options
  }

  /// Letters and digits of ASCII, `_` and `-`.
  package static func isSlugByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
  }
}
