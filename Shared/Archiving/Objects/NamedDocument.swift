import Messages
import ObjectStore

/// The bytes of a document, which lie in the archive's own store since before its record was published.
package struct NamedDocument: Hashable, Sendable {
  private let url: String
  private let bytes: Int64
  private let sha256: String?
  private let published: Int64

  /// - Parameter published: nanoseconds since 1970.
  /// - Returns: nil for a withdrawal, and for a record that is no document.
  package init?(_ record: RawSpan, at published: Int64) {
    guard let document = try? Document(decoding: record), let url = document.object, let bytes = document.bytes else {
      return nil
    }
    (self.url, self.bytes, sha256, self.published) = (url, bytes, document.sha256, published)
  }

  /// What the catalogue says of it; of no rows.
  /// - Parameter record: of the object that its record is in.
  /// - Returns: nil when the bytes lie in another store: whose that is keeps them.
  package func entry(beside record: CatalogueEntry, in location: ObjectLocation) -> CatalogueEntry? {
    guard let key = try? location.key(of: url) else { return nil }
    var entry = CatalogueEntry(object: key.text, date: record.date, symbol: record.symbol, bytes: bytes)
    (entry.rows, entry.fromNs, entry.toNs, entry.sha256) = (0, published, published, sha256)
    return entry
  }
}
