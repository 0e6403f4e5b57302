import Core
import Messages
import Values

/// What a file held, and what became of every row.
///
/// `rows == keptRows + repeatedRows + rejected.total`.
package struct PriceFileSummary: Hashable, Sendable {
  package var outcome = PriceFileOutcome.ok
  /// By content, not by name.
  package var kind = PriceFileKind.prices
  package var defect: FileDefect?
  package var compression: Compression?
  package var encoding: TextEncoding?
  package var dialect: PriceDialect?

  /// Identities from the root, as published; empty when absent.
  package var chainID = ""
  package var subChainID = ""
  package var storeID = ""

  /// Rows from start tag to end tag, usable or not.
  package var rows = 0
  package var distinctCodes = 0
  /// Items in complete promotions.
  package var itemReferences = 0
  /// Rows whose code (item code, promotion id, store id) another row of the file has, and that do not count: the newest
  /// item or store counts; promotions are merged.
  package var repeatedRows = 0
  package var rejected = RejectedRows()

  /// Elements in rows and containers that no dialect has.
  package var unknownElements = 0
  /// The same by name, for the first `maximumUnknownNames` names.
  package var unknownNames: [String: Int] = [:]
  package static let maximumUnknownNames = 32
  /// `&` that starts no known reference; kept as it is.
  package var strayAmpersands = 0
  /// Byte sequences that are invalid in the file's encoding; each became U+FFFD.
  package var badCharacters = 0
  /// Quantities and unit prices that are not numbers, update times that are not times; each became unknown.
  package var unreadableValues = 0
  /// Broken markup that was skipped, by code.
  package var markupDefects: [String: Int] = [:]
  /// Words that are not in a vocabulary, as `unit_of_measure: word`; the first `maximumUnknownNames`.
  package var unknownWords: [String: Int] = [:]
  /// Codes of rejected rows: the file names these products, so they are not gone.
  package var unusableCodes: Set<[UInt8]> = []
  /// Bytes after the end of the compressed data, ignored.
  package var trailingBytes = 0
  /// True when the ZIP file holds more than the entry that was read.
  package var hasMoreEntries = false
  var isRootClosed = false
  package var compressedBytes = 0
  package var inflatedBytes = 0

  mutating func noteUnknown(_ name: UnsafeBufferPointer<UInt8>, count: Int = 1) {
    unknownElements += count
    let text = String(decoding: name.prefix(64), as: UTF8.self)
    guard unknownNames[text] != nil || unknownNames.count < Self.maximumUnknownNames else { return }
    unknownNames[text, default: 0] += count
  }

  mutating func noteUnknownWord(_ word: String, count: Int) {
    guard unknownWords[word] != nil || unknownWords.count < Self.maximumUnknownNames else { return }
    unknownWords[word, default: 0] += count
  }

  mutating func noteUnusable(_ code: UnsafeBufferPointer<UInt8>) {
    guard !code.isEmpty, unusableCodes.count <= IngestHeader.maxAlsoNamed else { return }
    unusableCodes.insert(Array(code))
  }

  /// Defects that reading tolerated, by code.
  package var defects: [String: Int] {
    let counts = [
      "stray_ampersand": strayAmpersands, "bad_character": badCharacters, "unreadable_value": unreadableValues,
      "trailing_bytes": trailingBytes,
    ]
    return markupDefects.merging(counts.filter { $0.value > 0 }) { $0 + $1 }
  }

  /// True when every row was read: what the file does not name is gone.
  package var isComplete: Bool {
    // These defects cost no row: a "<" that is text, and anything after the root.
    let harmless: Set = [
      "xml_bad_name", "xml_bad_tag", "xml_bad_attribute", "xml_bad_declaration", "xml_after_root", "xml_tag_case",
    ]
    switch outcome {
    case .ok: return true
    case .malformed:
      return rows > 0 && rejected.malformed == 0 && isRootClosed && harmless.isSuperset(of: markupDefects.keys)
    default: return false
    }
  }

  package var keptRows: Int { rows - repeatedRows - rejected.total }
}

/// Rejected rows, by reason.
package struct RejectedRows: Hashable, Sendable {
  package var missingCode = 0
  package var badCode = 0
  package var missingPrice = 0
  package var badPrice = 0
  package var tooLarge = 0
  /// The markup is broken.
  package var malformed = 0

  package var total: Int { missingCode + badCode + missingPrice + badPrice + tooLarge + malformed }

  /// Reason and count, for metrics and messages; only reasons that occurred.
  package var byReason: [(reason: String, count: Int)] {
    [
      ("missing_code", missingCode), ("bad_code", badCode), ("missing_price", missingPrice), ("bad_price", badPrice),
      ("too_large", tooLarge), ("malformed", malformed),
    ]
    .filter { $0.1 > 0 }.map { (reason: $0.0, count: $0.1) }
  }
}

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
