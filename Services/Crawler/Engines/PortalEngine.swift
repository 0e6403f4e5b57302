import Schemas

/// Knows how one kind of source lists its files. Engines list and link; they never fetch a file.
package protocol PortalEngine: Sendable {
  /// What logs and metrics call the source; bounded in number, one per `--source`.
  var source: String { get }

  /// Lists everything anew. Elements come as the source pages them, each made only when the one before it was
  /// taken; a file may come more than once.
  /// - Throws (while iterating): `ClassifiedError`; what came before the error stands.
  func listings(of types: Set<FileType>) -> AsyncThrowingStream<Listing, any Error>

  /// Where the file can be fetched.
  /// - Returns: nil when the source no longer knows the file.
  func link(to file: ListedFile) async throws -> String?
}

/// One page of a source.
package struct Listing: Sendable {
  package var files: [ListedFile] = []
  /// Entries that are no price files, by reason.
  package var skipped: [String: Int] = [:]

  package init() {}

  mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }
}
