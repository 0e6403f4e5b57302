import Catalogue
import Messages
import Values

/// A message of products with everything in values of its own, written and read with the forms of the hot path:
/// ``ProductsIngestWriter`` and ``ProductsIngestDecoder``.
package struct ProductsIngest: Message {
  package typealias Header = IngestHeader

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
  package static var shapes: [FieldShape] { BatchShapes.products }

  package init(header: Header, items: [Item]) {
    self.header = header
    self.items = items
  }

  package var key: [UInt8] { RecordKey.bytes(chain: header.chain, header.storeID) }

  /// - Precondition: at most 500 items.
  package func encode(into writer: inout JSONWriter) {
    precondition(items.count <= ProductsIngestWriter.maxItems, "a batch holds at most 500 items")
    var batch = ProductsIngestWriter(header: header, maxBytes: .max)
    for item in items { _ = batch.append(item) }
    writer.raw(batch.finish())
  }

  package init(decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()) throws(DecodingFailure) {
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

    mutating func header(_ header: IngestHeader) { self.header = header }
    mutating func item(_ view: borrowing ProductsIngestItemView) { items.append(Item(copying: view)) }
  }
}

extension ProductsIngest.Item {
  init(copying view: borrowing ProductsIngestItemView) {
    self.init(
      ean: String(copying: view.ean), price: view.fields.price, masterID: String(copying: view.masterID),
      name: String(copying: view.name), manufacturer: String(copying: view.manufacturer),
      unitQty: String(copying: view.unitQty), quantity: view.fields.quantity,
      unitOfMeasure: String(copying: view.unitOfMeasure), unitPrice: view.fields.unitPrice,
      unit: String(copying: view.unit), pricePerUnit: view.fields.pricePerUnit, isWeighted: view.fields.isWeighted,
      priceUpdatedAt: view.fields.priceUpdatedAt, row: view.fields.row)
  }
}

extension ProductsIngestWriter {
  /// Appends an item that has values of its own.
  package mutating func append(_ item: ProductsIngest.Item) -> Outcome {
    func bytes(_ text: String?) -> [UInt8]? { text.map { Array($0.utf8) } }
    let (name, manufacturer, unitQty) = (bytes(item.name), bytes(item.manufacturer), bytes(item.unitQty))
    let (unitOfMeasure, unit) = (bytes(item.unitOfMeasure), bytes(item.unit))
    return append(
      ean: item.ean.utf8.span.bytes, price: item.price, masterID: (item.masterID.utf8.span.bytes, RawSpan()),
      name: name?.span.bytes, manufacturer: manufacturer?.span.bytes, unitQty: unitQty?.span.bytes,
      quantity: item.quantity, unitOfMeasure: unitOfMeasure?.span.bytes, unitPrice: item.unitPrice,
      unit: unit?.span.bytes, pricePerUnit: item.pricePerUnit, isWeighted: item.isWeighted,
      priceUpdatedAt: item.priceUpdatedAt, row: item.row)
  }
}

/// A message of promotions with everything in values of its own, written and read with the forms of the hot path.
package struct PromotionsIngest: Message {
  package typealias Header = IngestHeader

  package var header: Header
  package var promotions: [Promotion]

  package static let topic = Topics.promotionsIngest
  package static var shapes: [FieldShape] { BatchShapes.promotions }

  package var key: [UInt8] { RecordKey.bytes(chain: header.chain, header.storeID) }

  /// - Precondition: at most 500 promotions.
  package func encode(into writer: inout JSONWriter) {
    precondition(promotions.count <= PromotionsIngestWriter.maxPromotions, "a batch holds at most 500 promotions")
    var batch = PromotionsIngestWriter(header: header, maxBytes: .max)
    for promotion in promotions { batch.append(promotion) }
    writer.raw(batch.finish(isLast: header.isLast, alsoNamed: header.alsoNamed))
  }
}

extension PromotionsIngest {
  package init(decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()) throws(DecodingFailure) {
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

    mutating func header(_ header: IngestHeader) { self.header = header }
    mutating func promotion(_ view: borrowing PromotionView) { promotions.append(Promotion(copying: view)) }
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

extension IngestHeader {
  /// With everything that a header may say.
  package init(
    batchID: String, chain: String, chainID: String? = nil, subChainID: String? = nil, storeID: String,
    fileID: String, fileName: String? = nil, fileType: FileType? = nil, fileTime: Timestamp, sequence: Int64 = 0,
    firstRow: Int64 = 0, isFull: Bool = false, isLast: Bool = false, alsoNamed: [String] = []
  ) {
    self.init(chain: chain, storeID: storeID, fileID: fileID, fileTime: fileTime)
    (self.batchID, self.chainID, self.subChainID) = (batchID, chainID, subChainID)
    (self.fileName, self.fileType) = (fileName, fileType)
    (self.sequence, self.firstRow) = (sequence, firstRow)
    (self.isFull, self.isLast, self.alsoNamed) = (isFull, isLast, alsoNamed)
  }
}
