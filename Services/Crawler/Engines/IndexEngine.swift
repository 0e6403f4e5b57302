import Core
import Foundation
import HTML
import HTTP
import Logging
import PriceFiles
import Values

/// An index page of a web server (Apache, nginx and the like), or any page that links to price files.
///
/// Files are the targets of links at the same origin, below the page's own folder, that have the name of a price file.
/// The text beside a link (time, size) distinguishes one publication from the next. Subfolders are read up to the
/// option `depth` (1: only the page itself).
package struct IndexEngine: ChainEngine {
  let context: EngineContext
  let base: HTTPURL
  let depth: Int

  /// Options of the row: `depth` (1 to 5), `pattern` (`*price*`, compared without case).
  /// - Throws: a configuration `Failure`.
  package init(_ context: EngineContext) throws(Failure) {
    self.context = context
    base = try context.base()
    guard let depth = Int(context.option("depth", default: "1")), (1...5).contains(depth) else {
      throw Failure(.configuration, code: "bad_source", "\(context.label): depth is not a number from 1 to 5")
    }
    self.depth = depth
  }

  /// Reads pages breadth first, each once.
  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var pages = [(url: base, depth: 1)]
    var known: Set<String> = [base.text]
    var position = 0
    while position < pages.count {
      let (url, depth) = pages[position]
      position += 1
      let page = try await context.page(at: url)
      let (listing, folders) = try read(page.document, at: page.url)
      for folder in folders where depth < self.depth && known.insert(folder.text).inserted {
        guard pages.count < context.limits.maxRequests else { break }
        pages.append((folder, depth + 1))
      }
      guard try await take(listing) else { return }
    }
  }

  func read(_ document: HTMLDocument, at page: HTTPURL) throws -> (listing: Listing, folders: [HTTPURL]) {
    if document.isLogin { throw PortalError(.loginPage, "\(page) asks for a password (\(document.called))") }
    let links = try document.select("//a[@href]")
    guard !links.isEmpty else { throw PortalError(.unknownPage, "\(page) has no links") }
    try context.checkRows(links.count, in: "\(page)")
    var listing = Listing()
    var folders: [HTTPURL] = []
    for link in links {
      guard let target = below(page, link.attribute("href")) else { continue }
      if target.path.hasSuffix("/") {
        folders.append(target)
        continue
      }
      let fileName = target.path.split(separator: "/").last.flatMap { PercentEncoding.decode($0) } ?? ""
      guard context.matchesPattern(fileName) else {
        listing.skip("pattern")
        continue
      }
      let note = try Self.note(beside: link)
      listing.add(fileName, of: context, size: Self.size(note), version: [note], link: target.text)
    }
    return (listing, folders)
  }

  /// The target of a link when it is below the source's folder; sorting links (`?C=M`) and the parent are not.
  private func below(_ page: HTTPURL, _ reference: String?) -> HTTPURL? {
    guard let reference, let target = try? page.resolving(reference), target.origin == base.origin,
      target.query == nil, target.path.hasPrefix(base.path), target.path != page.path, target.path != base.path
    else { return nil }
    // Servers that resolve late treat an escaped dot as a plain one.
    let segments = (PercentEncoding.decode(target.path) ?? "..").split(separator: "/")
    return segments.contains("..") ? nil : target
  }

  /// The link's table row without the link's own text, or the text between this link and the next.
  private static func note(beside link: HTMLNode) throws -> String {
    if let row = try link.first("ancestor::tr[1]") {
      return try row.select("td[not(.//a)]").map(\.text).filter { !$0.isEmpty }.joined(separator: " ")
    }
    return try link.first("following-sibling::node()[1][self::text()]")?.text ?? ""
  }

  /// The last word when it consists of digits: an exact size, unlike `1.2K`.
  private static func size(_ note: String) -> Int64? { note.split(separator: " ").last.flatMap { Int64($0) } }
}
