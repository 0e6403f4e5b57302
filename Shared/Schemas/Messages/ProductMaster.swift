/// A product that items of all chains refer to by its `master_id`.
///
/// `gogobe.products.masters`, compacted, key `master_id`: the last record of a key is what is known of the product,
/// a tombstone takes it back. What another chain calls it is a record of its own, key `master_id@chain`.
package struct ProductMaster: Message {
  /// `gtin:<14 digits>`, else `name:<32 hexadecimal digits>`; made from what it names, so that everyone makes the same.
  package var masterID: String
  /// 14 digits; nil for a product that only has a name.
  package var gtin: String?
  /// As published by the file it was first seen in.
  package var name: String
  package var brand: String?
  /// How much is in it, in `unit`: `1500`.
  package var quantity: ExactDecimal?
  /// Of `quantity`: `g`, `ml` or `pc` (pieces).
  package var unit: String?
  /// What it cost in that file, for comparing prices of what may be the same.
  package var price: ExactDecimal?
  package var isWeighted: Bool?
  /// Whose name this is, of a product that was known before; nil for the record of the product itself.
  package var chain: String?
  /// Another master that this one perhaps is, for a person or a later pass to say; with how likely that is, 0 to 1, and
  /// which model said so.
  package var candidate: String?
  package var candidateProbability: ExactDecimal?
  package var model: String?
  /// The file it was first seen in.
  package var sourceFileID: String?
  /// The time of that file, so that reading the file again mints the same bytes.
  package var mintedAt: Timestamp

  package static let topic = Topics.productsMasters

  package init(
    masterID: String, gtin: String? = nil, name: String, brand: String? = nil, quantity: ExactDecimal? = nil,
    unit: String? = nil, price: ExactDecimal? = nil, isWeighted: Bool? = nil, chain: String? = nil,
    sourceFileID: String? = nil, mintedAt: Timestamp
  ) {
    self.masterID = masterID
    self.gtin = gtin
    self.name = name
    self.brand = brand
    self.quantity = quantity
    self.unit = unit
    self.price = price
    self.isWeighted = isWeighted
    self.chain = chain
    self.sourceFileID = sourceFileID
    self.mintedAt = mintedAt
  }

  package var key: [UInt8] { Array((chain.map { "\(masterID)@\($0)" } ?? masterID).utf8) }

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("master_id")
    writer.string(masterID)
    writer.key("gtin")
    writer.string(gtin)
    writer.key("name")
    writer.string(name)
    writer.key("brand")
    writer.string(brand)
    writer.key("quantity")
    writer.string(quantity)
    writer.key("unit")
    writer.string(unit)
    if let price {
      writer.key("price")
      writer.string(price)
    }
    if let isWeighted {
      writer.key("is_weighted")
      writer.bool(isWeighted)
    }
    if let chain {
      writer.key("chain")
      writer.string(chain)
    }
    if let candidate {
      writer.key("candidate")
      writer.string(candidate)
      writer.key("candidate_probability")
      writer.string(candidateProbability)
      writer.key("model")
      writer.string(model)
    }
    writer.key("source_file_id")
    writer.string(sourceFileID)
    writer.key("minted_at")
    writer.string(mintedAt)
    writer.endObject()
  }

  enum Field: String, CaseIterable {
    case masterID = "master_id"
    case gtin, name, brand, quantity, unit, price, chain
    case candidate, model
    case candidateProbability = "candidate_probability"
    case isWeighted = "is_weighted"
    case sourceFileID = "source_file_id"
    case mintedAt = "minted_at"
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.masterID, .name, .mintedAt)

  package init(
    decoding bytes: RawSpan, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(DecodingFailure) {
    var reader = try JSONReader(bytes, limits: limits)
    var masterID = "", name = ""
    var mintedAt = Timestamp.epoch
    var gtin: String?
    var brand: String?
    var quantity: ExactDecimal?
    var unit: String?
    var price: ExactDecimal?
    var isWeighted: Bool?
    var chain: String?
    var candidate: String?
    var candidateProbability: ExactDecimal?
    var model: String?
    var sourceFileID: String?
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .masterID: masterID = try reader.string()
      case .gtin: gtin = try reader.stringOrNull()
      case .name: name = try reader.string()
      case .brand: brand = try reader.stringOrNull()
      case .quantity: quantity = try reader.decimalOrNull(field: field.rawValue)
      case .unit: unit = try reader.stringOrNull()
      case .price: price = try reader.decimalOrNull(field: field.rawValue)
      case .isWeighted: isWeighted = try reader.bool()
      case .chain: chain = try reader.stringOrNull()
      case .candidate: candidate = try reader.stringOrNull()
      case .candidateProbability: candidateProbability = try reader.decimalOrNull(field: field.rawValue)
      case .model: model = try reader.stringOrNull()
      case .sourceFileID: sourceFileID = try reader.stringOrNull()
      case .mintedAt: mintedAt = try reader.timestamp(field: field.rawValue)
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
    try reader.finish()
    self.init(
      masterID: masterID, gtin: gtin, name: name, brand: brand, quantity: quantity, unit: unit,
      price: price, isWeighted: isWeighted, chain: chain, sourceFileID: sourceFileID, mintedAt: mintedAt)
    (self.candidate, self.candidateProbability, self.model) = (candidate, candidateProbability, model)
  }
}
