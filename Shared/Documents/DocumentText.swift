import Core

/// What a document says without its markup: lines, and rows of tables, in their order.
package struct DocumentText: Sendable {
  package struct Block: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
      /// A paragraph or heading.
      case line
      /// A row of a table: its cells, apart by ` | `.
      case row
      /// Where a printed page ends; it has no text.
      case pageBreak
    }
    package var kind: Kind
    /// In ``DocumentText/bytes``.
    package var start: Int
    package var end: Int
    /// Equal for the rows of one table.
    package var table = 0
    package var cells = 1
    /// Of `cells`, those that are numbers, amounts or percentages.
    package var numbers = 0
    /// All of it is set in bold type, or it is marked as a heading.
    package var isBold = false
    /// All of it leads to another place of the same document, as the entries of a table of contents do.
    package var isLink = false

    package var count: Int { end - start }
  }

  /// UTF-8, white space collapsed.
  package internal(set) var bytes: [UInt8] = []
  package internal(set) var blocks: [Block] = []

  package init() {}

  package subscript(block: Block) -> String { String(decoding: bytes[block.start..<block.end], as: UTF8.self) }

  package func text(at index: Int) -> String { self[blocks[index]] }

  mutating func breakPage() {
    guard let last = blocks.last, last.kind != .pageBreak else { return }
    blocks.append(Block(kind: .pageBreak, start: bytes.count, end: bytes.count))
  }
}

/// Why a document cannot be split. All are errors of the data.
package enum DocumentErrorKind: String, ErrorKind {
  /// More text than the limit.
  case tooMuchText = "too_much_text"
  /// No text at all.
  case empty = "empty_document"
  /// A transcript of no known shape.
  case unknownShape = "unknown_shape"
  /// Other bytes than those that were announced.
  case otherBytes = "sha256_mismatch"
  /// Bytes that are no text: a PDF, an image.
  case notText = "not_text"

  package var errorClass: ErrorClass { .data }
}

package typealias DocumentError = CodedError<DocumentErrorKind>

/// Reads a document as it arrives: HTML with inline XBRL, or plain text, whichever its first bytes show.
package struct DocumentReader: Sendable {
  /// Until there are enough bytes to see the form of the document.
  private var head: [UInt8] = []
  private var reader: (any FormReader)?
  private let limit: Int

  /// - Parameter limit: bytes of text that the document may have; what is held does not grow beyond it.
  package init(limit: Int) { self.limit = limit }

  /// - Throws: `.tooMuchText`, `.notText`.
  package mutating func read(_ piece: [UInt8]) throws(DocumentError) {
    if reader == nil {
      head += piece
      if head.count >= 2_048 { try begin() }
    } else {
      reader?.read(piece)
    }
    try check()
  }

  /// - Throws: `.empty`, and as `read`.
  package mutating func finish() throws(DocumentError) -> DocumentText {
    if reader == nil { try begin() }
    reader?.finish()
    try check()
    guard let text = reader?.text, !text.bytes.isEmpty else {
      throw DocumentError(.empty, "the document has no text")
    }
    return text
  }

  private mutating func begin() throws(DocumentError) {
    let start = head.prefix(4_096)
    guard !start.starts(with: "%PDF".utf8), !start.contains(0) else {
      throw DocumentError(.notText, "the document begins as a PDF or another binary file does")
    }
    reader = Self.isMarkup(start) ? MarkupReader() : PlainReader()
    reader?.read(head)
    head = []
  }

  /// Old filings are plain text with a few tags of their own: `<PAGE>`, `<TABLE>`, `<S>`, `<C>`.
  private static func isMarkup(_ head: ArraySlice<UInt8>) -> Bool {
    let text = String(decoding: head, as: UTF8.self).lowercased()
    return ["<html", "<?xml", "<!doctype", "<body", "<div", "<p>", "<p ", "<font"].contains { text.contains($0) }
  }

  private func check() throws(DocumentError) {
    guard reader?.text.bytes.count ?? 0 <= limit else {
      throw DocumentError(.tooMuchText, "the document has more than \(limit) bytes of text")
    }
  }
}

/// Reads documents of one form.
protocol FormReader: Sendable {
  var text: DocumentText { get }
  mutating func read(_ piece: [UInt8])
  mutating func finish()
}
