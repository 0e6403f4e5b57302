import Core
import Messages
import ObjectStore

/// Keeps the bytes of a document before any message tells of it: a pointer that is published never leads nowhere.
package struct DocumentShelf: Sendable {
  private let location: ObjectLocation
  /// nil: says where the bytes would lie, and keeps nothing.
  private let store: (any ObjectStore)?

  package init(_ store: any ObjectStore) { (location, self.store) = (store.location, store) }

  /// For a test: nothing is kept.
  package init(pretending location: ObjectLocation) { (self.location, store) = (location, nil) }

  /// Stores bytes under a name that their hash is part of, so that what is stored never changes, and the same bytes
  /// are stored once.
  /// - Parameter document: without its object.
  /// - Returns: the document with its object, hash, length and media type.
  /// - Throws: as ``ObjectStore``.
  package func keep(_ bytes: [UInt8], of document: Document, mediaType: String) async throws -> Document {
    var body = ObjectBody(bytes)
    body.isRecord = true
    let key = try Self.key(of: document, body.sha256, mediaType)
    if let store {
      let known = try await store.head(key)
      if known?.size != body.length { _ = try await store.put(body, at: key, contentType: mediaType) }
    }
    var kept = document
    kept.object = location.url(of: key)
    (kept.sha256, kept.bytes, kept.mediaType) = (body.sha256.hex, Int64(body.length), mediaType)
    return kept
  }

  /// `documents/edgar/0000320193/0000320193-25-000079/<16 digits of the hash>.htm`
  static func key(
    of document: Document, _ hash: SHA256Digest, _ mediaType: String
  ) throws(ObjectStoreError) -> ObjectKey {
    let folder = [document.source, document.issuer, document.id].map(ObjectKey.segment).joined(separator: "/")
    return try ObjectKey("documents/\(folder)/\(hash.hex.prefix(16)).\(suffixes[mediaType] ?? "bin")")
  }

  private static let suffixes = ["text/html": "htm", "text/plain": "txt", "application/json": "json"]
}
