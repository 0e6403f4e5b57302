import Catalogue
import Values

/// A filing or a transcript whose bytes lie in the object store, or its withdrawal.
///
/// `documents`, key `source/id`, in order by `source/issuer`, so that an amendment comes after what it amends. The last
/// record of a key holds: other bytes replace the earlier ones, and a withdrawal (`withdrawn`, without an object) has
/// to remove the document wherever it was kept.
package struct Document: FieldwiseMessage {
  package enum Kind: String, Hashable, Sendable, CaseIterable { case filing, transcript }

  package var source: String
  package var id: String
  package var kind: Kind
  package var issuer: String
  package var symbols: [String]
  package var company: String
  package var form: String
  package var period: String?
  package var title: String
  package var url: String
  package var object: String?
  package var sha256: String?
  package var bytes: Int64?
  package var mediaType: String?
  package var amends: String?
  package var filedOn: String?
  package var publishedAt: Timestamp
  package var knownAt: Timestamp
  package var withdrawn: Bool
  package var jobID: String?

  package static let topic = Topics.documents

  package init(
    source: String, id: String, kind: Kind, issuer: String, symbols: [String] = [], company: String = "",
    form: String, period: String? = nil, title: String = "", url: String, object: String? = nil,
    sha256: String? = nil, bytes: Int64? = nil, mediaType: String? = nil, amends: String? = nil,
    filedOn: String? = nil, publishedAt: Timestamp, knownAt: Timestamp, withdrawn: Bool = false, jobID: String? = nil
  ) {
    self.source = source
    self.id = id
    self.kind = kind
    self.issuer = issuer
    self.symbols = symbols
    self.company = company
    self.form = form
    self.period = period
    self.title = title
    self.url = url
    self.object = object
    self.sha256 = sha256
    self.bytes = bytes
    self.mediaType = mediaType
    self.amends = amends
    self.filedOn = filedOn
    self.publishedAt = publishedAt
    self.knownAt = knownAt
    self.withdrawn = withdrawn
    self.jobID = jobID
  }

  /// The withdrawal of this document.
  package func withdrawal(knownAt: Timestamp) -> Document {
    var gone = self
    (gone.title, gone.url, gone.object, gone.sha256, gone.bytes, gone.mediaType) = ("", "", nil, nil, nil, nil)
    (gone.knownAt, gone.withdrawn, gone.jobID) = (knownAt, true, nil)
    return gone
  }

  package var key: [UInt8] { RecordKey.bytes(chain: source, id) }
  package var partitionKey: [UInt8] { RecordKey.bytes(chain: source, issuer) }
  /// `source/id`
  package var name: String { "\(source)/\(id)" }

  package static let blank = Self(
    source: "", id: "", kind: .filing, issuer: "", form: "", url: "", publishedAt: .epoch, knownAt: .epoch)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("source", &source, "Where it was collected: `edgar`")
    try coder.required(
      "id", &id, "Within the source: the accession number `0000320193-25-000079`, `AAPL-2025Q4` of a transcript")
    try coder.required("kind", &kind, "Filing or transcript")
    try coder.required("issuer", &issuer, "Whose it is: the CIK in ten digits, or a symbol")
    try coder.field("symbols", &symbols, "Canonical; a company may have several, or none that is known")
    try coder.field("company", &company, "Name of the company")
    try coder.required("form", &form, "`10-K`, `10-Q/A`; of transcripts `earnings-call`")
    try coder.field("period", &period, "What it reports of: the last day `2025-09-27`, or the fiscal quarter `2025Q4`")
    try coder.field("title", &title, "Title of the document")
    try coder.field("url", &url, "Where a person reads it")
    try coder.field("object", &object, "Where its bytes are: `s3://bucket/documents/…`; null in a withdrawal")
    try coder.field("sha256", &sha256, "Of the bytes as stored; 64 lower-case hexadecimal digits")
    try coder.field("bytes", &bytes, "Size as stored [bytes]")
    try coder.field("media_type", &mediaType, "`text/html`, `text/plain`, `application/json`")
    try coder.field("amends", &amends, "Key (`source/id`) of the document that it amends, where that is known")
    try coder.field("filed_on", &filedOn, "Day of filing, as the source says: `2025-10-31`")
    try coder.required("published_at", &publishedAt, "When the public could first read it")
    try coder.required("known_at", &knownAt, "When it was collected; of a withdrawal, when that was noticed")
    try coder.field("withdrawn", &withdrawn, "The document no longer stands")
    try coder.field("job_id", &jobID, "The task that it came from")
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard !withdrawn else { return }
    guard object != nil else { throw reader.missingField("object") }
    guard sha256 != nil else { throw reader.missingField("sha256") }
    guard bytes != nil else { throw reader.missingField("bytes") }
  }
}

extension Document.Kind: JSONValue {}
