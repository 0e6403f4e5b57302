import Catalogue
import Values

/// A product that items of all chains refer to by its `master_id`.
///
/// `gogobe.products.masters`, compacted, key `master_id`: the last record of a key is what is known of the product,
/// a tombstone takes it back. What another chain calls it is a record of its own, key `master_id@chain`.
package struct ProductMaster: FieldwiseMessage {
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
    writer.field("master_id", masterID)
    writer.field("gtin", gtin)
    writer.field("name", name)
    writer.field("brand", brand)
    writer.field("quantity", quantity)
    writer.field("unit", unit)
    if let price { writer.field("price", price) }
    if let isWeighted { writer.field("is_weighted", isWeighted) }
    if let chain { writer.field("chain", chain) }
    if let candidate {
      writer.field("candidate", candidate)
      writer.field("candidate_probability", candidateProbability)
      writer.field("model", model)
    }
    writer.field("source_file_id", sourceFileID)
    writer.field("minted_at", mintedAt)
    writer.endObject()
  }

  package enum Field: String, CaseIterable, Sendable {
    case masterID = "master_id"
    case gtin, name, brand, quantity, unit, price, chain
    case candidate, model
    case candidateProbability = "candidate_probability"
    case isWeighted = "is_weighted"
    case sourceFileID = "source_file_id"
    case mintedAt = "minted_at"
  }
  package static let fields = FieldTable(Field.self)
  package static let required = fields.mask(.masterID, .name, .mintedAt)

  package static var blank: Self { Self(masterID: "", name: "", mintedAt: .epoch) }

  package mutating func read(_ field: Field, from reader: inout JSONReader) throws(DecodingFailure) {
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
}
