import Core
import Messages
import ObjectStore

/// The datasets of the batch layer as they lie in an object store:
///
///     lake/<dataset>/current/000000000012.json      which manifest holds: that of the highest number
///     lake/<dataset>/manifests/<run>.json
///     lake/<dataset>/date=2025-01-20/symbol=AAPL/<run>.parquet, .jsonl.gz
///
/// The programs in `Services/Batch` write them; here they are read. An answer of several pages asks once for `current`
/// and stays with that snapshot: its parts are kept for as long as the batch layer's `--keep`.
package struct Lake: Sendable {
  package let store: any ObjectStore
  package let folder: String
  package let limits: Limits

  package struct Limits: Sendable {
    /// Bytes of a manifest.
    package var manifest = 256 << 20
    /// Bytes of the packed lines of a part.
    package var lines = 64 << 20

    package init() {}
  }

  package init(_ store: any ObjectStore, folder: String = "lake", limits: Limits = Limits()) {
    self.store = store
    self.folder = folder
    self.limits = limits
  }

  /// The pointer of the highest number; nil when nothing of the dataset is published yet.
  /// - Throws: what the store throws; `Failure` for a pointer that cannot be read.
  package func pointer(of dataset: String) async throws -> BatchPointer? {
    var newest: ObjectKey?
    var mark: String?
    repeat {
      let page = try await store.list(prefix: "\(folder)/\(dataset)/current/", from: mark, limit: 1_000)
      newest = page.objects.last?.key ?? newest
      mark = page.next
    } while mark != nil
    guard let newest else { return nil }
    return try BatchPointer(json: try await store.bytes(of: newest, limit: 64 << 10), at: newest.text)
  }

  /// The pointer of a number, for a reader that stays with it.
  /// - Throws: what the store throws: `.noSuchKey` when there is none, or none any more.
  package func pointer(of dataset: String, sequence: Int64) async throws -> BatchPointer {
    let digits = String(sequence)
    let key = try ObjectKey(
      "\(folder)/\(dataset)/current/\(String(repeating: "0", count: max(0, 12 - digits.utf8.count)))\(digits).json")
    return try BatchPointer(json: try await store.bytes(of: key, limit: 64 << 10), at: key.text)
  }

  /// The manifest that holds; nil when nothing of the dataset is published yet.
  package func current(of dataset: String) async throws -> BatchManifest? {
    guard let pointer = try await pointer(of: dataset) else { return nil }
    return try await manifest(of: pointer)
  }

  /// The manifest of a pointer: the current one, or one that a reader stays with.
  /// - Throws: `Failure` of code `lake_unreadable` when its bytes are others than the pointer says.
  package func manifest(of pointer: BatchPointer) async throws -> BatchManifest {
    let bytes = try await store.bytes(of: try ObjectKey(pointer.manifest), limit: limits.manifest)
    guard SHA256.hash(bytes).hex == pointer.sha256 else {
      throw Failure(.fatal, code: "lake_unreadable", "\(pointer.manifest) has other bytes than its pointer says")
    }
    return try BatchManifest(json: bytes, at: pointer.manifest)
  }

  /// The lines of a part, still packed by gzip.
  /// - Throws: `Failure` of code `lake_unreadable` when there are none, or others than the manifest says.
  package func packedLines(of part: BatchManifest.Part) async throws -> [UInt8] {
    guard let key = part.lines else {
      throw Failure(.fatal, code: "lake_unreadable", "\(part.key) has no lines beside it")
    }
    let bytes = try await store.bytes(of: try ObjectKey(key), limit: limits.lines)
    guard part.linesSHA256 == nil || SHA256.hash(bytes).hex == part.linesSHA256 else {
      throw Failure(.fatal, code: "lake_unreadable", "\(key) has other bytes than the manifest says")
    }
    return bytes
  }
}

extension BatchManifest.Boundary {
  /// Which side answers for a row: true for the batch layer, false for the live one.
  ///
  /// Exactly one of them does for each instant. A row that is open at the boundary is the live layer's, as is what lies
  /// outside of what the batch layer covers; where the live layer does not reach that far back, there is a gap.
  /// - Parameters:
  ///   - start: nanoseconds since 1970.
  ///   - length: of the row's interval, nanoseconds; 0 for an event.
  package func answers(from start: Int64, length: Int64) -> Bool {
    covers.contains { $0.fromNs <= start && start + length <= $0.untilNs && start < $0.untilNs }
  }
}

extension FieldwiseObject {
  fileprivate init(json bytes: [UInt8], at key: String) throws(Failure) {
    do throws(DecodingFailure) {
      var coder = try FieldCoder(reading: bytes.span.bytes, limits: JSONReader.Limits(maxBytes: 256 << 20))
      self = try Self.read(from: &coder)
      try coder.reader.finish()
    } catch {
      throw Failure(.fatal, code: "lake_unreadable", "\(key) is nothing that the batch layer writes: \(error)")
    }
  }
}
