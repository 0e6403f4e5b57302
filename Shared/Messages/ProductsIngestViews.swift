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

/// An item of a batch, for documents.
enum ProductElement: BatchElement {
  static var shapes: [FieldShape] { ProductFields.shapes }
}

/// The fields of an item that is being read.
package struct ProductFields {
  private enum Field: String, DescribedField {
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

    var described: (type: any JSONValue.Type, doc: StaticString) {
      switch self {
      case .ean: (String.self, "Code of the item, as published: an EAN, or a code of the chain")
      case .price: (ExactDecimal.self, "Price, with the digits as published [ILS]")
      case .masterID: (String.self, "The product across chains: `gtin:<14 digits>` or `<chain>:<ean>`")
      case .name: (String?.self, "Name, as published")
      case .manufacturer: (String?.self, "Manufacturer, as published")
      case .unitQty: (String?.self, "Unit of `quantity`, as published")
      case .quantity: (ExactDecimal?.self, "How much is in it, in `unit_qty`")
      case .unitOfMeasure: (String?.self, "What `unit_price` is for, as published: `100 גרם`")
      case .unitPrice: (ExactDecimal?.self, "Price of one `unit_of_measure`, as published [ILS]")
      case .unit: (String?.self, "What `unit_of_measure` measures: `kg`, `l`, `m`, `unit`; null when not known")
      case .pricePerUnit: (ExactDecimal?.self, "Price of one `unit`, comparable between chains [ILS]")
      case .isWeighted: (Bool?.self, "It is sold by weight")
      case .priceUpdatedAt: (Timestamp?.self, "When the chain last changed the price")
      case .row: (Int64?.self, "Number of the row within its file, from 0; else `first_row` plus the index")
      }
    }
  }
  static let shapes = table.shapes(required: required)
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
