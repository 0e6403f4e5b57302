import Core
import HTTP

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
