/// Remembers which publication of each file was announced last.
///
/// A file counts as seen when its fingerprint is the last one marked under its name; one that is published again with
/// another size or time is new. A mark is kept for `retention` after the file was last listed.
package protocol SeenStore: Sendable {
  /// - Returns: for each entry, in order, whether it was announced.
  /// - Throws: `ClassifiedError`.
  func areSeen(_ entries: [SeenEntry]) async throws -> [Bool]

  /// Marks the entries durably. Called only after the announcements were acknowledged.
  /// - Throws: `ClassifiedError`; the entries then count as not marked and are announced again.
  func mark(_ entries: [SeenEntry]) async throws

  /// Removes the file's mark, unless another publication of it was marked since.
  /// - Parameter fingerprint: of the publication to forget; nil forgets any.
  func forget(chain: String, fileName: String, fingerprint: Fingerprint?) async throws

  /// Rows of the last pass over the source that found any; nil without one.
  func rows(of source: String) async throws -> Int?
  func remember(rows: Int, of source: String) async throws

  /// Returns when the store can be used.
  func ping() async throws

  func close() async
}

/// One publication of one file.
package struct SeenEntry: Hashable, Sendable {
  package var chain: String
  package var fileName: String
  package var fingerprint: Fingerprint

  /// Neither chains nor names contain a slash.
  var key: String { "\(chain)/\(fileName)" }
}

/// Keeps marks in memory, for one-off runs and tests.
package actor MemorySeenStore: SeenStore {
  private var marked: [String: Fingerprint] = [:]
  private var rowCounts: [String: Int] = [:]

  package func areSeen(_ entries: [SeenEntry]) -> [Bool] { entries.map { marked[$0.key] == $0.fingerprint } }

  package func mark(_ entries: [SeenEntry]) {
    for entry in entries { marked[entry.key] = entry.fingerprint }
  }

  package func forget(chain: String, fileName: String, fingerprint: Fingerprint?) {
    let key = "\(chain)/\(fileName)"
    if fingerprint == nil || marked[key] == fingerprint { marked[key] = nil }
  }

  package func rows(of source: String) -> Int? { rowCounts[source] }
  package func remember(rows: Int, of source: String) { rowCounts[source] = rows }

  package func ping() {}
  package func close() {}
}
