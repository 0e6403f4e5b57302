import Runtime

/// What stopped the reading of a file, and where.
package struct FileDefect: ClassifiedError, Hashable {
  package var outcome: PriceFileOutcome
  /// `snake_case`, stable.
  package var code: String
  package var message: String
  /// Bytes from the start of the decompressed, decoded text; of the file itself for defects of the compression.
  package var offset: Int
  /// 1-based; nil where lines mean nothing.
  package var line: Int?

  package init(_ outcome: PriceFileOutcome, code: String, _ message: String, offset: Int, line: Int? = nil) {
    self.outcome = outcome
    self.code = code
    self.message = message
    self.offset = offset
    self.line = line
  }

  package var errorClass: ErrorClass { .data }

  package var description: String {
    let place = line.map { "line \($0), byte \(offset)" } ?? "byte \(offset)"
    return "\(message) at \(place) [\(code)]"
  }
}
