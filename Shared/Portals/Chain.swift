import Runtime

/// A chain and where it publishes its files: one row of the catalogue.
package struct Chain: Hashable, Sendable {
  /// The name in messages, in `--source` and in metrics: lower-case letters, digits and `_`.
  package var slug: String
  package var name: String
  /// How the portal is spoken to: a name of the crawler's engine table, such as `bina`.
  package var engine: String
  /// Where: a URL whose scheme suits the engine, or a folder.
  package var locator: String
  /// The folder at the portal, for those that have folders (`/Yuda`).
  package var path: String?
  /// For portals with a login.
  package var user: String?
  package var password: Secret?
  /// The ids its file names carry; more than one where sister companies share a portal.
  package var chainIDs: [String]
  /// Ids that only some of its files carry.
  package var secondaryIDs: [String]
  /// Sent instead of the program's own; nil: the program's own.
  package var userAgent: String?
  package var schedule: Schedule
  /// What only this engine knows, by name.
  package var options: [String: String]
  /// No longer published; listed so that old files keep their names.
  package var isClosed: Bool

  package init(
    slug: String, name: String? = nil, engine: String, locator: String, path: String? = nil, user: String? = nil,
    password: Secret? = nil, chainIDs: [String] = [], secondaryIDs: [String] = [], userAgent: String? = nil,
    schedule: Schedule = Schedule(), options: [String: String] = [:], isClosed: Bool = false
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

  /// Every id that a file of this chain may carry.
  package var allIDs: [String] { chainIDs + secondaryIDs }

  /// The login, resolved now: references are read anew, so that a rotated secret is found. Nil without `user`.
  /// - Throws: a configuration `Failure` when the reference leads nowhere.
  package func credentials() throws(Failure) -> Credentials? {
    guard let user else { return nil }
    return Credentials(user: user, password: try password?.resolve() ?? "")
  }
}
