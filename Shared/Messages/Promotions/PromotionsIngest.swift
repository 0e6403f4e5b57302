import Catalogue
import Values

/// Promotions of one store, in the order of their file.
///
/// `gogobe.promotions.ingest`, key and order `chain/store_id`. A promotion is never split over two messages: it
/// carries all its items. The batches of one file are numbered from 0; the last of them says so, which is when a
/// reader that saw all of them knows every promotion of the file. A file without promotions gives no batch.
///
/// This form holds everything in values of its own, for tests and tools; the hot paths are
/// ``PromotionsIngestWriter`` and ``PromotionsIngestDecoder``, which this one is written and read with.
package struct PromotionsIngest: Message {
  package static let maxPromotions = 500

  /// All that a message says besides its promotions.
  package struct Header: Hashable, Sendable {
    /// `<file_id>-<sequence in 6 digits>`, as ``ProductsIngest``.
    package var batchID: String
    package var fileID: String
    package var fileName: String?
    package var fileType: FileType?
    /// What promotions move forward by, together with `fileID`.
    package var fileTime: Timestamp
    package var chain: String
    /// The chain's 13-digit id, as in the file.
    package var chainID: String?
    package var subChainID: String?
    /// Without leading zeros.
    package var storeID: String
    /// The file lists every promotion of the store (`promo_full`): what it does not name has ended.
    package var isFull: Bool
    /// 0-based number of the batch within its file.
    package var sequence: Int64
    /// No batch of the file follows, and all of it was read.
    package var isLast: Bool
    /// Of the last message: promotions that the file names and that cannot be used. They have not ended.
    package var alsoNamed: [String]

    package init(
      batchID: String, fileID: String, fileName: String? = nil, fileType: FileType? = nil, fileTime: Timestamp,
      chain: String, chainID: String? = nil, subChainID: String? = nil, storeID: String, isFull: Bool,
      sequence: Int64 = 0, isLast: Bool = true, alsoNamed: [String] = []
    ) {
      self.batchID = batchID
      self.fileID = fileID
      self.fileName = fileName
      self.fileType = fileType
      self.fileTime = fileTime
      self.chain = chain
      self.chainID = chainID
      self.subChainID = subChainID
      self.storeID = storeID
      self.isFull = isFull
      self.sequence = sequence
      self.isLast = isLast
      self.alsoNamed = alsoNamed
    }
  }

  package var header: Header
  package var promotions: [Promotion]

  package static let topic = Topics.promotionsIngest

  package init(header: Header, promotions: [Promotion]) {
    self.header = header
    self.promotions = promotions
  }

  package var key: [UInt8] { RecordKey.bytes(chain: header.chain, header.storeID) }

  /// - Precondition: at most 500 promotions.
  package func encode(into writer: inout JSONWriter) {
    precondition(promotions.count <= Self.maxPromotions, "a batch holds at most 500 promotions")
    header.encode(into: &writer)
    for promotion in promotions { promotion.encode(into: &writer) }
    writer.endArray()
    writer.endObject()
  }

  package init(
    decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(DecodingFailure) {
    var decoder = PromotionsIngestDecoder(limits: limits)
    var collector = Collector()
    try decoder.decode(bytes, into: &collector)
    guard let header = collector.header else {
      throw DecodingFailure(
        .missingField, at: bytes.byteCount, "a required field is missing or null", field: "promotions")
    }
    self.init(header: header, promotions: collector.promotions)
  }

  private struct Collector: PromotionsIngestVisitor {
    var header: Header?
    var promotions: [Promotion] = []

    mutating func header(_ view: borrowing PromotionsIngestHeaderView) { header = Header(copying: view) }
    mutating func promotion(_ view: borrowing PromotionView) { promotions.append(Promotion(copying: view)) }
  }
}

extension PromotionsIngest.Header {
  /// Everything up to and with the opening bracket of the promotions.
  func encode(into json: inout JSONWriter) {
    json.beginObject()
    json.key("batch_id")
    json.string(batchID)
    json.key("file_id")
    json.string(fileID)
    json.key("file_name")
    json.string(fileName)
    json.key("file_type")
    json.string(fileType)
    json.key("file_time")
    json.string(fileTime)
    json.key("chain")
    json.string(chain)
    json.key("chain_id")
    json.string(chainID)
    json.key("sub_chain_id")
    json.string(subChainID)
    json.key("store_id")
    json.string(storeID)
    json.key("full")
    json.bool(isFull)
    json.key("sequence")
    json.integer(sequence)
    json.key("last")
    json.bool(isLast)
    json.key("also_named")
    json.strings(alsoNamed)
    json.key("promotions")
    json.beginArray()
  }

  init(copying view: borrowing PromotionsIngestHeaderView) {
    self.init(
      batchID: String(copying: view.batchID), fileID: String(copying: view.fileID),
      fileName: String(copying: view.fileName), fileType: view.fileType, fileTime: view.fileTime,
      chain: String(copying: view.chain), chainID: String(copying: view.chainID),
      subChainID: String(copying: view.subChainID), storeID: String(copying: view.storeID), isFull: view.isFull,
      sequence: view.sequence, isLast: view.isLast, alsoNamed: view.alsoNamed)
  }
}
