/// How the reading of one file ended. The raw value is a metric label and a dead-letter code.
package enum PriceFileOutcome: String, Hashable, Sendable, CaseIterable {
  /// Read to its end; at least one row.
  case ok
  /// A well-formed price file without rows, as portals publish when nothing changed.
  case empty
  /// Not one byte, or nothing but blanks.
  case emptyFile = "empty_file"
  /// Ends early. The whole rows before the end are right.
  case truncated
  /// The compressed data contradicts itself (checksum, invalid deflate). No row of it can be trusted.
  case corrupt
  /// Markup that is not XML. The rows outside the wrong places are right; those that it cost are rejected.
  case malformed
  /// A login page, an error page, or no XML at all.
  case notXMLOrHTML = "not_xml_html"
  /// XML, but nothing of a price file in it: an error document of a blob store, for instance.
  case unknownDocument = "unknown_document"
  /// Beyond a limit, or packed in a way that is refused on purpose (encrypted, zip64).
  case refused

  /// True when the rows that were read may be published.
  package var rowsAreTrustworthy: Bool {
    switch self {
    case .ok, .empty, .truncated, .malformed: true
    case .emptyFile, .corrupt, .notXMLOrHTML, .unknownDocument, .refused: false
    }
  }
}
