import Core
import HTTP
import Logging
import Portals
import PriceFiles
import Values

/// The web service laibcatalog.co.il, which serves three chains.
///
/// Shape of stored captures of 2026, never checked live, below `https://laibcatalog.co.il/webapi`:
/// `/api/getfiles?edi=<chain id>` is an array of
/// `{"fileName","fileType","fileSize","fileDate","branchNumber","lastModified"}`, files are at `/<chain
/// id>/<fileName>`. It holds today's files only: after midnight, and for one chain on Saturdays, it is empty. For an id
/// without a folder it answers 400 "FilesRootPath is invalid".
package struct LaibcatalogEngine: ChainEngine {
  let context: EngineContext
  let base: HTTPURL
  /// Requested one by one; a chain may have several, and the service may not know all of them.
  let chainIDs: [String]

  private static let fields: Set = ["filename", "filetype", "filesize", "filedate", "branchnumber", "lastmodified"]

  /// - Throws: a configuration `Failure` for a row without an address or without ids.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    chainIDs = context.chain.allIDs
    guard !chainIDs.isEmpty, chainIDs.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39) ~= $0 } }) else {
      throw Failure(
        .configuration, code: "bad_source", "\(context.label): a laibcatalog chain needs `ids`, each of digits only")
    }
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var refused: PortalError?
    var answered = 0
    for id in chainIDs {
      do {
        let listing = try await listing(of: id)
        answered += 1
        guard try await take(listing) else { return }
      } catch let error as PortalError where error.kind == .unknownChain {
        CrawlerMetrics.error(source, error.code)
        context.logger.warning("\(error)")
        refused = error
      }
    }
    // One unknown id of several is a warning; no known id is a wrong setting.
    if let refused, answered == 0 { throw refused }
  }

  private func listing(of id: String) async throws -> Listing {
    let request = HTTPRequest(
      "GET", try base.resolving("api/getfiles?edi=\(id)"), headers: ["Accept": "application/json"],
      limits: context.listings.limits)
    let response = try await context.listings.send(request) { (200...299).contains($0) || $0 == 400 }
    guard response.status != 400 || !response.text.contains("FilesRootPath") else {
      throw PortalError(.unknownChain, "the portal has no files of the chain id \(id)")
    }
    try response.head.requireSuccess()
    var listing = Listing()
    let answer = try ListingJSON.value(response.body)
    for row in try ListingJSON.rows(answer, under: "files", limit: context.limits.maxRows) {
      listing.unknownColumns.formUnion(row.unknown(beside: Self.fields))
      guard let fileName = listing.fileName(row, "filename") else { continue }
      listing.add(
        fileName, of: context, version: ["filesize", "filedate", "lastmodified"].map { row.text($0) },
        link: try? base.resolving("\(id)/\(fileName)").text)
    }
    return listing
  }
}

/// The listing of the chain Meshnat Yosef: one JSON array at its own address.
///
/// Shape of stored captures of 2026, never checked live: `[{"name","type","date":"YYYY-MM-DD HH:MM:SS","url"}]`, names
/// ending in `.zip`.
package struct MeshnatYosefEngine: ChainEngine {
  let context: EngineContext
  let address: HTTPURL

  private static let fields: Set = ["name", "url", "date", "type"]

  /// - Throws: a configuration `Failure` for a row without an address.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    address = try context.base()
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    let response = try await context.listings.get(address, headers: ["Accept": "application/json"])
    var listing = Listing()
    for row in try ListingJSON.rows(try ListingJSON.value(response.body), limit: context.limits.maxRows) {
      listing.unknownColumns.formUnion(row.unknown(beside: Self.fields))
      guard let fileName = listing.fileName(row, "name") else { continue }
      let link = row.text("url").flatMap { try? address.resolving($0) }?.text
      if link == nil { listing.unknownColumns.insert("-url") }
      listing.add(fileName, of: context, version: [row.text("date")], link: link)
    }
    _ = try await take(listing)
  }
}
