import Catalogue
import Values

/// A price file was seen at a portal: the job to fetch it.
///
/// `gogobe.files.discovered`, key `chain/file_name`, ordered by `chain/store_id`.
package struct FileDiscovered: Message {
  /// The source's name in the catalogue (`king_store`), else the 13-digit chain id of the file name.
  package var chain: String
  /// Where the file can be fetched: `https:`, or `file:` for a local folder.
  package var url: String
  /// When the file was seen, UTC.
  package var timestamp: Timestamp
  /// The portal's name for the file. A message without one is given the last path segment of `url`.
  package var fileName: String
  package var fileType: FileType?
  /// Without leading zeros: `29`, `0`.
  package var storeID: String?
  /// Bytes, as the portal says.
  package var size: Int64?
  /// Changes when the portal re-publishes the file under the same name.
  package var fingerprint: String?
  /// When the chain made the file, from its name, at the offset of Israel on that day.
  package var fileTime: Timestamp?

  package static let topic = Topics.filesDiscovered

  package init(
    chain: String, url: String, timestamp: Timestamp, fileName: String, fileType: FileType? = nil,
    storeID: String? = nil, size: Int64? = nil, fingerprint: String? = nil, fileTime: Timestamp? = nil
  ) {
    self.chain = chain
    self.url = url
    self.timestamp = timestamp
    self.fileName = fileName
    self.fileType = fileType
    self.storeID = storeID
    self.size = size
    self.fingerprint = fingerprint
    self.fileTime = fileTime
  }

  package var key: [UInt8] { RecordKey.bytes(chain: chain, fileName) }
  package var partitionKey: [UInt8] { RecordKey.bytes(chain: chain, storeID ?? "") }

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("chain", chain)
    writer.field("url", url)
    writer.field("timestamp", timestamp)
    writer.field("file_name", fileName)
    writer.field("file_type", fileType)
    writer.field("store_id", storeID)
    writer.field("size", size)
    writer.field("fingerprint", fingerprint)
    writer.field("file_time", fileTime)
    writer.endObject()
  }

  enum Field: String, CaseIterable {
    case chain, url, timestamp
    case fileName = "file_name"
    case fileType = "file_type"
    case storeID = "store_id"
    case size, fingerprint
    case fileTime = "file_time"
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.chain, .url, .timestamp)

  package init(
    decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(DecodingFailure) {
    var reader = try JSONReader(bytes, limits: limits)
    var chain = "", url = ""
    var timestamp = Timestamp.epoch
    var fileName: String?
    var fileType: FileType?
    var storeID: String?
    var size: Int64?
    var fingerprint: String?
    var fileTime: Timestamp?
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .chain: chain = try reader.string()
      case .url: url = try reader.string()
      case .timestamp: timestamp = try reader.timestamp(field: field.rawValue)
      case .fileName: fileName = try reader.stringOrNull()
      case .fileType: fileType = try reader.valueOrNull(FileType.self, field: field.rawValue)
      case .storeID: storeID = try reader.stringOrNull()
      case .size: size = try reader.integerOrNull()
      case .fingerprint: fingerprint = try reader.stringOrNull()
      case .fileTime: fileTime = try reader.timestampOrNull(field: field.rawValue)
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
    try reader.finish()
    guard let name = fileName ?? lastPathSegment(of: url) else { throw reader.missingField("file_name") }
    self.init(
      chain: chain, url: url, timestamp: timestamp, fileName: name, fileType: fileType, storeID: storeID, size: size,
      fingerprint: fingerprint, fileTime: fileTime)
  }
}
