/// What one file may cost. Everything beyond ends the reading with the outcome `refused`.
package struct PriceFileLimits: Hashable, Sendable {
  /// Bytes after decompression. Real files stay below 10 MB.
  package var inflatedBytes = 1 << 30
  /// Decompressed bytes per compressed byte, judged from the first MiB on. Real files reach 30.
  package var ratio = 200
  /// Members of a gzip file, or entries looked at in a ZIP file.
  package var entries = 64
  package var depth = 32
  package var nameBytes = 128
  /// One tag with all its attributes.
  package var tagBytes = 16 << 10
  /// The text of one element, or one CDATA section.
  package var textBytes = 32 << 10
  /// One row from its start tag to its end tag.
  package var rowBytes = 64 << 10
  /// The texts of one promotion or branch, its items included. A larger one is rejected, not the file.
  package var recordBytes = 4 << 20

  package init() {}
}
