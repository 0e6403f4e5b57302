import Core
import PriceFiles
import Values

/// Knows how one kind of source lists its files. An engine lists files and makes links; it never fetches a file.
package protocol PortalEngine: Sendable {
  /// The source's name in logs and metrics; one per `--source`, so their number is bounded.
  var source: String { get }

  /// Lists all files of the source, page by page: the next page is read after `take` has returned. A file may appear
  /// more than once.
  /// - Parameter take: receives each page; false ends the listing.
  /// - Throws: `ClassifiedError`, after which the pages taken before stay valid; what `take` throws.
  func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws

  /// The portal's links last for minutes only: each page is announced before the next is read.
  var linksExpire: Bool { get }

  /// The URL of the file.
  /// - Returns: nil when the source no longer has the file.
  func link(to file: ListedFile) async throws -> String?
}

extension PortalEngine {
  package var linksExpire: Bool { false }
  package func link(to file: ListedFile) async throws -> String? { file.link }
}

/// An engine that works from a chain's row of the catalogue.
protocol ChainEngine: PortalEngine {
  var context: EngineContext { get }
}

extension ChainEngine {
  package var source: String { context.label }
}

/// One page of a source.
package struct Listing: Sendable {
  package var files: [ListedFile] = []
  /// Entries that are not price files, by reason.
  package var skipped: [String: Int] = [:]
  /// Unknown columns or fields, and required ones that are missing (as `-name`): the portal is changing. The crawler
  /// raises one alert a day for each.
  package var unknownColumns: Set<String> = []
  /// The portal left rows out, and no narrower query is possible.
  package var isCut = false
  /// The first entries whose names are not those of price files, with the reason.
  package var misnamed: [String] = []
  package static let maxMisnamed = 20

  /// Parses a file name.
  /// - Returns: nil for an entry that is not a price file, which is counted as skipped.
  package mutating func parse(_ fileName: String) -> PriceFileName? {
    do {
      return try PriceFileName(fileName)
    } catch {
      skip(error.code)
      if misnamed.count < Self.maxMisnamed { misnamed.append("\(fileName.prefix(128)): \(error)") }
      return nil
    }
  }

  package mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }

  /// Adds an entry. One that is not a price file, or has no link, is counted as skipped.
  /// - Parameters:
  ///   - version: size and time as the source writes them.
  ///   - linkFollows: the engine finds the link when the file is announced.
  mutating func add(
    _ fileName: String, of context: EngineContext, size: Int64? = nil, version: [String?], link: String? = nil,
    linkExpires: Timestamp? = nil, linkFollows: Bool = false
  ) {
    guard let name = parse(fileName) else { return }
    guard link != nil || linkFollows else { return skip("no_link") }
    files.append(ListedFile(
      chain: context.chainName ?? name.chainID, fileName: fileName, name: name,
      size: size.flatMap { $0 >= 0 ? $0 : nil }, version: version.map { $0 ?? "" }.joined(separator: "\u{0}"),
      link: link, linkExpires: linkExpires))
  }
}

/// A source answered, and the answer cannot be used.
package typealias PortalError = CodedError<PortalErrorKind>

package enum PortalErrorKind: String, ErrorKind {
  /// An HTML page where data was expected: a login, a block, an error page.
  case htmlInsteadOfJSON = "html_instead_of_json"
  /// A password form instead of a listing.
  case loginPage = "login_page"
  /// The portal refused user and password.
  case loginRefused = "login_refused"
  /// A page without the expected table or list.
  case unknownPage = "unknown_listing_page"
  case invalidJSON = "invalid_json"
  /// JSON of an unknown shape; the message names its keys.
  case unknownShape = "unknown_listing_shape"
  /// The portal refuses, in its own words.
  case portalRefused = "portal_refused"
  /// The portal has no such chain.
  case unknownChain = "unknown_chain_id"
  case tooManyRows = "too_many_rows"
  case folderUnreadable = "folder_unreadable"

  /// A block or an outage page passes. A new format does not pass by waiting; other sources continue.
  package var errorClass: ErrorClass {
    switch self {
    case .htmlInsteadOfJSON, .loginPage, .loginRefused, .portalRefused, .folderUnreadable: .transient
    case .unknownChain: .configuration
    case .invalidJSON, .unknownShape, .unknownPage, .tooManyRows: .data
    }
  }
}

/// A price file as a source lists it.
package struct ListedFile: Hashable, Sendable {
  /// The chain's name in messages: the catalogue's, or one derived from the source.
  package var chain: String
  /// As published; part of the message key.
  package var fileName: String
  /// The parsed name.
  package var name: PriceFileName
  /// In bytes; nil when the source does not give it exactly.
  package var size: Int64?
  /// Size and time as the source writes them: with the name they distinguish one publication from the next.
  package var version: String
  /// The URL; nil when the engine derives or requests it later.
  package var link: String?
  /// When the link expires, where the source gives it: those that expire first are announced first.
  package var linkExpires: Timestamp?

  package var fingerprint: Fingerprint { Fingerprint(fileName: fileName, version: version) }
}

/// Distinguishes two publications under one name: the first 16 bytes of SHA-256(name, NUL, version), as hex digits.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(fileName: String, version: String) {
    description = String(SHA256.hash("\(fileName)\u{0}\(version)").hex.prefix(32))
  }

  /// - Returns: nil unless the text is 32 hex digits.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count == 32, text.utf8.allSatisfy({ Hex.value($0) != nil }) else { return nil }
    description = text.lowercased()
  }
}
