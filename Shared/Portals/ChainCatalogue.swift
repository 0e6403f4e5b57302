import Core
import HTTP

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
