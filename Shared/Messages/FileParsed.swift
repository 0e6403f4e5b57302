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
  package var rows: Int64
  /// Distinct item codes, promotion ids or branches.
  package var distinctCodes: Int64
  /// Rows with a code that another row has. Of items and branches the one that was updated last counts, of two alike
  /// the first; promotions of one id are united.
  package var duplicates: Int64
  /// Rows that lack what every row must have, or are too large.
  package var rejected: Int64
  /// Item references of promotions.
  package var itemReferences: Int64
  /// Messages published.
  package var batches: Int64
  /// Elements that no dialect has, and how often each occurs; at most 32 names.
  package var unknownElements: [String: Int64]
  /// What the reading got over, by its code, and how often: `xml_bad_name`, `bad_character` ...
  package var defects: [String: Int64]
  /// Words that no vocabulary has, as `unit_of_measure: word`, and how often each occurs; at most 32.
  package var unknownWords: [String: Int64]
  package var compression: Compression?
  package var encoding: String?
  /// As stored.
  package var bytes: Int64
  /// After decompression.
  package var xmlBytes: Int64
  package var fileTime: Timestamp
  package var discoveredAt: Timestamp?
  package var downloadedAt: Timestamp?
  package var parsedAt: Timestamp?
  /// From the first byte to the last acknowledgement, in milliseconds.
  package var parseMilliseconds: Int64
  /// Rows that minted a master product, and rows that were matched with one that exists.
  package var newMasters: Int64
  package var matched: Int64

  package static let topic = Topics.filesParsed

  package init(
    fileID: String, chain: String, chainID: String? = nil, subChainID: String? = nil, storeID: String? = nil,
    fileName: String, kind: FileType? = nil, dialect: String? = nil, outcome: String, reason: String? = nil,
    rows: Int64 = 0, distinctCodes: Int64 = 0, duplicates: Int64 = 0, rejected: Int64 = 0, itemReferences: Int64 = 0,
    batches: Int64 = 0, unknownElements: [String: Int64] = [:], defects: [String: Int64] = [:],
    unknownWords: [String: Int64] = [:], compression: Compression? = nil, encoding: String? = nil,
    bytes: Int64 = 0, xmlBytes: Int64 = 0, fileTime: Timestamp, discoveredAt: Timestamp? = nil,
    downloadedAt: Timestamp? = nil, parsedAt: Timestamp? = nil, parseMilliseconds: Int64 = 0, newMasters: Int64 = 0,
    matched: Int64 = 0
  ) {
    self.fileID = fileID
    self.chain = chain
    self.chainID = chainID
    self.subChainID = subChainID
    self.storeID = storeID
    self.fileName = fileName
    self.kind = kind
    self.dialect = dialect
    self.outcome = outcome
    self.reason = reason
    self.rows = rows
    self.distinctCodes = distinctCodes
    self.duplicates = duplicates
    self.rejected = rejected
    self.itemReferences = itemReferences
    self.batches = batches
    self.unknownElements = unknownElements
    self.defects = defects
    self.unknownWords = unknownWords
    self.compression = compression
    self.encoding = encoding
    self.bytes = bytes
    self.xmlBytes = xmlBytes
    self.fileTime = fileTime
    self.discoveredAt = discoveredAt
    self.downloadedAt = downloadedAt
    self.parsedAt = parsedAt
    self.parseMilliseconds = parseMilliseconds
    self.newMasters = newMasters
    self.matched = matched
  }

  package var key: [UInt8] { RecordKey.bytes(chain: chain, storeID ?? "") }

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("file_id", fileID)
    writer.field("chain", chain)
    writer.field("chain_id", chainID)
    writer.field("sub_chain_id", subChainID)
    writer.field("store_id", storeID)
    writer.field("file_name", fileName)
    writer.field("kind", kind)
    writer.field("dialect", dialect)
    writer.field("outcome", outcome)
    writer.field("reason", reason)
    writer.field("rows", rows)
    writer.field("distinct_codes", distinctCodes)
    writer.field("duplicates", duplicates)
    writer.field("rejected", rejected)
    writer.field("item_refs", itemReferences)
    writer.field("batches", batches)
    writer.counts("unknown_elements", unknownElements)
    writer.field("compression", compression)
    writer.field("encoding", encoding)
    writer.field("bytes", bytes)
    writer.field("xml_bytes", xmlBytes)
    writer.field("file_time", fileTime)
    writer.field("discovered_at", discoveredAt)
    writer.field("downloaded_at", downloadedAt)
    writer.field("parsed_at", parsedAt)
    writer.field("parse_ms", parseMilliseconds)
    writer.field("new_masters", newMasters)
    writer.field("matched", matched)
    writer.counts("defects", defects)
    writer.counts("unknown_words", unknownWords)
    writer.endObject()
  }

  package enum Field: String, CaseIterable, Sendable {
    case fileID = "file_id"
    case chain
    case chainID = "chain_id"
    case subChainID = "sub_chain_id"
    case storeID = "store_id"
    case fileName = "file_name"
    case kind, dialect, outcome, reason, rows
    case distinctCodes = "distinct_codes"
    case duplicates, rejected
    case itemReferences = "item_refs"
    case batches
    case unknownElements = "unknown_elements"
    case compression, encoding, bytes
    case xmlBytes = "xml_bytes"
    case fileTime = "file_time"
    case discoveredAt = "discovered_at"
    case downloadedAt = "downloaded_at"
    case parsedAt = "parsed_at"
    case parseMilliseconds = "parse_ms"
    case newMasters = "new_masters"
    case matched, defects
    case unknownWords = "unknown_words"
  }
  package static let fields = FieldTable(Field.self)
  package static let required = fields.mask(.fileID, .chain, .fileName, .outcome, .fileTime)

  package static var blank: Self { Self(fileID: "", chain: "", fileName: "", outcome: "", fileTime: .epoch) }

  package mutating func read(_ field: Field, from reader: inout JSONReader) throws(DecodingFailure) {
    let name = field.rawValue
    switch field {
    case .fileID: fileID = try reader.string()
    case .chain: chain = try reader.string()
    case .chainID: chainID = try reader.stringOrNull()
    case .subChainID: subChainID = try reader.stringOrNull()
    case .storeID: storeID = try reader.stringOrNull()
    case .fileName: fileName = try reader.string()
    case .kind: kind = try reader.valueOrNull(FileType.self, field: name)
    case .dialect: dialect = try reader.stringOrNull()
    case .outcome: outcome = try reader.string()
    case .reason: reason = try reader.stringOrNull()
    case .rows: rows = try reader.integer()
    case .distinctCodes: distinctCodes = try reader.integer()
    case .duplicates: duplicates = try reader.integer()
    case .rejected: rejected = try reader.integer()
    case .itemReferences: itemReferences = try reader.integer()
    case .batches: batches = try reader.integer()
    case .unknownElements: unknownElements = try reader.counts()
    case .compression: compression = try reader.valueOrNull(Compression.self, field: name)
    case .encoding: encoding = try reader.stringOrNull()
    case .bytes: bytes = try reader.integer()
    case .xmlBytes: xmlBytes = try reader.integer()
    case .fileTime: fileTime = try reader.timestamp(field: name)
    case .discoveredAt: discoveredAt = try reader.timestampOrNull(field: name)
    case .downloadedAt: downloadedAt = try reader.timestampOrNull(field: name)
    case .parsedAt: parsedAt = try reader.timestampOrNull(field: name)
    case .parseMilliseconds: parseMilliseconds = try reader.integer()
    case .newMasters: newMasters = try reader.integer()
    case .matched: matched = try reader.integer()
    case .defects: defects = try reader.counts()
    case .unknownWords: unknownWords = try reader.counts()
    }
  }
}
