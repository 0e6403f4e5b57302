import Core
import Messages
import ObjectStore
import Values

/// The key of a file in the store. Pure.
package enum ObjectName {
  /// `files/<chain>/<yyyy-mm-dd>/<first 16 hex digits of the SHA-256>-<file name>`, the day being that of the file
  /// in Israel, or `undated`.
  ///
  /// The content is part of the key: a file published again under its old name is another object, and a file fetched
  /// twice is the same one, so the object of a message never changes.
  package static func key(_ file: FileDiscovered, sha256: SHA256Digest) throws(ObjectStoreError) -> ObjectKey {
    try ObjectKey([
      "files", ObjectKey.segment(file.chain), day(file.fileTime),
      "\(sha256.hex.prefix(16))-\(ObjectKey.segment(file.fileName))",
    ].joined(separator: "/"))
  }

  private static func day(_ time: Timestamp?) -> String {
    guard let civil = time?.civil else { return "undated" }
    return "\(zeroPadded(civil.year, 4))-\(zeroPadded(civil.month, 2))-\(zeroPadded(civil.day, 2))"
  }
}
