import Catalogue
import Values

/// A price file lies in the object store: the job to parse it.
///
/// `gogobe.files.downloaded`, key and order `chain/store_id`.
package struct FileDownloaded: FieldwiseMessage {
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
    writer.field("chain", chain)
    writer.field("s3_path", s3Path)
    writer.field("local_path", localPath)
    writer.field("url", url)
    writer.field("file_name", fileName)
    writer.field("file_type", fileType)
    writer.field("store_id", storeID)
    writer.field("file_time", fileTime)
    writer.field("sha256", sha256)
    writer.field("bytes", bytes)
    writer.field("compression", compression)
    writer.field("discovered_at", discoveredAt)
    writer.field("downloaded_at", downloadedAt)
    writer.endObject()
  }

  package enum Field: String, CaseIterable, Sendable {
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
  package static let fields = FieldTable(Field.self)
  package static let required = fields.mask(.chain)

  package static var blank: Self { Self(chain: "", s3Path: nil, localPath: nil, fileName: "") }

  package mutating func read(_ field: Field, from reader: inout JSONReader) throws(DecodingFailure) {
    switch field {
    case .chain: chain = try reader.string()
    case .s3Path: s3Path = try reader.stringOrNull()
    case .localPath: localPath = try reader.stringOrNull()
    case .url: url = try reader.stringOrNull()
    case .fileName: fileName = try reader.stringOrNull() ?? ""
    case .fileType: fileType = try reader.valueOrNull(FileType.self, field: field.rawValue)
    case .storeID: storeID = try reader.stringOrNull()
    case .fileTime: fileTime = try reader.timestampOrNull(field: field.rawValue)
    case .sha256: sha256 = try reader.digestOrNull(field: field.rawValue)
    case .bytes: bytes = try reader.integerOrNull()
    case .compression: compression = try reader.valueOrNull(Compression.self, field: field.rawValue)
    case .discoveredAt: discoveredAt = try reader.timestampOrNull(field: field.rawValue)
    case .downloadedAt: downloadedAt = try reader.timestampOrNull(field: field.rawValue)
    }
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard let location = s3Path ?? localPath else { throw reader.missingField("s3_path") }
    guard fileName.isEmpty else { return }
    guard let name = lastPathSegment(of: url ?? location) else { throw reader.missingField("file_name") }
    fileName = name
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
