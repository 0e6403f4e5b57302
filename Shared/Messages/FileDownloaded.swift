import Catalogue
import Values

/// A price file lies in the object store: the job to parse it.
///
/// `gogobe.files.downloaded`, key and order `chain/store_id`.
package struct FileDownloaded: FieldwiseMessage {
  package var chain: String
  package var s3Path: String?
  package var localPath: String?
  package var url: String?
  package var fileName: String
  package var fileType: FileType?
  package var storeID: String?
  package var fileTime: Timestamp?
  package var sha256: String?
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
    try coder.required("chain", &chain, "Name of the source in the catalogue, else the 13-digit chain id")
    try coder.field(
      "s3_path", &s3Path, "Bucket and key of the object: `s3://bucket/files/…`; null with a `local_path`")
    try coder.field("local_path", &localPath, "Path of the file, when the object store is a folder")
    try coder.field("url", &url, "Where the file was fetched")
    try coder.field(
      "file_name", &fileName, "The portal's name for the file; without one, the last path segment of `url`")
    try coder.field("file_type", &fileType, "What the file holds, by its name")
    try coder.field("store_id", &storeID, "Number of the store, without leading zeros")
    try coder.field("file_time", &fileTime, "When the chain made the file, from its name")
    try coder.field("sha256", &sha256, "Of the bytes as stored; 64 lower-case hexadecimal digits")
    try coder.field("bytes", &bytes, "Size as stored [bytes]")
    try coder.field("compression", &compression, "How the bytes are compressed")
    try coder.field("discovered_at", &discoveredAt, "When the crawler saw the file")
    try coder.field("downloaded_at", &downloadedAt, "When the file was stored")
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
