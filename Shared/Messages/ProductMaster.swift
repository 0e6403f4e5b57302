import Catalogue
import Values

/// A product that items of all chains refer to by its `master_id`.
///
/// `gogobe.products.masters`, compacted, key `master_id`: the last record of a key is what is known of the product,
/// a tombstone takes it back. What another chain calls it is a record of its own, key `master_id@chain`.
package struct ProductMaster: FieldwiseMessage {
  package var masterID: String
  package var gtin: String?
  package var name: String
  package var brand: String?
  package var quantity: ExactDecimal?
  package var unit: String?
  package var price: ExactDecimal?
  package var isWeighted: Bool?
  package var chain: String?
  /// Another master that this one perhaps is, for a person or a later pass to say; with how likely that is, 0 to 1, and
  /// which model said so.
  package var candidate: String?
  package var candidateProbability: ExactDecimal?
  package var model: String?
  package var sourceFileID: String?
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
    try coder.required(
      "master_id", &masterID, "`gtin:<14 digits>`, else `name:<32 hexadecimal digits>`; made from what it names")
    try coder.field("gtin", &gtin, "14 digits; null for a product that only has a name")
    try coder.required("name", &name, "As published by the file it was first seen in")
    try coder.field("brand", &brand, "The brand, as published")
    try coder.field("quantity", &quantity, "How much is in it, in `unit`: `1500`")
    try coder.field("unit", &unit, "Unit of `quantity`: `g`, `ml` or `pc` (pieces)")
    try coder.field("price", &price, "What it cost in that file [ILS]", when: price != nil)
    try coder.field("is_weighted", &isWeighted, "It is sold by weight", when: isWeighted != nil)
    try coder.field(
      "chain", &chain,
      "Whose name this is, of a product that was known before; null for the product itself", when: chain != nil)
    try coder.field(
      "candidate", &candidate,
      "Another master that this one perhaps is, for a person or a later pass to decide", when: hasCandidate)
    try coder.field("candidate_probability", &candidateProbability, "How likely that is [0 to 1]", when: hasCandidate)
    try coder.field("model", &model, "Version of the model that says so", when: hasCandidate)
    try coder.field("source_file_id", &sourceFileID, "The file it was first seen in")
    try coder.required("minted_at", &mintedAt, "Time of that file: reading it again gives the same bytes")
  }
}
