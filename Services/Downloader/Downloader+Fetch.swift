import Core
import HTTP
import Messages
import Portals
import Values

extension Downloader {
  /// A file in the spool.
  struct Fetched: Sendable {
    var content: Spool.Content
    /// The final URL; nil for a file that is not from the web.
    var origin: HTTPURL?
    /// How often its transfer was resumed.
    var resumes = 0
  }

  /// How often one attempt resumes at once before the job backs off.
  private static let resumesAtOnce = 3
  /// A link this much past its expiry is still tried, because clocks differ; microseconds.
  private static let clockDifference: Int64 = 60 * 1_000_000

  func fetch(_ file: FileDiscovered) async throws -> Fetched {
    switch try FileLocation(url: file.url, fileRoot: settings.fileRoot) {
    case .web(let url): return try await fetch(url, file)
    case .ftp(let url):
      let spool = try newSpool()
      let request = FTPRequest(
        .retrieve, url, login: try portals?.login(chain: file.chain, url), limits: settings.limits)
      try await client.stream(request) { body in
        while let chunk = try await body.next() { try await spool.write(chunk) }
      }
      return Fetched(content: await spool.finish())
    case .file(let path, let root):
      let spool = try newSpool()
      let source = LocalFile()
      try await source.open(path, below: root)
      while let chunk = try await source.next() { try await spool.write(chunk) }
      return Fetched(content: await spool.finish())
    }
  }

  private func newSpool() throws(DownloadError) -> Spool {
    try Spool(directory: settings.spoolDirectory, limit: settings.limits.maxBodyBytes)
  }

  // MARK: - HTTP

  private func fetch(_ url: HTTPURL, _ file: FileDiscovered) async throws -> Fetched {
    let link = SignedLink(query: url.query)
    if let end = link.expiresAt, end.microseconds + Self.clockDifference < now().microseconds {
      throw DownloadError(.linkExpired, "the link was good until \(end) only")
    }
    let name = file.key
    let spool = try partials.take(name) ?? newSpool()
    var resumes = await spool.count > 0 ? 1 : 0
    while true {
      let before = await spool.count
      do {
        let origin = try await receive(url, file, into: spool)
        return Fetched(content: await spool.finish(), origin: origin, resumes: resumes)
      } catch let error as HTTPError {
        if Self.saysExpired(error, link) {
          await keep(spool, as: name)
          throw DownloadError(.linkExpired, "the link is no longer good: \(error)")
        }
        guard error.isTransient else { throw error }
        let hasMore = await spool.count > before
        guard hasMore, await spool.resumePoint != nil, Self.brokeOff(error), resumes < Self.resumesAtOnce else {
          await keep(spool, as: name)
          throw error
        }
        resumes += 1
      } catch let error as CerberusError {
        switch error.kind {
        case .sessionExpired: throw DownloadError(.linkExpired, "the portal wants a login for this link: \(error)")
        case .loginRefused:
          await portals?.forgetSession(of: file.chain)
          throw DownloadError(.loginRefused, "\(error)")
        default: throw error
        }
      }
    }
  }

  private func keep(_ spool: Spool, as name: [UInt8]) async {
    if await spool.count > 0, await spool.resumePoint != nil { partials.keep(spool, as: name) }
  }

  /// One request, with the chain's session where its portal needs one.
  /// - Returns: the final URL.
  private func receive(_ url: HTTPURL, _ file: FileDiscovered, into spool: Spool) async throws -> HTTPURL {
    var request = HTTPRequest("GET", url, limits: settings.limits)
    if let agent = portals?.userAgent(of: file.chain) { request.headers["User-Agent"] = agent }
    guard let session = try await portals?.session(chain: file.chain, url) else {
      return try await receive(request, into: spool) { _ in }
    }
    request.limits.maxRedirects = 0
    let plain = request
    return try await session.withSession { cookie in
      var request = plain
      request.headers["Cookie"] = cookie.value
      return try await receive(request, into: spool) { try CerberusSession.requireSession($0) }
    }
  }

  private func receive(
    _ request: HTTPRequest, into spool: Spool, _ accept: @Sendable (HTTPResponseHead) throws -> Void
  ) async throws -> HTTPURL {
    while true {
      var request = request
      let start = await spool.count
      let point = await spool.resumePoint
      if start > 0, let point {
        request.headers["Range"] = "bytes=\(start)-"
        request.headers["If-Range"] = point.validator
      } else if start > 0 {
        try await spool.restart(at: nil)
      }
      let origin = try await client.stream(request) { head, body -> HTTPURL? in
        try accept(head)
        if start > 0, head.status == 416 { return nil }
        try head.requireSuccess()
        switch head.status {
        case 206 where start > 0:
          // Not the missing part: unusable.
          guard let part = ResumePoint.part(head.headers["content-range"]), part.start == start,
                part.total == nil || point?.total == nil || part.total == point?.total else { return nil }
        case 200: try await spool.restart(at: ResumePoint(head))
        // No request of the downloader expects another successful status.
        default: throw HTTPError(.status(head.status), "not a whole file", url: head.url)
        }
        while let chunk = try await body.next() { try await spool.write(chunk) }
        return head.url
      }
      if let origin {
        if let total = point?.total, start > 0, await spool.resumePoint == point, await spool.count != total {
          let count = await spool.count
          try await spool.restart(at: nil)
          throw HTTPError(.truncatedBody, "\(count) of \(total) bytes", url: request.url)
        }
        return origin
      }
      // The missing part is not available: starts again.
      try await spool.restart(at: nil)
    }
  }

  /// Whether the transfer can be resumed.
  private static func brokeOff(_ error: HTTPError) -> Bool {
    switch error.kind {
    case .truncatedBody, .connectionLost, .timedOut, .tooSlow: true
    default: false
    }
  }

  /// Cloud stores answer 403, some 404 or 410, to an expired signature. For an unsigned link these statuses keep their
  /// usual meaning.
  static func saysExpired(_ error: HTTPError, _ link: SignedLink) -> Bool {
    guard link.isSigned || link.expiresAt != nil, case .status(let status) = error.kind else { return false }
    return [401, 403, 404, 410].contains(status)
  }
}

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
