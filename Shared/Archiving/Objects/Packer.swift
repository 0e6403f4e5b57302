import Compression
import Core
import CZstd
import Messages
import ObjectStore
import Synchronization

/// Compresses an object's lines. The same bytes and level give the same result: no time, no name, one thread.
package enum Packer {
  package static func pack(_ bytes: [UInt8], as format: ObjectFormat) throws(Failure) -> [UInt8] {
    guard format.layout == .batch else { return bytes }
    switch format.codec {
    case .none: return bytes
    case .gzip:
      guard let packed = Deflate.gzip(bytes, level: format.level == 0 ? 1 : format.level) else { throw failure("gzip") }
      return packed
    case .zstd: return try zstd(bytes, level: format.level == 0 ? 3 : format.level)
    }
  }

  private static func zstd(_ bytes: [UInt8], level: Int) throws(Failure) -> [UInt8] {
    var code = 0
    let packed = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { target, count in
      code = ZSTD_compress(target.baseAddress, target.count, bytes, bytes.count, Int32(level))
      count = ZSTD_isError(code) == 0 ? code : 0
    }
    guard ZSTD_isError(code) == 0 else { throw failure("zstd") }
    return packed
  }

  private static func failure(_ name: String) -> Failure {
    Failure(.fatal, code: "packing_failed", "\(name) cannot pack an object: out of memory?")
  }

  /// The lines of a stored object, by its name.
  /// - Returns: nil when it is damaged.
  package static func unpacked(_ stored: [UInt8], named key: String) -> [UInt8]? {
    if key.hasSuffix(ObjectCodec.gzip.suffix) { return Deflate.unpackGzip(stored) }
    guard key.hasSuffix(ObjectCodec.zstd.suffix) else { return stored }
    let size = ZSTD_getFrameContentSize(stored, stored.count)
    guard size < 4 << 30 else { return nil }
    var isWhole = false
    let plain = [UInt8](unsafeUninitializedCapacity: Int(size)) { target, count in
      let code = ZSTD_decompress(target.baseAddress, target.count, stored, stored.count)
      isWhole = ZSTD_isError(code) == 0 && code == target.count
      count = isWhole ? code : 0
    }
    return isWhole ? plain : nil
  }
}

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
