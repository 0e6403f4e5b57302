import Values

/// A part of a message that is being read, or about to be written. Texts are borrowed UTF-8 bytes, escapes resolved;
/// nil is absent or null.
package struct MessageView<Fields>: ~Escapable {
  package let message: RawSpan
  package let scratch: RawSpan
  /// Texts are in the view, everything else is here.
  package let fields: Fields

  /// - Parameters:
  ///   - message: what the places of `fields` are in, unless they are in
  ///   - scratch: the texts that were resolved or made.
  @inlinable
  @_lifetime(copy message, copy scratch)
  package init(_ message: RawSpan, _ scratch: RawSpan, _ fields: Fields) {
    self.message = message
    self.scratch = scratch
    self.fields = fields
  }
}

package typealias ProductsIngestItemView = MessageView<ProductFields>

extension ProductsIngestItemView {
  package var ean: RawSpan { @_lifetime(copy self) get { fields.ean.bytes(message, scratch) } }
  package var masterID: RawSpan { @_lifetime(copy self) get { fields.masterID.bytes(message, scratch) } }
  package var name: RawSpan? { @_lifetime(copy self) get { fields.name.bytesOrNull(message, scratch) } }
  package var manufacturer: RawSpan? {
    @_lifetime(copy self) get { fields.manufacturer.bytesOrNull(message, scratch) }
  }
  package var unitQty: RawSpan? { @_lifetime(copy self) get { fields.unitQty.bytesOrNull(message, scratch) } }
  package var unitOfMeasure: RawSpan? {
    @_lifetime(copy self) get { fields.unitOfMeasure.bytesOrNull(message, scratch) }
  }
  package var unit: RawSpan? { @_lifetime(copy self) get { fields.unit.bytesOrNull(message, scratch) } }
}

/// The fields of an item that is being read.
package struct ProductFields {
  private enum Field: String, CaseIterable {
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
  private static let table = FieldTable(Field.self)
  private static let required = table.mask(.ean, .price, .masterID)

  // `ean` is the code as published; `masterID` the product across chains, `gtin:<14 digits>` or `<chain>:<ean>`;
  // `unitQty` the unit of `quantity` and `unitOfMeasure` what `unitPrice` is for, both as published (`100 גרם`);
  // `unit` what it measures in one spelling (`kg`, `l`, `m`, `unit`), nil when its spelling is not known.
  var ean = IngestText(), masterID = IngestText(), name = IngestText(), manufacturer = IngestText()
  var unitQty = IngestText(), unitOfMeasure = IngestText(), unit = IngestText()
  /// In shekels, with the digits as published.
  package var price = ExactDecimal.zero
  package var quantity: ExactDecimal?
  package var unitPrice: ExactDecimal?
  /// `unitPrice` for one `unit`: comparable between chains. Nil when either is.
  package var pricePerUnit: ExactDecimal?
  package var isWeighted: Bool?
  /// When the chain last changed the price.
  package var priceUpdatedAt: Timestamp?
  /// 0-based number of the row within its file. An item without one is given `first_row` plus its index.
  package var row: Int64

  init(row: Int64) { self.row = row }

  mutating func read(from reader: inout JSONReader, scratch: inout IngestScratch) throws(DecodingFailure) {
    let table = Self.table
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
    try reader.require(Self.required, in: cursor, of: table)
  }
}
