import Core
import Foundation
import HTML
import HTTP
import PriceFiles

/// JSON listings of portals. Not a hot path: a listing has some thousand rows.
enum ListingJSON {
  /// - Throws: `PortalError` for an HTML page, and for bytes that are not JSON.
  static func value(_ bytes: [UInt8]) throws(PortalError) -> Any {
    var body = bytes[...]
    if body.starts(with: [0xef, 0xbb, 0xbf]) { body = body.dropFirst(3) }
    body = body.drop { $0 == 0x20 || (0x09...0x0d).contains($0) }
    guard let first = body.first else { throw PortalError(.invalidJSON, "the answer is empty") }
    guard first != UInt8(ascii: "<") else {
      let called = (try? HTMLDocument(Array(body)))?.called ?? "without a title"
      throw PortalError(
        .htmlInsteadOfJSON, "an HTML page instead of JSON (\(called)): a login, a block or an error page")
    }
    do {
      return try JSONSerialization.jsonObject(with: Data(body), options: [.fragmentsAllowed])
    } catch {
      throw PortalError(.invalidJSON, "the answer is not JSON (\(bytes.count) bytes)")
    }
  }

  /// The rows of an array of objects, or of the array under `key` of an object.
  /// - Throws: `PortalError` for any other shape, and for more than `limit` rows.
  static func rows(_ value: Any, under key: String? = nil, limit: Int) throws(PortalError) -> [ListingRow] {
    var value = value
    if let key, let object = value as? [String: Any] {
      guard let inner = object[key] else { throw unknown("an object with the keys \(keys(object))") }
      value = inner
    }
    guard let array = value as? [Any] else {
      throw unknown((value as? [String: Any]).map { "an object with the keys \(keys($0))" } ?? "no array")
    }
    guard array.count <= limit else {
      throw PortalError(.tooManyRows, "the listing has \(array.count) rows, more than --max-listing-rows \(limit)")
    }
    var rows: [ListingRow] = []
    rows.reserveCapacity(array.count)
    for entry in array {
      guard let object = entry as? [String: Any] else { throw unknown("an array with entries that are no objects") }
      rows.append(ListingRow(object))
    }
    return rows
  }

  static func unknown(_ what: String) -> PortalError {
    PortalError(.unknownShape, "a listing of unknown shape: \(what)")
  }

  static func keys(_ object: [String: Any]) -> String {
    let names = object.keys.sorted()
    return names.prefix(8).map { "'\($0.prefix(40))'" }.joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
  }
}

/// One entry of a JSON listing. Field names are compared without case.
struct ListingRow {
  private var values: [String: Any] = [:]
  /// As written.
  private(set) var names: Set<String> = []

  init(_ object: [String: Any]) {
    names = Set(object.keys)
    for (name, value) in object { values[name.lowercased()] = value }
  }

  /// A text or a number, as text without blanks at its ends; nil when it is empty or another type.
  /// - Parameter name: in lower case.
  func text(_ name: String) -> String? {
    let text: String? =
      switch values[name] {
      case let text as String: text.trimmingCharacters(in: .whitespacesAndNewlines)
      case let number as NSNumber: number.stringValue
      default: nil
      }
    return text.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The fields of this row beside the known ones.
  /// - Parameter known: in lower case.
  func unknown(beside known: Set<String>) -> Set<String> { names.filter { !known.contains($0.lowercased()) } }
}

extension Listing {
  /// The entry's file name; nil, and counted as skipped, when it is missing.
  mutating func fileName(_ row: ListingRow, _ fields: String...) -> String? {
    if let text = fields.lazy.compactMap({ row.text($0) }).first { return text }
    skip("no_file_name")
    unknownColumns.formUnion(fields.prefix(1).map { "-\($0)" })
    return nil
  }
}

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
