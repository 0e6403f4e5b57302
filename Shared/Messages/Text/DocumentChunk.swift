import Catalogue
import Core
import Values

/// A passage of a document with its vector, or that earlier passages are gone.
///
/// `document-chunks`, key `source/id` of the document, in order by `source/issuer`. A record of an `id` replaces the
/// earlier one. With `withdrawn` a record is no passage: every passage of `document` (with an `item`, only those of
/// that part and item) whose `known_at` is earlier than the record's has to go wherever it was kept. Each set of
/// passages ends with such a record, so a document that changed leaves nothing of its former text behind.
package struct DocumentChunk: FieldwiseMessage {
  package var id: String
  package var document: String
  package var source: String
  package var issuer: String
  package var symbols: [String]
  package var company: String
  package var form: String
  package var period: String?
  package var url: String
  package var part: String?
  package var item: String?
  package var heading: String
  package var speaker: String?
  package var ordinal: Int64
  package var text: String
  package var tokens: Int64
  package var isTable: Bool
  package var model: String?
  package var vector: String?
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
  package var withdrawn: Bool

  package static let topic = Topics.documentChunks

  package init(
    id: String, of document: Document, part: String? = nil, item: String? = nil, heading: String = "",
    speaker: String? = nil, ordinal: Int64, text: String, tokens: Int64, isTable: Bool = false
  ) {
    self.init(id: id, document: document.name, source: document.source, issuer: document.issuer)
    symbols = document.symbols
    company = document.company
    form = document.form
    period = document.period
    url = document.url
    self.part = part
    self.item = item
    self.heading = heading
    self.speaker = speaker
    self.ordinal = ordinal
    self.text = text
    self.tokens = tokens
    self.isTable = isTable
    publishedAt = document.publishedAt
    knownAt = document.knownAt
  }

  private init(id: String, document: String, source: String, issuer: String) {
    self.id = id
    self.document = document
    self.source = source
    self.issuer = issuer
    (symbols, company, form, period, url) = ([], "", "", nil, "")
    (part, item, heading, speaker, ordinal) = (nil, nil, "", nil, 0)
    (text, tokens, isTable, model, vector) = ("", 0, false, nil, nil)
    (publishedAt, knownAt, withdrawn) = (.epoch, .epoch, false)
  }

  /// That no passage of `document` stands that was known before `cause`.
  /// - Parameters:
  ///   - document: its key, `source/id`: that of `cause`, or of what it amends.
  ///   - item: only of this part and item; all when nil.
  package static func withdrawal(
    of document: String, by cause: Document, part: String? = nil, item: String? = nil
  ) -> Self {
    var gone = Self(id: "", document: document, source: cause.source, issuer: cause.issuer)
    gone.symbols = cause.symbols
    gone.form = cause.form
    (gone.part, gone.item) = (part, item)
    (gone.publishedAt, gone.knownAt, gone.withdrawn) = (cause.publishedAt, cause.knownAt, true)
    return gone
  }

  package var key: [UInt8] { Array(document.utf8) }
  package var partitionKey: [UInt8] { RecordKey.bytes(chain: source, issuer) }

  /// The vector's components; nil without a vector.
  package var floats: [Float]? {
    get {
      guard let vector, let bytes = Base64.decode(vector), bytes.count % 4 == 0 else { return nil }
      return stride(from: 0, to: bytes.count, by: 4).map { index in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32($1 * 8) })
      }
    }
    set {
      vector = newValue.map { floats in
        Base64.encode(floats.flatMap { float in
          (0..<4).map { UInt8(truncatingIfNeeded: float.bitPattern >> ($0 * 8)) }
        })
      }
    }
  }

  package static let blank = Self(id: "", document: "", source: "", issuer: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.field(
      "id", &id, "32 hexadecimal digits, made from document, part, item, ordinal and text; empty in a withdrawal")
    try coder.required("document", &document, "`source/id` of the document")
    try coder.required("source", &source, "Where the document was collected")
    try coder.required("issuer", &issuer, "Whose document it is")
    try coder.field("symbols", &symbols, "Canonical symbols of the company")
    try coder.field("company", &company, "Name of the company")
    try coder.field("form", &form, "Form of the document: `10-K`")
    try coder.field("period", &period, "What the document reports of")
    try coder.field("url", &url, "Where a person reads the document")
    try coder.field("part", &part, "`I`, `II`; null where the document has no parts")
    try coder.field("item", &item, "`1A`; null of transcripts")
    try coder.field("heading", &heading, "Title of the item, and of the section within it")
    try coder.field("speaker", &speaker, "Who says it, in a transcript")
    try coder.field("ordinal", &ordinal, "Number of the passage within the document, from 0")
    try coder.field("text", &text, "The passage")
    try coder.field("tokens", &tokens, "Length of the text by the tokenizer of `model` [tokens]")
    try coder.field("table", &isTable, "Rows of a table, a line each, cells apart by ` | `")
    try coder.field(
      "model", &model, "What computed the vector: `minilm-l6-v2`; vectors of two models are never compared")
    try coder.field("vector", &vector, "Little-endian 32-bit floats in Base64")
    try coder.required("published_at", &publishedAt, "When the public could first read the document")
    try coder.required("known_at", &knownAt, "When the document was collected")
    try coder.field("withdrawn", &withdrawn, "Earlier passages of the document no longer stand")
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    if id.isEmpty && !withdrawn { throw reader.missingField("id") }
    if vector != nil && floats == nil {
      throw DecodingFailure(.badValue, at: reader.offset, "not 32-bit floats in Base64", field: "vector")
    }
  }
}
