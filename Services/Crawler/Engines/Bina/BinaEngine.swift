import HTTP
import Logging
import Metrics
import PriceFiles
import Runtime
import Schemas
import Synchronization

/// A portal of Bina Projects, the software behind a dozen chains.
///
/// A listing shows 1,000 rows at most and does not say that it left some out. A full one is therefore asked for
/// again by type, then by date, then by store, until the answers are short enough (`BinaSweep`).
package struct BinaEngine: PortalEngine {
  package struct Limits: Sendable {
    /// The most rows one listing shows; an answer with as many is taken to be cut.
    package var rowCap = 1_000
    /// An answer with more rows is refused.
    package var maxRows = 100_000
    /// Requests of one pass over the portal.
    package var maxRequests = 2_000
    /// Tries per request before the pass is given up.
    package var attempts = 4
    package var backoff = Backoff(base: .milliseconds(500), cap: .seconds(30))

    package init() {}
  }

  /// How a file's address is found.
  package enum Links: String, CaseIterable, Sendable {
    /// `<portal>/Download/<name>`, or what the listing itself says.
    case direct
    /// Asked of Download.aspx, one request per new file.
    case resolver
  }

  package let source: String
  let portal: BinaPortal
  let client: HTTPClient
  let httpLimits: HTTPLimits
  let limits: Limits
  let logger: Logger
  /// What earlier passes saw; a portal whose rows vanish is worth a warning.
  private let memory = Memory()

  private final class Memory: Sendable {
    struct State {
      var rows = 0
      var stores: Set<String> = []
    }
    let state = Mutex(State())
  }

  package init(
    _ portal: BinaPortal, client: HTTPClient, httpLimits: HTTPLimits, limits: Limits = Limits(), logger: Logger
  ) {
    self.portal = portal
    self.client = client
    self.httpLimits = httpLimits
    self.limits = limits
    var logger = logger
    logger[metadataKey: "source"] = "\(portal.label)"
    self.logger = logger
    source = portal.label
  }

  package func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error> {
    let sweep = BinaSweep(engine: self, types: types, stores: memory.state.withLock { $0.stores })
    return AsyncThrowingStream { try await sweep.next() }
  }

  package func link(to file: ListedFile) async throws -> String? {
    if let link = file.link { return link }
    switch portal.links {
    case .direct: return try portal.url("Download/\(file.fileName)").text
    case .resolver:
      let url = try portal.url("Download.aspx?FileNm=\(file.fileName)")
      guard let link = try BinaListing.link(try await fetch(url)) else { return nil }
      return try portal.base.resolving(link).text
    }
  }

  /// Asks for one listing, trying again while the portal is merely unwell.
  func rows(_ query: BinaQuery, nonce: Int) async throws -> (rows: [BinaRow], nameless: Int) {
    let body = try await fetch(try portal.url("MainIO_Hok.aspx?\(query.text(nonce: nonce))"))
    return try BinaListing.rows(body, limit: limits.maxRows)
  }

  private func fetch(_ url: HTTPURL) async throws -> [UInt8] {
    var backoff = limits.backoff
    let request = HTTPRequest(
      "GET", url,
      headers: ["Accept": "application/json, text/javascript, */*; q=0.01", "X-Requested-With": "XMLHttpRequest"],
      limits: httpLimits)
    while true {
      do {
        let response = try await client.execute(request)
        try response.head.requireSuccess()
        return response.body
      } catch let error as HTTPError where error.isTransient && backoff.attempt + 1 < limits.attempts {
        CrawlerMetrics.error(source, error.code)
        let delay = backoff.next(retryAfter: error.retryAfter)
        logger.warning(
          "portal unwell, trying again",
          metadata: ["error": "\(error)", "delay": "\(delay)", "attempt": "\(backoff.attempt)"])
        try await Task.sleep(for: delay)
      }
    }
  }

  /// The rows that are price files, with what their names say.
  func listing(_ rows: [BinaRow], nameless: Int) -> Listing {
    var listing = Listing()
    if nameless > 0 { listing.skipped["no_file_name"] = nameless }
    for row in rows {
      let name: PriceFileName
      do {
        name = try PriceFileName(row.fileName)
      } catch {
        listing.skip(error.code)
        continue
      }
      listing.files.append(ListedFile(
        chain: portal.chain ?? name.chainID, fileName: row.fileName, name: name, size: row.bytes,
        version: "\(row.size ?? "")\u{0}\(row.date ?? "")", link: link(of: row)))
    }
    return listing
  }

  private func link(of row: BinaRow) -> String? {
    guard let link = row.link, !link.isEmpty else { return nil }
    do {
      return try portal.base.resolving(link).text
    } catch {
      logger.warning("a listing links to what is no URL", metadata: ["file": "\(row.fileName)", "error": "\(error)"])
      return nil
    }
  }

  func finished(rows: Int, stores: Set<String>) {
    let before = memory.state.withLock { state in
      defer { if rows > 0 { state = .init(rows: rows, stores: stores) } }
      return state.rows
    }
    guard rows == 0, before > 0 else { return }
    CrawlerMetrics.emptyListing(source)
    logger.warning(
      "the portal lists nothing, where it listed files before",
      metadata: ["rows_before": "\(before)"])
  }
}
