import Core
import ObjectStore
import Synchronization

/// The objects of a closed generation.
package struct SealedObjects: Sendable {
  package struct Object: Sendable {
    package var key: String
    /// Before compression.
    package var bytes: [UInt8]
    package var records: Int
    package var symbol: String
    /// Days since 1970-01-01.
    package var day: Int32
    /// The first and the last of its records' times, nanoseconds since 1970.
    package var from: Int64
    package var to: Int64
    /// What its records name: see ``ArchiveMapping/namesObjects``.
    package var documents: [NamedDocument] = []
  }
  package var format: ObjectFormat
  package var objects: [Object]
  /// The object that tells the catalogue of them; nil for none. It is stored when they are.
  package var note: String?
  /// Which objects are stored, so that a retry after an outage continues with the others.
  let progress = Progress()

  final class Progress: Sendable {
    private let done = Mutex<[Int: CatalogueEntry]>([:])

    func isDone(_ index: Int) -> Bool { done.withLock { $0[index] != nil } }
    func finish(_ index: Int, _ entry: CatalogueEntry) { done.withLock { $0[index] = entry } }
    /// In the order of the objects.
    var entries: [CatalogueEntry] { done.withLock { done in done.keys.sorted().compactMap { done[$0] } } }
  }
}
