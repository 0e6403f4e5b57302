import Runtime

/// What a store knows about one object.
package struct ObjectInfo: Sendable, Hashable {
  package var key: ObjectKey
  /// Bytes.
  package var size: Int
  /// The store's own version mark, without quotes; not always an MD5. Nil for a folder.
  package var etag: String?
  /// The hash that the writer gave along; nil when another program wrote the object, in listings, and for a folder.
  package var sha256: SHA256Digest?

  package init(key: ObjectKey, size: Int, etag: String? = nil, sha256: SHA256Digest? = nil) {
    self.key = key
    self.size = size
    self.etag = etag
    self.sha256 = sha256
  }
}

/// One page of a listing, in the byte order of the keys.
package struct ObjectPage: Sendable {
  package var objects: [ObjectInfo]
  /// Give this to the next call; nil on the last page.
  package var next: String?

  package init(objects: [ObjectInfo], next: String?) {
    self.objects = objects
    self.next = next
  }
}
