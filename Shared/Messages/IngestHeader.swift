import Values

/// All that a message of products or promotions says besides its items.
package struct IngestHeader: Hashable, Sendable {
  /// Codes in `also_named`: with the longest ones the message is still smaller than Kafka's default limit.
  package static let maxAlsoNamed = 10_000

  /// `<file_id>-<sequence in 6 digits>`: the same file gives the same batches, however often it is parsed.
  package var batchID = ""
  package var chain: String
  /// The chain's 13-digit id, as in the file.
  package var chainID: String?
  package var subChainID: String?
  /// Without leading zeros.
  package var storeID: String
  /// 32 hexadecimal digits that name the file's content under its name.
  package var fileID: String
  package var fileName: String?
  package var fileType: FileType?
  /// What prices and promotions move forward by, together with `fileID` and an item's `row`.
  package var fileTime: Timestamp
  /// 0-based number of the batch within its file.
  package var sequence: Int64 = 0
  /// `row` of the first item; of products only.
  package var firstRow: Int64 = 0
  /// The file lists all items or promotions of the store: what it does not name is gone, or has ended.
  package var isFull = false
  /// No batch of the file follows, and all of it was read.
  package var isLast = false
  /// Of the last message of a file: codes or promotions that the file names in rows that cannot be used. They are not
  /// gone and have not ended.
  package var alsoNamed: [String] = []

  package init(chain: String, storeID: String, fileID: String, fileTime: Timestamp) {
    (self.chain, self.storeID, self.fileID) = (chain, storeID, fileID)
    self.fileTime = fileTime
  }

  fileprivate static let blank = Self(chain: "", storeID: "", fileID: "", fileTime: .epoch)

  /// `<file_id>-<sequence in 6 digits>`; a sequence of more digits keeps them all.
  package static func batchID(fileID: String, sequence: Int64) -> String {
    let digits = String(sequence)
    return fileID + "-" + String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits
  }
}

/// The header of a message of products, up to and with the opening bracket of its items.
struct ProductsHeader: FieldwiseObject {
  var header: IngestHeader

  static let blank = Self(header: .blank)
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("batch_id", &header.batchID)
    try coder.required("chain", &header.chain)
    try coder.field("chain_id", &header.chainID)
    try coder.field("sub_chain_id", &header.subChainID)
    try coder.required("store_id", &header.storeID)
    try coder.required("file_id", &header.fileID)
    try coder.field("file_name", &header.fileName)
    try coder.field("file_type", &header.fileType)
    try coder.required("file_time", &header.fileTime)
    try coder.field("sequence", &header.sequence)
    try coder.field("first_row", &header.firstRow)
    try coder.field("full", &header.isFull)
    try coder.field("last", &header.isLast)
    try coder.list("also_named", &header.alsoNamed, atMost: IngestHeader.maxAlsoNamed)
    try coder.elements("items")
  }
}

/// The header of a message of promotions, up to and with the opening bracket of its promotions.
struct PromotionsHeader: FieldwiseObject {
  var header: IngestHeader

  static let blank = Self(header: .blank)
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("batch_id", &header.batchID)
    try coder.required("file_id", &header.fileID)
    try coder.field("file_name", &header.fileName)
    try coder.field("file_type", &header.fileType)
    try coder.required("file_time", &header.fileTime)
    try coder.required("chain", &header.chain)
    try coder.field("chain_id", &header.chainID)
    try coder.field("sub_chain_id", &header.subChainID)
    try coder.required("store_id", &header.storeID)
    try coder.field("full", &header.isFull)
    try coder.field("sequence", &header.sequence)
    try coder.field("last", &header.isLast)
    try coder.list("also_named", &header.alsoNamed, atMost: IngestHeader.maxAlsoNamed)
    try coder.elements("promotions")
  }
}
