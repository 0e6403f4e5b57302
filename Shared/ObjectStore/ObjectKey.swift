import Core

/// The name of an object inside a store: `files/7290058140886/2025-01-20/ab12-PriceFull.gz`.
///
/// Checked when made, so that it is safe as a path of a folder and in a URL: no empty, `.` or `..` segment, no
/// leading or trailing slash, no control character, at most 1,024 bytes (S3's limit).
package struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// - Throws: `ObjectStoreError` of kind `.invalidKey`.
  package init(_ text: String) throws(ObjectStoreError) {
    guard !text.isEmpty, text.utf8.count <= 1024 else {
      throw ObjectStoreError(.invalidKey, "an object key has 1 to 1024 bytes, not \(text.utf8.count)")
    }
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      throw ObjectStoreError(.invalidKey, "the object key holds a control character")
    }
    let segments = text.split(separator: "/", omittingEmptySubsequences: false)
    guard !segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." || $0.utf8.count > 255 }) else {
      throw ObjectStoreError(.invalidKey, "the object key has an empty, '.', '..' or over-long part: \(text)")
    }
    self.text = text
  }

  /// `text` as one segment of a key: what a segment may not hold becomes `_`, so that a published file name
  /// can never name a folder. Distinct names may become equal; put something unique beside them.
  package static func segment(_ text: String) -> String {
    var bytes = text.utf8.map { $0 < 0x20 || $0 == 0x7f || $0 == 0x2f || $0 == 0x5c ? UInt8(ascii: "_") : $0 }
    if bytes.count > 200 { bytes = Array(bytes.suffix(200)) }
    // Cutting may have split a character; the repaired text may be longer than the bytes were, still under 255.
    let segment = String(decoding: bytes.drop { $0 & 0xc0 == 0x80 }, as: UTF8.self)
    return segment.isEmpty || segment == "." || segment == ".." ? "_" : segment
  }

  package var description: String { text }
}
