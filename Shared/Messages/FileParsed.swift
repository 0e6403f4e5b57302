import Catalogue
import Values

/// One file was read: how it ended, what was in it, and what became of its rows.
///
/// `gogobe.files.parsed`, key and order `chain/store_id`, sent after every batch of the file is acknowledged. Every
/// file that was opened gives one, whatever its outcome; a file that is parsed again gives it again, under the same
/// `file_id`, and only its times differ.
package struct FileParsed: FieldwiseMessage {
  package var fileID: String
  package var chain: String
  package var chainID: String?
  package var subChainID: String?
  package var storeID: String?
  package var fileName: String
  package var kind: FileType?
  package var dialect: String?
  /// `ok`, `empty`, `truncated`, `malformed`, `corrupt`, `empty_file`, `not_xml_html`, `unknown_document`,
  /// `refused`, `sha256_mismatch`.
  package var outcome: String
  package var reason: String?
  package var rows: Int64 = 0
  package var distinctCodes: Int64 = 0
  /// Rows with a code that another row has. Of items and branches the one that was updated last counts, of two alike
  /// the first; promotions of one id are united.
  package var duplicates: Int64 = 0
  package var rejected: Int64 = 0
  package var itemReferences: Int64 = 0
  package var batches: Int64 = 0
  package var unknownElements: [String: Int64] = [:]
  package var defects: [String: Int64] = [:]
  package var unknownWords: [String: Int64] = [:]
  package var compression: Compression?
  package var encoding: String?
  package var bytes: Int64 = 0
  package var xmlBytes: Int64 = 0
  package var fileTime: Timestamp
  package var discoveredAt: Timestamp?
  package var downloadedAt: Timestamp?
  package var parsedAt: Timestamp?
  package var parseMilliseconds: Int64 = 0
  package var newMasters: Int64 = 0
  package var matched: Int64 = 0

  package static let topic = Topics.filesParsed

  package init(fileID: String, chain: String, fileName: String, outcome: String, fileTime: Timestamp) {
    self.fileID = fileID
    self.chain = chain
    self.fileName = fileName
    self.outcome = outcome
    self.fileTime = fileTime
  }

  package var key: [UInt8] { RecordKey.bytes(chain: chain, storeID ?? "") }

  package static let blank = Self(fileID: "", chain: "", fileName: "", outcome: "", fileTime: .epoch)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required(
      "file_id", &fileID, "32 hexadecimal digits that name the file's content under its name, as in its batches")
    try coder.required("chain", &chain, "Name of the source in the catalogue, else the 13-digit chain id")
    try coder.field("chain_id", &chainID, "The chain's 13-digit id, of the file itself, else of its name")
    try coder.field("sub_chain_id", &subChainID, "Number of the sub-chain")
    try coder.field("store_id", &storeID, "Without leading zeros; null where neither name nor file says it")
    try coder.required("file_name", &fileName, "The portal's name for the file")
    try coder.field("kind", &kind, "What the file holds, by its content, else by its name")
    try coder.field("dialect", &dialect, "The form of XML: `cerberus`, `bina`, `common_2026`")
    try coder.required(
      "outcome", &outcome, "`ok`, `empty`, `truncated`, `malformed`, `corrupt`, `empty_file`, `refused` and others")
    try coder.field("reason", &reason, "Code of what stopped the reading; null when nothing did")
    try coder.field("rows", &rows, "Whole rows: items, promotions or stores")
    try coder.field("distinct_codes", &distinctCodes, "Distinct item codes, promotion ids or branches")
    try coder.field(
      "duplicates", &duplicates,
      "Rows whose code another row has; the one updated last counts, promotions of one id are united")
    try coder.field("rejected", &rejected, "Rows that lack what every row must have, or are too large")
    try coder.field("item_refs", &itemReferences, "Item references of promotions")
    try coder.field("batches", &batches, "Messages published")
    try coder.field(
      "unknown_elements", &unknownElements, "Elements that no dialect has, and how often each occurs; at most 32 names")
    try coder.field("compression", &compression, "How the file is compressed")
    try coder.field("encoding", &encoding, "Character encoding of the file")
    try coder.field("bytes", &bytes, "Size as stored [bytes]")
    try coder.field("xml_bytes", &xmlBytes, "Size after decompression [bytes]")
    try coder.required("file_time", &fileTime, "When the chain made the file")
    try coder.field("discovered_at", &discoveredAt, "When the crawler saw the file")
    try coder.field("downloaded_at", &downloadedAt, "When the file was stored")
    try coder.field("parsed_at", &parsedAt, "When it was parsed")
    try coder.field("parse_ms", &parseMilliseconds, "From the first byte to the last acknowledgement [ms]")
    try coder.field("new_masters", &newMasters, "Rows that made a new master product")
    try coder.field("matched", &matched, "Rows that were matched with a master that exists")
    try coder.field(
      "defects", &defects, "What the parser tolerated, by code, and how often: `xml_bad_name`, `bad_character`")
    try coder.field(
      "unknown_words", &unknownWords,
      "Words that no vocabulary has, as `unit_of_measure: word`, and how often; at most 32")
  }
}
