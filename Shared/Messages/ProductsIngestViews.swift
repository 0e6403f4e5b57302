import Values

/// The header of a message that is being read. Texts are borrowed UTF-8 bytes, escapes resolved.
package struct ProductsIngestHeaderView: ~Escapable {
  private let message: RawSpan
  private let scratch: RawSpan
  private let values: Fields

  @_lifetime(copy message, copy scratch)
  init(_ message: RawSpan, _ scratch: RawSpan, _ values: Fields) {
    self.message = message
    self.scratch = scratch
    self.values = values
  }

  package var batchID: RawSpan { @_lifetime(copy self) get { values.batchID.bytes(message, scratch) } }
  package var chain: RawSpan { @_lifetime(copy self) get { values.chain.bytes(message, scratch) } }
  package var chainID: RawSpan? { @_lifetime(copy self) get { values.chainID.bytesOrNull(message, scratch) } }
  package var subChainID: RawSpan? { @_lifetime(copy self) get { values.subChainID.bytesOrNull(message, scratch) } }
  package var storeID: RawSpan { @_lifetime(copy self) get { values.storeID.bytes(message, scratch) } }
  package var fileID: RawSpan { @_lifetime(copy self) get { values.fileID.bytes(message, scratch) } }
  package var fileName: RawSpan? { @_lifetime(copy self) get { values.fileName.bytesOrNull(message, scratch) } }
  package var fileType: FileType? { values.fileType }
  package var fileTime: Timestamp { values.fileTime }
  package var sequence: Int64 { values.sequence }
  package var firstRow: Int64 { values.firstRow }
  package var isFull: Bool { values.isFull }
  package var isLast: Bool { values.isLast }
  package var alsoNamed: [String] { values.alsoNamed }

  enum Field: String, CaseIterable {
    case batchID = "batch_id"
    case chain
    case chainID = "chain_id"
    case subChainID = "sub_chain_id"
    case storeID = "store_id"
    case fileID = "file_id"
    case fileName = "file_name"
    case fileType = "file_type"
    case fileTime = "file_time"
    case sequence
    case firstRow = "first_row"
    case full, last
    case alsoNamed = "also_named"
    case items
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.batchID, .chain, .storeID, .fileID, .fileTime, .items)

  struct Fields {
    var batchID = IngestText(), chain = IngestText(), chainID = IngestText(), subChainID = IngestText()
    var storeID = IngestText(), fileID = IngestText(), fileName = IngestText()
    var fileType: FileType?
    var fileTime = Timestamp.epoch
    var sequence: Int64 = 0
    var firstRow: Int64 = 0
    var isFull = false
    var isLast = false
    var alsoNamed: [String] = []

    mutating func read(
      _ field: Field, from reader: inout JSONReader, scratch: inout IngestScratch
    ) throws(DecodingFailure) {
      switch field {
      case .batchID: batchID = try scratch.text(&reader)
      case .chain: chain = try scratch.text(&reader)
      case .chainID: chainID = try scratch.textOrNull(&reader)
      case .subChainID: subChainID = try scratch.textOrNull(&reader)
      case .storeID: storeID = try scratch.text(&reader)
      case .fileID: fileID = try scratch.text(&reader)
      case .fileName: fileName = try scratch.textOrNull(&reader)
      case .fileType: fileType = try reader.valueOrNull(FileType.self, field: field.rawValue)
      case .fileTime: fileTime = try reader.timestamp(field: field.rawValue)
      case .sequence: sequence = try reader.integer()
      case .firstRow: firstRow = try reader.integer()
      case .full: isFull = try reader.bool()
      case .last: isLast = try reader.bool()
      case .alsoNamed: alsoNamed = try reader.strings(atMost: ProductsIngest.maxAlsoNamed)
      case .items: try reader.skipValue()
      }
    }
  }
}

/// One item of a message that is being read. Texts are borrowed UTF-8 bytes, escapes resolved.
package struct ProductsIngestItemView: ~Escapable {
  private let message: RawSpan
  private let scratch: RawSpan
  private let values: Fields

  @_lifetime(copy message, copy scratch)
  init(_ message: RawSpan, _ scratch: RawSpan, _ values: Fields) {
    self.message = message
    self.scratch = scratch
    self.values = values
  }

  package var ean: RawSpan { @_lifetime(copy self) get { values.ean.bytes(message, scratch) } }
  package var price: ExactDecimal { values.price }
  package var masterID: RawSpan { @_lifetime(copy self) get { values.masterID.bytes(message, scratch) } }
  package var name: RawSpan? { @_lifetime(copy self) get { values.name.bytesOrNull(message, scratch) } }
  package var manufacturer: RawSpan? {
    @_lifetime(copy self) get { values.manufacturer.bytesOrNull(message, scratch) }
  }
  package var unitQty: RawSpan? { @_lifetime(copy self) get { values.unitQty.bytesOrNull(message, scratch) } }
  package var quantity: ExactDecimal? { values.quantity }
  package var unitOfMeasure: RawSpan? {
    @_lifetime(copy self) get { values.unitOfMeasure.bytesOrNull(message, scratch) }
  }
  package var unitPrice: ExactDecimal? { values.unitPrice }
  package var unit: RawSpan? { @_lifetime(copy self) get { values.unit.bytesOrNull(message, scratch) } }
  package var pricePerUnit: ExactDecimal? { values.pricePerUnit }
  package var isWeighted: Bool? { values.isWeighted }
  package var priceUpdatedAt: Timestamp? { values.priceUpdatedAt }
  package var row: Int64 { values.row }

  enum Field: String, CaseIterable {
    case ean, price
    case masterID = "master_id"
    case name, manufacturer
    case unitQty = "unit_qty"
    case quantity
    case unitOfMeasure = "unit_of_measure"
    case unitPrice = "unit_price"
    case unit
    case pricePerUnit = "price_per_unit"
    case isWeighted = "is_weighted"
    case priceUpdatedAt = "price_updated_at"
    case row
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.ean, .price, .masterID)

  struct Fields {
    var ean = IngestText(), masterID = IngestText(), name = IngestText(), manufacturer = IngestText()
    var unitQty = IngestText(), unitOfMeasure = IngestText(), unit = IngestText()
    var price = ExactDecimal.zero
    var quantity: ExactDecimal?
    var unitPrice: ExactDecimal?
    var pricePerUnit: ExactDecimal?
    var isWeighted: Bool?
    var priceUpdatedAt: Timestamp?
    var row: Int64

    init(row: Int64) { self.row = row }

    mutating func read(
      from reader: inout JSONReader, scratch: inout IngestScratch
    ) throws(DecodingFailure) {
      let table = ProductsIngestItemView.fields
      var cursor = try reader.beginObject()
      while let field = try reader.nextField(&cursor, of: table) {
        switch field {
        case .ean: ean = try scratch.text(&reader)
        case .price: price = try reader.decimal(else: .badPrice, field: "price")
        case .masterID: masterID = try scratch.text(&reader)
        case .name: name = try scratch.textOrNull(&reader)
        case .manufacturer: manufacturer = try scratch.textOrNull(&reader)
        case .unitQty: unitQty = try scratch.textOrNull(&reader)
        case .quantity: quantity = try reader.decimalOrNull(field: "quantity")
        case .unitOfMeasure: unitOfMeasure = try scratch.textOrNull(&reader)
        case .unitPrice: unitPrice = try reader.decimalOrNull(field: "unit_price")
        case .unit: unit = try scratch.textOrNull(&reader)
        case .pricePerUnit: pricePerUnit = try reader.decimalOrNull(field: "price_per_unit")
        case .isWeighted: isWeighted = reader.isNull() ? nil : try reader.bool()
        case .priceUpdatedAt: priceUpdatedAt = try reader.timestampOrNull(field: "price_updated_at")
        case .row: row = try reader.integerOrNull() ?? row
        }
      }
      try reader.require(ProductsIngestItemView.required, in: cursor, of: table)
    }
  }
}
