import Values

/// All that a message of products or promotions says besides its items.
package struct IngestHeader: Hashable, Sendable {
  /// Codes in `also_named`: with the longest ones the message is still smaller than Kafka's default limit.
  package static let maxAlsoNamed = 10_000

  package var batchID = ""
  package var chain: String
  package var chainID: String?
  package var subChainID: String?
  package var storeID: String
  package var fileID: String
  package var fileName: String?
  package var fileType: FileType?
  package var fileTime: Timestamp
  package var sequence: Int64 = 0
  package var firstRow: Int64 = 0
  package var isFull = false
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
    try coder.required(
      "batch_id", &header.batchID, "`<file_id>-<sequence in 6 digits>`; parsing the file again gives the same batches")
    try coder.required("chain", &header.chain, "Name of the source in the catalogue, else the 13-digit chain id")
    try coder.field("chain_id", &header.chainID, "The chain's 13-digit id, as in the file")
    try coder.field("sub_chain_id", &header.subChainID, "Number of the sub-chain")
    try coder.required("store_id", &header.storeID, "Number of the store, without leading zeros")
    try coder.required("file_id", &header.fileID, "32 hexadecimal digits that name the file's content under its name")
    try coder.field("file_name", &header.fileName, "The portal's name for the file")
    try coder.field("file_type", &header.fileType, "What the file holds, by its name")
    try coder.required(
      "file_time", &header.fileTime, "When the chain made the file; the newer file wins, then the higher `row`")
    try coder.field("sequence", &header.sequence, "Number of the batch within its file, from 0")
    try coder.field("first_row", &header.firstRow, "`row` of the first item")
    try coder.field("full", &header.isFull, "The file lists all items of the store: what it does not name is gone")
    try coder.field("last", &header.isLast, "No batch of the file follows, and all of it was read")
    try coder.list(
      "also_named", &header.alsoNamed,
      "In the last batch: codes in rows that are of no use; they are not gone", atMost: IngestHeader.maxAlsoNamed)
    try coder.elements("items", "Priced items, in the order of the file", of: ProductElement.self)
  }
}

/// The header of a message of promotions, up to and with the opening bracket of its promotions.
struct PromotionsHeader: FieldwiseObject {
  var header: IngestHeader

  static let blank = Self(header: .blank)
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required(
      "batch_id", &header.batchID, "`<file_id>-<sequence in 6 digits>`; parsing the file again gives the same batches")
    try coder.required("file_id", &header.fileID, "32 hexadecimal digits that name the file's content under its name")
    try coder.field("file_name", &header.fileName, "The portal's name for the file")
    try coder.field("file_type", &header.fileType, "What the file holds, by its name")
    try coder.required(
      "file_time", &header.fileTime, "When the chain made the file; the newer file wins, then the higher `row`")
    try coder.required("chain", &header.chain, "Name of the source in the catalogue, else the 13-digit chain id")
    try coder.field("chain_id", &header.chainID, "The chain's 13-digit id, as in the file")
    try coder.field("sub_chain_id", &header.subChainID, "Number of the sub-chain")
    try coder.required("store_id", &header.storeID, "Number of the store, without leading zeros")
    try coder.field(
      "full", &header.isFull, "The file lists all promotions of the store: what it does not name has ended")
    try coder.field("sequence", &header.sequence, "Number of the batch within its file, from 0")
    try coder.field("last", &header.isLast, "No batch of the file follows, and all of it was read")
    try coder.list(
      "also_named", &header.alsoNamed,
      "In the last batch: promotions in rows that are of no use; they go on", atMost: IngestHeader.maxAlsoNamed)
    try coder.elements("promotions", "Promotions, in the order of the file", of: PromotionElement.self)
  }
}

/// The fields of the topics of batches, which are no ``Message``s.
package enum BatchShapes {
  package static var products: [FieldShape] { ProductsHeader.shapes }
  package static var promotions: [FieldShape] { PromotionsHeader.shapes }
}
