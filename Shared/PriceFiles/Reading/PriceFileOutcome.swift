import Core

/// The outcome of reading one file. The raw value is a metric label and a dead-letter code.
package enum PriceFileOutcome: String, Hashable, Sendable, CaseIterable {
  /// Read to the end, with at least one row.
  case ok
  /// A well-formed price file without rows, as portals publish when nothing changed.
  case empty
  /// No bytes, or only blanks.
  case emptyFile = "empty_file"
  /// Ends early. The complete rows before the end are valid.
  case truncated
  /// The compressed data is damaged (checksum, invalid deflate). None of its rows can be trusted.
  case corrupt
  /// Broken markup. The rows outside the broken places are valid; the damaged rows are rejected.
  case malformed
  /// A login page, an error page, or no XML at all.
  case notXMLOrHTML = "not_xml_html"
  /// XML, but not a price file: an error document of a blob store, for instance.
  case unknownDocument = "unknown_document"
  /// Beyond a limit, or in a format that is refused on purpose (encrypted, zip64).
  case refused

  /// True when the rows may be published.
  package var rowsAreTrustworthy: Bool {
    switch self {
    case .ok, .empty, .truncated, .malformed: true
    case .emptyFile, .corrupt, .notXMLOrHTML, .unknownDocument, .refused: false
    }
  }
}

/// The content of a published file.
package enum PriceFileKind: String, Hashable, Sendable, CaseIterable {
  case prices, promotions, stores
}

/// Why and where reading stopped.
package struct FileDefect: ClassifiedError, Hashable {
  package var outcome: PriceFileOutcome
  /// `snake_case`, stable.
  package var code: String
  package var message: String
  /// Bytes from the start of the decompressed, decoded text; for defects of the compression, of the file itself.
  package var offset: Int
  /// 1-based; nil where lines have no meaning.
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
