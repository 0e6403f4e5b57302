/// A price file lies in the object store: the job to parse it.
///
/// `gogobe.files.downloaded`, key and order `chain/store_id`.
package struct FileDownloaded: Message {
  package var chain: String
  /// Bucket and object key as a URL: `s3://bucket/files/…`; nil only when `localPath` is given.
  package var s3Path: String?
  /// A path in the local file system, when the store is one.
  package var localPath: String?
  /// Where it was fetched.
  package var url: String?
  /// A message without one is given the last path segment of `url`, `s3Path` or `localPath`.
  package var fileName: String
  package var fileType: FileType?
  package var storeID: String?
  package var fileTime: Timestamp?
  /// Of the bytes as stored; 64 lower-case hexadecimal digits.
  package var sha256: String?
  /// Of the object as stored.
  package var bytes: Int64?
  package var compression: Compression?
  package var discoveredAt: Timestamp?
  package var downloadedAt: Timestamp?

  package static let topic = Topics.filesDownloaded

  package init(
    chain: String, s3Path: String?, localPath: String?, url: String? = nil, fileName: String,
    fileType: FileType? = nil, storeID: String? = nil, fileTime: Timestamp? = nil, sha256: String? = nil,
    bytes: Int64? = nil, compression: Compression? = nil, discoveredAt: Timestamp? = nil,
    downloadedAt: Timestamp? = nil
  ) {
    self.chain = chain
    self.s3Path = s3Path
    self.localPath = localPath
    self.url = url
    self.fileName = fileName
    self.fileType = fileType
    self.storeID = storeID
    self.fileTime = fileTime
    self.sha256 = sha256
    self.bytes = bytes
    self.compression = compression
    self.discoveredAt = discoveredAt
    self.downloadedAt = downloadedAt
  }

  package var key: [UInt8] { RecordKey.bytes(chain: chain, storeID ?? "") }

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("chain")
    writer.string(chain)
    writer.key("s3_path")
    writer.string(s3Path)
    writer.key("local_path")
    writer.string(localPath)
    writer.key("url")
    writer.string(url)
    writer.key("file_name")
    writer.string(fileName)
    writer.key("file_type")
    writer.string(fileType)
    writer.key("store_id")
    writer.string(storeID)
    writer.key("file_time")
    writer.string(fileTime)
    writer.key("sha256")
    writer.string(sha256)
    writer.key("bytes")
    writer.integer(bytes)
    writer.key("compression")
    writer.string(compression)
    writer.key("discovered_at")
    writer.string(discoveredAt)
    writer.key("downloaded_at")
    writer.string(downloadedAt)
    writer.endObject()
  }

  enum Field: String, CaseIterable {
    case chain
    case s3Path = "s3_path"
    case localPath = "local_path"
    case url
    case fileName = "file_name"
    case fileType = "file_type"
    case storeID = "store_id"
    case fileTime = "file_time"
    case sha256, bytes, compression
    case discoveredAt = "discovered_at"
    case downloadedAt = "downloaded_at"
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.chain)

  package init(
    decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(DecodingFailure) {
    var reader = try JSONReader(bytes, limits: limits)
    var message = FileDownloaded(chain: "", s3Path: nil, localPath: nil, fileName: "")
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .chain: message.chain = try reader.string()
      case .s3Path: message.s3Path = try reader.stringOrNull()
      case .localPath: message.localPath = try reader.stringOrNull()
      case .url: message.url = try reader.stringOrNull()
      case .fileName: message.fileName = try reader.stringOrNull() ?? ""
      case .fileType: message.fileType = try reader.valueOrNull(FileType.self, field: field.rawValue)
      case .storeID: message.storeID = try reader.stringOrNull()
      case .fileTime: message.fileTime = try reader.timestampOrNull(field: field.rawValue)
      case .sha256: message.sha256 = try reader.digestOrNull(field: field.rawValue)
      case .bytes: message.bytes = try reader.integerOrNull()
      case .compression: message.compression = try reader.valueOrNull(Compression.self, field: field.rawValue)
      case .discoveredAt: message.discoveredAt = try reader.timestampOrNull(field: field.rawValue)
      case .downloadedAt: message.downloadedAt = try reader.timestampOrNull(field: field.rawValue)
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
    try reader.finish()
    guard let location = message.s3Path ?? message.localPath else { throw reader.missingField("s3_path") }
    if message.fileName.isEmpty {
      guard let name = lastPathSegment(of: message.url ?? location) else { throw reader.missingField("file_name") }
      message.fileName = name
    }
    self = message
  }
}

extension JSONReader {
  /// 64 lower-case hexadecimal digits, or nil for `null`.
  fileprivate mutating func digestOrNull(field: String) throws(DecodingFailure) -> String? {
    let start = position
    guard let digest = try stringOrNull() else { return nil }
    guard digest.utf8.count == 64, digest.utf8.allSatisfy({ $0 &- 0x30 <= 9 || $0 &- 0x61 <= 5 }) else {
      throw DecodingFailure(.badValue, at: start, "not 64 lower-case hexadecimal digits", field: field)
    }
    return digest
  }
}
