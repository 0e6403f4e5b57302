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

  package static let blank = Self(chain: "", s3Path: nil, localPath: nil, fileName: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("chain", &chain)
    try coder.field("s3_path", &s3Path)
    try coder.field("local_path", &localPath)
    try coder.field("url", &url)
    try coder.field("file_name", &fileName)
    try coder.field("file_type", &fileType)
    try coder.field("store_id", &storeID)
    try coder.field("file_time", &fileTime)
    try coder.field("sha256", &sha256)
    try coder.field("bytes", &bytes)
    try coder.field("compression", &compression)
    try coder.field("discovered_at", &discoveredAt)
    try coder.field("downloaded_at", &downloadedAt)
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard sha256.map(Self.isDigest) ?? true else {
      throw DecodingFailure(.badValue, at: reader.offset, "not 64 lower-case hexadecimal digits", field: "sha256")
    }
    guard let location = s3Path ?? localPath else { throw reader.missingField("s3_path") }
    guard fileName.isEmpty else { return }
    guard let name = lastPathSegment(of: url ?? location) else { throw reader.missingField("file_name") }
    fileName = name
  }

  private static func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.utf8.allSatisfy { $0 &- 0x30 <= 9 || $0 &- 0x61 <= 5 }
  }
}
