import Runtime

/// Remembers which publication of each file was announced last.
///
/// A file counts as seen when the last fingerprint marked under its name is its own: one that is published again
/// with another size or time is new. What was marked is remembered for `retention` after it was last listed.
package protocol SeenStore: Sendable {
  /// - Returns: for each entry, in order, whether it was announced.
  /// - Throws: `ClassifiedError`.
  func areSeen(_ entries: [SeenEntry]) async throws -> [Bool]

  /// Durable when it returns. Called only after the announcements were acknowledged.
  /// - Throws: `ClassifiedError`; then the entries count as not marked and will be announced again.
  func mark(_ entries: [SeenEntry]) async throws

  /// The file counts as never announced, unless another publication of it was marked since.
  /// - Parameter fingerprint: of the publication to forget; nil forgets any.
  func forget(chain: String, fileName: String, fingerprint: Fingerprint?) async throws

  /// Rows that the last pass over the source found which found any; nil when there was none.
  func rows(of source: String) async throws -> Int?
  func remember(rows: Int, of source: String) async throws

  /// Answers when the store can be used.
  func ping() async throws

  func close() async
}

/// One publication of one file.
package struct SeenEntry: Hashable, Sendable {
  package var chain: String
  package var fileName: String
  package var fingerprint: Fingerprint

  package init(chain: String, fileName: String, fingerprint: Fingerprint) {
    self.chain = chain
    self.fileName = fileName
    self.fingerprint = fingerprint
  }

  /// Neither names nor chains hold a slash.
  var key: String { "\(chain)/\(fileName)" }
}
