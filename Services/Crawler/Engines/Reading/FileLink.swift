import Core
import Foundation
import HTML
import HTTP
import PriceFiles

/// A link on a page that leads to a price file.
struct FileLink {
  var fileName: String
  var url: HTTPURL
  /// The text of the row or list entry that contains the link, with the file's size and time if the page gives them;
  /// empty outside rows and lists.
  var row: String

  /// The links of a page to files whose name the grammar accepts: in a value of the link's query, in the last part of
  /// its path, in `data-filename`, or in its text. Other links (navigation, styles) are ignored.
  /// - Parameter base: what relative links are relative to.
  static func all(in page: HTMLDocument, base: HTTPURL) throws -> [FileLink] {
    var links: [FileLink] = []
    for anchor in try page.select("//a[@href]") {
      guard let href = anchor.attribute("href"), let url = try? base.resolving(href),
        let fileName = Self.candidates(anchor, url).first(where: { (try? PriceFileName($0)) != nil })
      else { continue }
      let row = try anchor.first("ancestor::*[self::tr or self::li][1]").map { try text(of: $0) } ?? ""
      links.append(FileLink(fileName: fileName, url: url, row: row))
    }
    return links
  }

  private static func text(of row: HTMLNode) throws -> String {
    let cells = try row.select("td | th")
    return cells.isEmpty ? row.text : cells.map(\.text).joined(separator: " ")
  }

  private static func candidates(_ anchor: HTMLNode, _ url: HTTPURL) -> [String] {
    let parts = URLComponents(string: url.text)
    var candidates = parts?.queryItems?.compactMap(\.value) ?? []
    if let last = parts?.path.split(separator: "/").last { candidates.append(String(last)) }
    if let name = anchor.attribute("data-filename") { candidates.append(name) }
    candidates.append(anchor.text)
    return candidates
  }
}

extension FileLink {
  /// The price files that a page links to.
  /// - Parameter path: selects something of every listing of the portal, also of one without files.
  /// - Throws: `PortalError` for a page that is not a listing.
  static func listing(
    _ page: (document: HTMLDocument, url: HTTPURL), of context: EngineContext, orAny path: String
  ) throws -> Listing {
    let links = try all(in: page.document, base: page.url)
    if links.isEmpty {
      if let error = unusable(page.document) { throw error }
      guard try page.document.first(path) != nil else {
        throw PortalError(.unknownPage, "a page of unknown shape (\(page.document.called))")
      }
    }
    var listing = Listing()
    for link in links { listing.add(link.fileName, of: context, version: [link.row], link: link.url.text) }
    return listing
  }

  /// The error for a page that asks for a password, or that challenges the browser first; nil for other pages.
  static func unusable(_ page: HTMLDocument) -> PortalError? {
    guard page.isLogin || page.title?.hasPrefix("Just a moment") == true else { return nil }
    return PortalError(.loginPage, "a login or a challenge instead of a listing (\(page.called))")
  }
}

extension HTMLDocument {
  /// The title in quotes, for messages.
  var called: String { title.map { "'\($0)'" } ?? "without a title" }

  func requireNoLogin() throws(PortalError) {
    if isLogin { throw PortalError(.loginPage, "a login instead of a listing (\(called))") }
  }
}
