import PriceFiles
import Schemas

/// Knows how one kind of source lists its files. Engines list and link; they never fetch a file.
package protocol PortalEngine: Sendable {
  /// What logs and metrics call the source; bounded in number, one per `--source`.
  var source: String { get }

  /// Lists everything anew. Elements come as the source pages them, each made only when the one before it was
  /// taken; a file may come more than once.
  /// - Throws (while iterating): `ClassifiedError`; what came before the error stands.
  func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error>

  /// The portal's links last for minutes only: each page is announced before the next is asked for.
  var linksExpire: Bool { get }

  /// Where the file can be fetched.
  /// - Returns: nil when the source no longer knows the file.
  func link(to file: ListedFile) async throws -> String?
}

extension PortalEngine {
  package var linksExpire: Bool { false }
}

/// One page of a source.
package struct Listing: Sendable {
  package var files: [ListedFile] = []
  /// Entries that are no price files, by reason.
  package var skipped: [String: Int] = [:]

  /// Columns or fields that nobody has described yet, and needed ones that are missing (as `-name`): the portal is
  /// changing. The pass reports them once a day each.
  package var unknownColumns: Set<String> = []
  /// The portal left rows out, and nothing narrower can be asked for.
  package var isCut = false

  package init() {}

  /// Entries whose names are no price file's, with what is wrong with them; the first of them.
  package var misnamed: [String] = []
  package static let maxMisnamed = 20

  package mutating func skip(_ error: PriceFileNameError, _ name: String) {
    skip(error.code)
    if misnamed.count < Self.maxMisnamed { misnamed.append("\(name.prefix(128)): \(error)") }
  }

  package mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }
}
