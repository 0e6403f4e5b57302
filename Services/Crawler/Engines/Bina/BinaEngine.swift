import Core
import HTTP
import Logging
import PriceFiles
import Synchronization
import Values

/// A portal of Bina Projects, the software behind a dozen chains.
///
/// A listing shows at most 1,000 rows and does not say when it omits some. A full one is therefore requested again by
/// type, then by date, then by store, until the answers are short enough (`BinaSweep`).
package final class BinaEngine: ChainEngine {
  /// How the engine finds a file's URL.
  package enum Links: String, CaseIterable, Sendable {
    /// `<portal>/Download/<name>`, or the link in the listing.
    case direct
    /// From Download.aspx, with one request per new file.
    case resolver
  }

  let context: EngineContext
  let base: HTTPURL
  let links: Links
  /// The stores that earlier passes found, to narrow a cut listing.
  private let stores = Mutex<Set<String>>([])

  /// Option of the row: `links: direct` or `resolver`.
  /// - Throws: a configuration `Failure`.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    let written = context.option("links", default: Links.direct.rawValue)
    guard let links = Links(rawValue: written) else {
      throw Failure(
        .configuration, code: "bad_source", "\(context.label): links: '\(written)' is neither direct nor resolver")
    }
    self.links = links
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var sweep = BinaSweep(engine: self, types: types, stores: stores.withLock { $0 })
    while let listing = try await sweep.next() {
      guard try await take(listing) else { return }
    }
    if !sweep.stores.isEmpty { stores.withLock { [found = sweep.stores] in $0 = found } }
  }

  package func link(to file: ListedFile) async throws -> String? {
    if let link = file.link { return link }
    switch links {
    case .direct: return try base.resolving("Download/\(file.fileName)").text
    case .resolver:
      let url = try base.resolving("Download.aspx?FileNm=\(file.fileName)")
      guard let link = try BinaListing.link(try await fetch(url)) else { return nil }
      return try base.resolving(link).text
    }
  }

  /// Requests one listing.
  func rows(_ query: BinaQuery, nonce: Int) async throws -> (rows: [BinaRow], nameless: Int) {
    let body = try await fetch(try base.resolving("MainIO_Hok.aspx?\(query.text(nonce: nonce))"))
    return try BinaListing.rows(body, limit: context.limits.maxRows)
  }

  private func fetch(_ url: HTTPURL) async throws -> [UInt8] {
    try await context.listings.get(url, headers: [
      "Accept": "application/json, text/javascript, */*; q=0.01", "X-Requested-With": "XMLHttpRequest",
    ]).body
  }

  /// The rows that are price files.
  func listing(_ rows: [BinaRow], nameless: Int) -> Listing {
    var listing = Listing()
    if nameless > 0 { listing.skipped["no_file_name"] = nameless }
    for row in rows {
      listing.add(
        row.fileName, of: context, size: row.size.flatMap { Int64($0) }, version: [row.size, row.date],
        link: link(of: row), linkFollows: true)
    }
    return listing
  }

  private func link(of row: BinaRow) -> String? {
    guard let link = row.link, !link.isEmpty else { return nil }
    do {
      return try base.resolving(link).text
    } catch {
      context.logger.warning(
        "a listing has a link that is not a URL", metadata: ["file": "\(row.fileName)", "error": "\(error)"])
      return nil
    }
  }
}
