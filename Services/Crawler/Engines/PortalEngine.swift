import PriceFiles
import Values

/// Knows how one kind of source lists its files. An engine lists files and makes links; it never fetches a file.
package protocol PortalEngine: Sendable {
  /// The source's name in logs and metrics; one per `--source`, so their number is bounded.
  var source: String { get }

  /// Lists all files of the source. Each element is one page, and is read only after the one before was taken; a file
  /// may appear more than once.
  /// - Throws (while iterating): `ClassifiedError`; the pages before the error stay valid.
  func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error>

  /// The portal's links last for minutes only: each page is announced before the next is read.
  var linksExpire: Bool { get }

  /// The URL of the file.
  /// - Returns: nil when the source no longer has the file.
  func link(to file: ListedFile) async throws -> String?
}

extension PortalEngine {
  package var linksExpire: Bool { false }
  package func link(to file: ListedFile) async throws -> String? { file.link }

  /// One listing per page, each read after the one before was taken.
  /// - Parameter pages: finds the pages; runs once, at the first listing.
  func listings<Page: Sendable>(
    of pages: @escaping @Sendable () async throws -> [Page], read: @escaping @Sendable (Page) async throws -> Listing
  ) -> AsyncThrowingStream<Listing, any Error> {
    let reader = PageReader(pages: pages, read: read)
    return AsyncThrowingStream { try await reader.next() }
  }
}

private actor PageReader<Page: Sendable> {
  private let pages: @Sendable () async throws -> [Page]
  private let read: @Sendable (Page) async throws -> Listing
  private var rest: ArraySlice<Page>?

  init(pages: @escaping @Sendable () async throws -> [Page], read: @escaping @Sendable (Page) async throws -> Listing) {
    self.pages = pages
    self.read = read
  }

  func next() async throws -> Listing? {
    if rest == nil { rest = try await pages()[...] }
    guard let page = rest?.popFirst() else { return nil }
    return try await read(page)
  }
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

  package init() {}

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
}
