import Catalogue
import Values

/// One file was read: how it ended, what was in it, and what became of its rows.
///
/// `gogobe.files.parsed`, key and order `chain/store_id`, sent after every batch of the file is acknowledged. Every
/// file that was opened gives one, whatever its outcome; a file that is parsed again gives it again, under the same
/// `file_id`, and only its times differ.
package struct FileParsed: FieldwiseMessage {
  /// 32 hexadecimal digits that name the file's content under its name, as in its batches.
  package var fileID: String
  package var chain: String
  /// Of the file itself, else of its name.
  package var chainID: String?
  package var subChainID: String?
  /// Without leading zeros; nil when neither the name nor the file says it.
  package var storeID: String?
  package var fileName: String
  /// What the file holds, by its content; by its name when its content does not say.
  package var kind: FileType?
  /// `cerberus`, `bina`, `common_2026` ...
  package var dialect: String?
  /// `ok`, `empty`, `truncated`, `malformed`, `corrupt`, `empty_file`, `not_xml_html`, `unknown_document`,
  /// `refused`, `sha256_mismatch`.
  package var outcome: String
  /// A stable code for what stopped the reading, nil when nothing did.
  package var reason: String?
  /// Whole rows: items, promotions or stores.
  package var rows: Int64 = 0
  /// Distinct item codes, promotion ids or branches.
  package var distinctCodes: Int64 = 0
  /// Rows with a code that another row has. Of items and branches the one that was updated last counts, of two alike
  /// the first; promotions of one id are united.
  package var duplicates: Int64 = 0
  /// Rows that lack what every row must have, or are too large.
  package var rejected: Int64 = 0
  /// Item references of promotions.
  package var itemReferences: Int64 = 0
  /// Messages published.
  package var batches: Int64 = 0
  /// Elements that no dialect has, and how often each occurs; at most 32 names.
  package var unknownElements: [String: Int64] = [:]
  /// What the reading got over, by its code, and how often: `xml_bad_name`, `bad_character` ...
  package var defects: [String: Int64] = [:]
  /// Words that no vocabulary has, as `unit_of_measure: word`, and how often each occurs; at most 32.
  package var unknownWords: [String: Int64] = [:]
  package var compression: Compression?
  package var encoding: String?
  /// As stored.
  package var bytes: Int64 = 0
  /// After decompression.
  package var xmlBytes: Int64 = 0
  package var fileTime: Timestamp
  package var discoveredAt: Timestamp?
  package var downloadedAt: Timestamp?
  package var parsedAt: Timestamp?
  /// From the first byte to the last acknowledgement, in milliseconds.
  package var parseMilliseconds: Int64 = 0
  /// Rows that minted a master product, and rows that were matched with one that exists.
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
    try coder.required("file_id", &fileID)
    try coder.required("chain", &chain)
    try coder.field("chain_id", &chainID)
    try coder.field("sub_chain_id", &subChainID)
    try coder.field("store_id", &storeID)
    try coder.required("file_name", &fileName)
    try coder.field("kind", &kind)
    try coder.field("dialect", &dialect)
    try coder.required("outcome", &outcome)
    try coder.field("reason", &reason)
    try coder.field("rows", &rows)
    try coder.field("distinct_codes", &distinctCodes)
    try coder.field("duplicates", &duplicates)
    try coder.field("rejected", &rejected)
    try coder.field("item_refs", &itemReferences)
    try coder.field("batches", &batches)
    try coder.field("unknown_elements", &unknownElements)
    try coder.field("compression", &compression)
    try coder.field("encoding", &encoding)
    try coder.field("bytes", &bytes)
    try coder.field("xml_bytes", &xmlBytes)
    try coder.required("file_time", &fileTime)
    try coder.field("discovered_at", &discoveredAt)
    try coder.field("downloaded_at", &downloadedAt)
    try coder.field("parsed_at", &parsedAt)
    try coder.field("parse_ms", &parseMilliseconds)
    try coder.field("new_masters", &newMasters)
    try coder.field("matched", &matched)
    try coder.field("defects", &defects)
    try coder.field("unknown_words", &unknownWords)
  }
}
