import Catalogue
import Values

/// A price file was seen at a portal: the job to fetch it.
///
/// `gogobe.files.discovered`, key `chain/file_name`, ordered by `chain/store_id`.
package struct FileDiscovered: FieldwiseMessage {
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

  package static let blank = Self(chain: "", url: "", timestamp: .epoch, fileName: absent)
  /// The name while none was read; an empty one is kept as written.
  private static let absent = "\u{0}absent\u{0}"
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("chain", &chain)
    try coder.required("url", &url)
    try coder.required("timestamp", &timestamp)
    try coder.field("file_name", &fileName)
    try coder.field("file_type", &fileType)
    try coder.field("store_id", &storeID)
    try coder.field("size", &size)
    try coder.field("fingerprint", &fingerprint)
    try coder.field("file_time", &fileTime)
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard fileName == Self.absent else { return }
    guard let name = lastPathSegment(of: url) else { throw reader.missingField("file_name") }
    fileName = name
  }
}
