import Foundation
import HTML
import HTTP
import PriceFiles
import Runtime

/// A link of a page that leads to a price file, by whichever of its parts names one.
struct FileLink {
  var fileName: String
  var name: PriceFileName
  var url: HTTPURL
  /// The text of the row or list entry the link stands in: whatever the page says of the file, its size and time
  /// among it. Empty when it stands in none.
  var row: String

  /// The links of a page to files whose name the grammar accepts: in a value of the link's query, as the last part
  /// of its path, in `data-filename`, or as its text. Other links (navigation, styles) are passed over.
  /// - Parameter base: what relative links are relative to.
  static func all(in page: HTMLDocument, base: HTTPURL) throws -> [FileLink] {
    var links: [FileLink] = []
    for anchor in try page.select("//a[@href]") {
      guard let href = anchor.attribute("href"), let url = try? base.resolving(href) else { continue }
      var named: (String, PriceFileName)?
      for candidate in Self.candidates(anchor, url) {
        guard let name = try? PriceFileName(candidate) else { continue }
        named = (candidate, name)
        break
      }
      guard let (fileName, name) = named else { continue }
      let row = try anchor.first("ancestor::*[self::tr or self::li][1]").map { try text(of: $0) } ?? ""
      links.append(FileLink(fileName: fileName, name: name, url: url, row: row))
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
  /// - Parameters:
  ///   - chain: the chain's name in messages; nil: the id in each file's name.
  ///   - isListing: whether a page without files is one of the portal's listings all the same.
  /// - Throws: `PortalError` for a page that is no listing.
  static func listing(
    _ response: HTTPResponse, chain: String?, isListing: (HTMLDocument) throws -> Bool
  ) throws -> Listing {
    let page = try HTMLDocument(response.body)
    let links = try all(in: page, base: response.head.url)
    if links.isEmpty {
      if let error = unusable(page) { throw error }
      guard try isListing(page) else {
        throw PortalError(.unknownPage, "a page of a shape nobody knows (\(titled(page)))")
      }
    }
    var listing = Listing()
    for link in links {
      listing.files.append(ListedFile(
        chain: chain ?? link.name.chainID, fileName: link.fileName, name: link.name, version: link.row,
        link: link.url.text))
    }
    return listing
  }

  /// What is wrong with a page that asks for a password, or wants to see a browser work first.
  static func unusable(_ page: HTMLDocument) -> PortalError? {
    guard page.isLogin || page.title?.hasPrefix("Just a moment") == true else { return nil }
    return PortalError(.loginPage, "a login or a challenge instead of a listing (\(titled(page)))")
  }

  private static func titled(_ page: HTMLDocument) -> String { page.title.map { "'\($0)'" } ?? "without a title" }
}
