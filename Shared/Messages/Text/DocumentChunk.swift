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
  /// 32 hexadecimal digits, made from document, part, item, ordinal and text; empty in a withdrawal.
  package var id: String
  /// `source/id` of the document.
  package var document: String
  package var source: String
  package var issuer: String
  package var symbols: [String]
  package var company: String
  package var form: String
  package var period: String?
  /// Where a person reads the document.
  package var url: String
  /// `I`, `II`; nil where the document has no parts.
  package var part: String?
  /// `1A`; of transcripts nil.
  package var item: String?
  /// The title of the item, and of the section within it where it has one.
  package var heading: String
  /// Who says it, in a transcript.
  package var speaker: String?
  /// From 0, in the order of the document.
  package var ordinal: Int64
  package var text: String
  /// Of the text, as the tokenizer of `model` counts.
  package var tokens: Int64
  /// Rows of a table, a line each, cells apart by ` | `.
  package var isTable: Bool
  /// What computed the vector: `minilm-l6-v2`. Vectors of two models are never compared.
  package var model: String?
  /// Little-endian 32-bit floats in Base64; see ``floats``.
  package var vector: String?
  package var publishedAt: Timestamp
  /// That of the document.
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
    try coder.field("id", &id)
    try coder.required("document", &document)
    try coder.required("source", &source)
    try coder.required("issuer", &issuer)
    try coder.field("symbols", &symbols)
    try coder.field("company", &company)
    try coder.field("form", &form)
    try coder.field("period", &period)
    try coder.field("url", &url)
    try coder.field("part", &part)
    try coder.field("item", &item)
    try coder.field("heading", &heading)
    try coder.field("speaker", &speaker)
    try coder.field("ordinal", &ordinal)
    try coder.field("text", &text)
    try coder.field("tokens", &tokens)
    try coder.field("table", &isTable)
    try coder.field("model", &model)
    try coder.field("vector", &vector)
    try coder.required("published_at", &publishedAt)
    try coder.required("known_at", &knownAt)
    try coder.field("withdrawn", &withdrawn)
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    if id.isEmpty && !withdrawn { throw reader.missingField("id") }
    if vector != nil && floats == nil {
      throw DecodingFailure(.badValue, at: reader.offset, "not 32-bit floats in Base64", field: "vector")
    }
  }
}
