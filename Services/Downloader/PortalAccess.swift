import Core
import HTTP
import Portals

/// Logins and sessions for portals that need them.
///
/// Users and passwords come from the catalogue of chains and go only to the host that the catalogue names; a URL in a
/// message can choose neither.
package actor PortalAccess {
  private let catalogue: ChainCatalogue
  private let client: HTTPClient
  private let limits: HTTPLimits
  private var sessions: [String: CerberusSession] = [:]

  /// - Throws: a configuration `Failure` for a secret that cannot be read, before any work.
  package init(_ catalogue: ChainCatalogue, client: HTTPClient, limits: HTTPLimits) throws(Failure) {
    self.catalogue = catalogue
    self.client = client
    self.limits = limits
    for chain in catalogue.chains where !chain.isClosed { _ = try chain.credentials() }
  }

  /// The User-Agent for the chain's portal; nil: the client's.
  nonisolated func userAgent(of chain: String) -> String? { catalogue.named(chain)?.userAgent }

  /// - Returns: nil for an anonymous login, also when the URL has another host than the catalogue, or no TLS where the
  ///   catalogue requires it.
  nonisolated func login(chain: String, _ url: FTPURL) throws(Failure) -> FTPRequest.Login? {
    guard let chain = catalogue.named(chain), let home = try? FTPURL(chain.locator), home.origin == url.origin,
      url.requiresTLS || !home.requiresTLS
    else { return nil }
    return try chain.credentials()
  }

  /// The session for a file of a Cerberus web portal; nil for every other link.
  func session(chain: String, _ url: HTTPURL) throws(Failure) -> CerberusSession? {
    guard let chain = catalogue.named(chain), chain.engine == "cerberus", let home = try? HTTPURL(chain.locator),
          home.origin == url.origin, chain.user != nil else { return nil }
    if let session = sessions[chain.slug] { return session }
    var limits = limits
    // Forms, not files.
    limits.maxBodyBytes = 1 << 20
    let session = CerberusSession(
      try CerberusAccess(chain), limits: limits, userAgent: chain.userAgent
    ) { [client] in try await client.execute($0) }
    sessions[chain.slug] = session
    return session
  }

  /// The next session reads its password again.
  func forgetSession(of chain: String) { sessions[chain] = nil }
}
