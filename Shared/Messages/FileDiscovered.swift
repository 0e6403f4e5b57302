import Catalogue
import Values

/// A price file was seen at a portal: the job to fetch it.
///
/// `gogobe.files.discovered`, key `chain/file_name`, ordered by `chain/store_id`.
package struct FileDiscovered: FieldwiseMessage {
  package var chain: String
  package var url: String
  package var timestamp: Timestamp
  package var fileName: String
  package var fileType: FileType?
  package var storeID: String?
  package var size: Int64?
  package var fingerprint: String?
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
    try coder.required(
      "chain", &chain,
      "Name of the source in the catalogue (`king_store`), else the 13-digit chain id of the file name")
    try coder.required("url", &url, "Where the file can be fetched: `https:`, or `file:` for a local folder")
    try coder.required("timestamp", &timestamp, "When the file was seen")
    try coder.field(
      "file_name", &fileName, "The portal's name for the file; without one, the last path segment of `url`")
    try coder.field("file_type", &fileType, "What the file holds, by its name")
    try coder.field("store_id", &storeID, "Number of the store, without leading zeros: `29`, `0`")
    try coder.field("size", &size, "Size that the portal states [bytes]")
    try coder.field("fingerprint", &fingerprint, "Changes when the portal publishes the file again under the same name")
    try coder.field(
      "file_time", &fileTime, "When the chain made the file, from its name, with the offset of Israel on that day")
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    guard fileName == Self.absent else { return }
    guard let name = lastPathSegment(of: url) else { throw reader.missingField("file_name") }
    fileName = name
  }
}
