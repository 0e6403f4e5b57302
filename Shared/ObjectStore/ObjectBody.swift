import Runtime

/// Bytes to store, with their length and hash known beforehand: the hash is signed, sent along and checked.
package struct ObjectBody: Sendable {
  package enum Source: Sendable {
    case bytes([UInt8])
    /// From the start of an open file, read with `pread`; it has to stay open until the call returns.
    case file(descriptor: Int32)
  }
  package let source: Source
  /// Bytes.
  package let length: Int
  package let sha256: SHA256Digest

  package init(_ bytes: [UInt8]) {
    source = .bytes(bytes)
    length = bytes.count
    sha256 = SHA256.hash(bytes)
  }

  package init(descriptor: Int32, length: Int, sha256: SHA256Digest) {
    source = .file(descriptor: descriptor)
    self.length = length
    self.sha256 = sha256
  }
}
