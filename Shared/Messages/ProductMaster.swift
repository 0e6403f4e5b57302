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

  package static let blank = Self(masterID: "", name: "", mintedAt: .epoch)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    let hasCandidate = candidate != nil
    try coder.required("master_id", &masterID)
    try coder.field("gtin", &gtin)
    try coder.required("name", &name)
    try coder.field("brand", &brand)
    try coder.field("quantity", &quantity)
    try coder.field("unit", &unit)
    try coder.field("price", &price, when: price != nil)
    try coder.field("is_weighted", &isWeighted, when: isWeighted != nil)
    try coder.field("chain", &chain, when: chain != nil)
    try coder.field("candidate", &candidate, when: hasCandidate)
    try coder.field("candidate_probability", &candidateProbability, when: hasCandidate)
    try coder.field("model", &model, when: hasCandidate)
    try coder.field("source_file_id", &sourceFileID)
    try coder.required("minted_at", &mintedAt)
  }
}
