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

  package init(header: Header, items: [Item]) {
    self.header = header
    self.items = items
  }

  package var key: [UInt8] { RecordKey.bytes(chain: header.chain, header.storeID) }

  /// - Precondition: at most 500 items.
  package func encode(into writer: inout JSONWriter) {
    precondition(items.count <= Self.maxItems, "a batch holds at most 500 items")
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

extension String {
  init(copying bytes: RawSpan) {
    self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  init?(copying bytes: RawSpan?) {
    guard let bytes else { return nil }
    self.init(copying: bytes)
  }
}
