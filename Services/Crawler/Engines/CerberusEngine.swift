import Core
import HTTP
import Portals
import PriceFiles
import Values

/// The web interface of a Cerberus portal, which a dozen chains share, each with its own user.
///
/// Shape of stored captures of 2026, never checked live: POST /file/json/dir, after a login (`CerberusSession`)
/// and with its own token, answers `{"aaData":[{"fname","name","value","type":"file","typeLabel","size","ftime",
/// "time"}],"iTotalRecords":n}`, rows in no order. Files are at /file/d/<name> and need a session: links are plain, and
/// the downloader logs in itself.
package struct CerberusEngine: ChainEngine {
  let context: EngineContext
  let session: CerberusSession
  /// Rows per request.
  let pageRows: Int

  private static let fields: Set = ["fname", "name", "value", "type", "typelabel", "size", "ftime", "time"]

  /// - Throws: a configuration `Failure` for a row without an address or a user.
  package init(_ context: EngineContext, pageRows: Int = 100_000) throws(Failure) {
    self.context = context
    self.pageRows = pageRows
    let listings = context.listings
    session = CerberusSession(try CerberusAccess(context.chain), limits: listings.limits) { request in
      try await listings.send(request) { (200...399).contains($0) }
    }
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var read = 0
    while true {
      let page = try await page(from: read)
      read += page.rows
      try context.checkRows(read)
      guard try await take(page.listing), page.rows > 0, read < page.total else { return }
    }
  }

  package func link(to file: ListedFile) async throws -> String? {
    try session.access.link(toFile: file.fileName).text
  }

  private struct Page: Sendable {
    var listing: Listing
    /// Entries of this page, files or not.
    var rows: Int
    /// Entries of all pages.
    var total: Int
  }

  private func page(from start: Int) async throws -> Page {
    var tries = 0
    return try await session.withSession { cookie in
      tries += 1
      let token = try await session.token(cookie)
      let response = try await context.listings.send(try directory(token, start, cookie)) { (200...399).contains($0) }
      try CerberusSession.requireSession(response.head)
      do {
        return try page(response.body)
      } catch let error as PortalError {
        // The portal may answer an old session with the login page, and a request that is sent again after its answer
        // was lost has a used token. The same error with a new session has another cause.
        guard tries == 1, error.kind == .htmlInsteadOfJSON || error.kind == .portalRefused else { throw error }
        throw CerberusError(.sessionExpired, error.message)
      }
    }
  }

  private func page(_ body: [UInt8]) throws(PortalError) -> Page {
    let value = try ListingJSON.value(body)
    let object = value as? [String: Any] ?? [:]
    if let error = object["error"] as? String, !error.isEmpty {
      throw PortalError(.portalRefused, "the portal says: \(error.prefix(200))")
    }
    let rows = try ListingJSON.rows(value, under: "aaData", limit: context.limits.maxRows)
    let total = ListingRow(object).text("itotalrecords").flatMap { Int($0) }
    return Page(listing: listing(rows), rows: rows.count, total: total ?? rows.count)
  }

  /// The request of the portal's own page: the parameters of a DataTables table.
  private func directory(_ token: String, _ start: Int, _ cookie: CerberusSession.Cookie) throws -> HTTPRequest {
    var headers = session.headers(cookie)
    headers["X-Requested-With"] = "XMLHttpRequest"
    headers["Accept"] = "application/json"
    let folder = session.access.folder
    let columns = ["fname", "typeLabel", "size", "ftime"].enumerated().map { ("mDataProp_\($0.offset)", $0.element) }
    return .form(
      try session.access.url("file/json/dir"),
      [("sEcho", "1"), ("iColumns", "5"), ("sColumns", ",,,,")]
        + [("iDisplayStart", "\(start)"), ("iDisplayLength", "\(pageRows)")] + columns
        + [("sSearch", ""), ("cd", folder.isEmpty ? "/" : folder), ("csrftoken", token)],
      headers: headers, limits: context.listings.limits)
  }

  private func listing(_ rows: [ListingRow]) -> Listing {
    var listing = Listing()
    for row in rows {
      listing.unknownColumns.formUnion(row.unknown(beside: Self.fields))
      guard (row.text("type") ?? "file").lowercased() == "file" else {
        listing.skip("folder")
        continue
      }
      // `name` is the file's name in the folder; `fname` is the displayed name.
      guard let fileName = listing.fileName(row, "name", "fname") else { continue }
      let size = row.text("size")
      listing.add(
        fileName, of: context, size: size.flatMap { Int64($0) }, version: [size, row.text("time") ?? row.text("ftime")],
        linkFollows: true)
    }
    return listing
  }
}
