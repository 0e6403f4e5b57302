import Catalogue
import Values

/// Up to 500 priced items of one store, in the order of their file: what the database merges.
///
/// A full file that was read to its end is closed by a message of its own, without items: what no message of the file
/// names is gone from the store.
///
/// `gogobe.products.ingest`, key and order `chain/store_id`. This form holds everything in values of its own, for
/// tests and tools; the hot paths are ``ProductsIngestWriter`` and ``ProductsIngestDecoder``, which this one is
/// written and read with.
package struct ProductsIngest: Message {
  package static let maxItems = 500
  /// Codes in `also_named`: with the longest ones the message is still smaller than Kafka's default limit.
  package static let maxAlsoNamed = 10_000

  /// All that a message says besides its items.
  package struct Header: Hashable, Sendable {
    /// `<file_id>-<sequence in 6 digits>`: the same file gives the same batches, however often it is parsed.
    package var batchID: String
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
    /// What prices move forward by, together with `fileID` and an item's `row`.
    package var fileTime: Timestamp
    /// 0-based number of the batch within its file.
    package var sequence: Int64
    /// `row` of the first item.
    package var firstRow: Int64
    /// The file lists every item of the store (`price_full`).
    package var isFull: Bool
    /// No batch of the file follows, and all of it was read.
    package var isLast: Bool
    /// Of the last message of a full file: codes that the file names in rows that cannot be used. They are not gone.
    package var alsoNamed: [String]

    package init(
      batchID: String, chain: String, chainID: String? = nil, subChainID: String? = nil, storeID: String,
      fileID: String, fileName: String? = nil, fileType: FileType? = nil, fileTime: Timestamp, sequence: Int64 = 0,
      firstRow: Int64 = 0, isFull: Bool = false, isLast: Bool = false, alsoNamed: [String] = []
    ) {
      self.batchID = batchID
      self.chain = chain
      self.chainID = chainID
      self.subChainID = subChainID
      self.storeID = storeID
      self.fileID = fileID
      self.fileName = fileName
      self.fileType = fileType
      self.fileTime = fileTime
      self.sequence = sequence
      self.firstRow = firstRow
      self.isFull = isFull
      self.isLast = isLast
      self.alsoNamed = alsoNamed
    }
  }

  /// One product's price at one store. Nil is unknown.
  package struct Item: Hashable, Sendable {
    /// The item code as published: digits, leading zeros kept, often an EAN.
    package var ean: String
    /// In shekels, with the digits as published.
    package var price: ExactDecimal
    /// The product across chains: `gtin:<14 digits>`, else `<chain>:<ean>`.
    package var masterID: String
    package var name: String?
    package var manufacturer: String?
    /// The unit of `quantity`, as published: `גרם`.
    package var unitQty: String?
    package var quantity: ExactDecimal?
    /// What `unitPrice` is for, as published: `100 גרם`.
    package var unitOfMeasure: String?
    package var unitPrice: ExactDecimal?
    /// What `unitOfMeasure` measures, in one spelling: `kg`, `l`, `m`, `unit`. Nil when its spelling is not known.
    package var unit: String?
    /// `unitPrice` for one `unit`: comparable between chains. Nil when either is.
    package var pricePerUnit: ExactDecimal?
    /// Sold by weight.
    package var isWeighted: Bool?
    /// When the chain last changed the price.
    package var priceUpdatedAt: Timestamp?
    /// 0-based number of the row within its file. An item without one is given `first_row` plus its index.
    package var row: Int64

    package init(
      ean: String, price: ExactDecimal, masterID: String, name: String? = nil, manufacturer: String? = nil,
      unitQty: String? = nil, quantity: ExactDecimal? = nil, unitOfMeasure: String? = nil,
      unitPrice: ExactDecimal? = nil, unit: String? = nil, pricePerUnit: ExactDecimal? = nil,
      isWeighted: Bool? = nil, priceUpdatedAt: Timestamp? = nil, row: Int64
    ) {
      self.ean = ean
      self.price = price
      self.masterID = masterID
      self.name = name
      self.manufacturer = manufacturer
      self.unitQty = unitQty
      self.quantity = quantity
      self.unitOfMeasure = unitOfMeasure
      self.unitPrice = unitPrice
      self.unit = unit
      self.pricePerUnit = pricePerUnit
      self.isWeighted = isWeighted
      self.priceUpdatedAt = priceUpdatedAt
      self.row = row
    }
  }

  package var header: Header
  package var items: [Item]

  package static let topic = Topics.productsIngest

  package init(header: Header, items: [Item]) {
    self.header = header
    self.items = items
  }

  package var key: [UInt8] { RecordKey.bytes(chain: header.chain, header.storeID) }

  /// `<file_id>-<sequence in 6 digits>`; a sequence of more digits keeps them all.
  package static func batchID(fileID: String, sequence: Int64) -> String {
    let digits = String(sequence)
    return fileID + "-" + String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits
  }

  /// - Precondition: at most 500 items.
  package func encode(into writer: inout JSONWriter) {
    precondition(items.count <= Self.maxItems, "a batch holds at most 500 items")
    header.encode(into: &writer)
    for item in items { item.encode(into: &writer) }
    ProductsIngestWriter.end(&writer)
  }

  package init(
    decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(DecodingFailure) {
    var decoder = ProductsIngestDecoder(limits: limits)
    var collector = Collector()
    try decoder.decode(bytes, into: &collector)
    guard let header = collector.header else {
      throw DecodingFailure(.missingField, at: bytes.byteCount, "a required field is missing or null", field: "items")
    }
    self.init(header: header, items: collector.items)
  }

  private struct Collector: ProductsIngestVisitor {
    var header: Header?
    var items: [Item] = []

    mutating func header(_ view: borrowing ProductsIngestHeaderView) { header = Header(copying: view) }
    mutating func item(_ view: borrowing ProductsIngestItemView) { items.append(Item(copying: view)) }
  }
}

extension ProductsIngest.Header {
  init(copying view: borrowing ProductsIngestHeaderView) {
    self.init(
      batchID: String(copying: view.batchID), chain: String(copying: view.chain),
      chainID: String(copying: view.chainID), subChainID: String(copying: view.subChainID),
      storeID: String(copying: view.storeID), fileID: String(copying: view.fileID),
      fileName: String(copying: view.fileName), fileType: view.fileType, fileTime: view.fileTime,
      sequence: view.sequence, firstRow: view.firstRow, isFull: view.isFull, isLast: view.isLast,
      alsoNamed: view.alsoNamed)
  }
}

extension ProductsIngest.Item {
  init(copying view: borrowing ProductsIngestItemView) {
    self.init(
      ean: String(copying: view.ean), price: view.price, masterID: String(copying: view.masterID),
      name: String(copying: view.name), manufacturer: String(copying: view.manufacturer),
      unitQty: String(copying: view.unitQty), quantity: view.quantity,
      unitOfMeasure: String(copying: view.unitOfMeasure), unitPrice: view.unitPrice,
      unit: String(copying: view.unit), pricePerUnit: view.pricePerUnit, isWeighted: view.isWeighted,
      priceUpdatedAt: view.priceUpdatedAt, row: view.row)
  }
}

extension String {
  init(copying bytes: RawSpan) {
    self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  init?(copying bytes: RawSpan?) {
    guard let bytes else { return nil }
    self.init(copying: bytes)
  }
}
