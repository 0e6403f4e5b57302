/// What one pass over a file learned that the next pass needs from the start.
package struct ReadingPlan: Equatable, Sendable {
  /// nil: detect it.
  package var encoding: TextEncoding?
  /// nil: unknown.
  package var repeats: RepeatedCodes?

  package init(encoding: TextEncoding? = nil, repeats: RepeatedCodes? = nil) {
    self.encoding = encoding
    self.repeats = repeats
  }
}

/// Codes that are repeated in a file and whose first row is not the one that counts.
package struct RepeatedCodes: Equatable, Sendable {
  /// Item codes and stores whose newest row is not the first, with the number of that row.
  var newest: [[UInt8]: Int] = [:]
  /// Promotions whose parts are not adjacent.
  var scattered: Set<[UInt8]> = []

  var isEmpty: Bool { newest.isEmpty && scattered.isEmpty }

  /// True for the one row of `code` that counts; nil for a code that needs no plan.
  func isNewest(_ row: Int, of code: UnsafeBufferPointer<UInt8>) -> Bool? {
    newest.isEmpty ? nil : newest[Array(code)].map { $0 == row }
  }
}

/// The limits of one file. Anything beyond ends the reading with the outcome `refused`.
package struct PriceFileLimits: Hashable, Sendable {
  /// Bytes after decompression. Real files stay below 10 MB.
  package var inflatedBytes = 1 << 30
  /// Decompressed bytes per compressed byte, checked from the first MiB on. Real files reach 30.
  package var ratio = 200
  /// Members of a gzip file, or entries inspected in a ZIP file.
  package var entries = 64
  package var depth = 32
  package var nameBytes = 128
  /// One tag with all its attributes.
  package var tagBytes = 16 << 10
  /// The text of one element, or one CDATA section.
  package var textBytes = 32 << 10
  /// One row from its start tag to its end tag.
  package var rowBytes = 64 << 10
  /// The texts of one promotion or store with its items. A larger record is rejected, not the file.
  package var recordBytes = 4 << 20

  package init() {}
}
