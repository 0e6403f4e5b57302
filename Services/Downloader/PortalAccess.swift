import HTTP
import Portals
import Runtime

/// How to get in where a portal wants to know who asks.
///
/// Users and passwords come from the catalogue of chains and go to the host that the catalogue names, nowhere else:
/// a URL in a message can choose neither.
package actor PortalAccess {
  private let catalogue: ChainCatalogue
  private let client: HTTPClient
  private let limits: HTTPLimits
  private var sessions: [String: CerberusSession] = [:]

  /// - Throws: a configuration `Failure` for a secret that cannot be read: before any work, not in its middle.
  package init(_ catalogue: ChainCatalogue, client: HTTPClient, limits: HTTPLimits) throws(Failure) {
    self.catalogue = catalogue
    self.client = client
    self.limits = limits
    for chain in catalogue.chains where !chain.isClosed { _ = try chain.credentials() }
  }

  /// What the chain wants to be sent as User-Agent; nil: whatever the client sends.
  nonisolated func userAgent(of chain: String) -> String? { catalogue.named(chain)?.userAgent }

  /// Nil: anonymous, also when the URL leads to another host than the catalogue, or there in the clear where the
  /// catalogue asks for TLS.
  nonisolated func login(chain: String, _ url: FTPURL) throws(Failure) -> FTPRequest.Login? {
    guard let chain = catalogue.named(chain), let home = try? FTPURL(chain.locator), home.origin == url.origin,
          url.requiresTLS || !home.requiresTLS, let credentials = try chain.credentials() else { return nil }
    return FTPRequest.Login(user: credentials.user, password: credentials.password)
  }

  /// The session that a file of a Cerberus web portal is fetched with; nil for every other link.
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

  /// The next session reads its password anew.
  func forgetSession(of chain: String) { sessions[chain] = nil }
}
