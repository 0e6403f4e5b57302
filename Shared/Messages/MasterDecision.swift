import Catalogue
import Core
import Values

/// What a person or a later pass found out about masters: that two are one product, that one is two, or that a
/// candidate is another product. Nothing that was written changes: readers of the tables see what the decisions in
/// force make of it.
///
/// `gogobe.masters.decisions`, compacted, key `decision_id`. A decision is undone by its record with the fields
/// `undone_...`; once undone it stays so, and is made again under another id. What holds follows from the set of
/// records, never from their order.
package struct MasterDecision: FieldwiseMessage {
  package enum Kind: String, CaseIterable, Sendable, JSONValue {
    /// `master_id` is the product `other_id`.
    case merge
    /// Some products of chains that were taken for `master_id` are `other_id`.
    case split
    /// `master_id` is not the product `other_id`: the candidate is closed.
    case reject
  }

  /// What a chain sells under a code.
  package struct Product: Hashable, Sendable, Comparable {
    package var chain: String
    package var code: String

    package init(chain: String, code: String) {
      self.chain = chain
      self.code = code
    }

    package static func < (left: Self, right: Self) -> Bool { (left.chain, left.code) < (right.chain, right.code) }
  }

  package var decisionID: String
  package var kind: Kind
  package var masterID: String
  package var otherID: String
  package var products: [Product]
  package var decidedAt: Timestamp
  package var decidedBy: String
  package var reason: String?
  package var model: String?
  package var probability: ExactDecimal?
  package var undoneAt: Timestamp?
  package var undoneBy: String?
  package var undoneReason: String?

  package static let topic = Topics.masterDecisions
  /// Of one split; more are several splits.
  package static let maxProducts = 500

  /// - Parameter isRepeatable: the same decision has the same id whenever it is made, so that once undone it is not
  ///   made again by a program that finds the same every day.
  package init(
    _ kind: Kind, _ masterID: String, _ otherID: String, products: [Product] = [], decidedAt: Timestamp,
    decidedBy: String, reason: String? = nil, isRepeatable: Bool = false
  ) {
    decisionID = ""
    self.kind = kind
    self.masterID = masterID
    self.otherID = otherID
    self.products = products.sorted()
    self.decidedAt = decidedAt
    self.decidedBy = decidedBy
    self.reason = reason
    var named = [kind.rawValue, masterID, otherID] + self.products.flatMap { [$0.chain, $0.code] }
    named += isRepeatable ? [decidedBy] : [decidedBy, "\(decidedAt.microseconds)"]
    var json = JSONWriter()
    json.strings(named)
    decisionID = String(SHA256.hash(json.array()).hex.prefix(32))
  }

  /// The id of the master that takes what a split takes away: the same for the same split.
  package static func splitMasterID(of masterID: String, _ products: [Product]) -> String {
    var json = JSONWriter()
    json.strings(["split", masterID] + products.sorted().flatMap { [$0.chain, $0.code] })
    // The highest bit is set in every id of a name.
    var digest = Array(SHA256.hash(json.array()).hex.prefix(32).utf8)
    digest[0] = Array("89abcdef".utf8)[Int(digest[0]) & 7]
    return "name:" + String(decoding: digest, as: UTF8.self)
  }

  /// Whether it is `gtin:` and 14 digits, or `name:` and 32 hexadecimal digits in lower case whose highest bit is set.
  package static func isMasterID(_ text: String) -> Bool {
    let digits = text.utf8.dropFirst(5)
    if text.hasPrefix("gtin:") { return digits.count == 14 && digits.allSatisfy { (0x30...0x39).contains($0) } }
    guard text.hasPrefix("name:"), digits.count == 32, let first = digits.first else { return false }
    return first >= 0x38 && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }

  package var key: [UInt8] { Array(decisionID.utf8) }

  package static let blank = Self(.merge, "", "", decidedAt: .epoch, decidedBy: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("decision_id", &decisionID, "32 hexadecimal digits")
    try coder.required("kind", &kind, "What is decided")
    try coder.required("master_id", &masterID, "The master that the decision is about")
    try coder.required("other_id", &otherID, "The other master: merged into it, split off, or told apart from it")
    try coder.list(
      "products", &products, "Of a split: the products that belong to `other_id`, ascending", atMost: Self.maxProducts)
    try coder.required("decided_at", &decidedAt, "When it was decided")
    try coder.required("decided_by", &decidedBy, "A person's name, or that of a program")
    try coder.field("reason", &reason, "Why, in words")
    try coder.field("model", &model, "Version of the model that named the candidate")
    try coder.field("probability", &probability, "Probability that the model gave [0 to 1]")
    try coder.field("undone_at", &undoneAt, "Since when it no longer holds; null while it does")
    try coder.field("undone_by", &undoneBy, "Who took it back")
    try coder.field("undone_reason", &undoneReason, "Why it was taken back")
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    let position = reader.position
    func failure(_ reason: StaticString, _ field: String) -> DecodingFailure {
      DecodingFailure(.badValue, at: position, reason, field: field)
    }
    guard Self.isMasterID(masterID) else { throw failure("not the id of a master", "master_id") }
    guard Self.isMasterID(otherID) else { throw failure("not the id of a master", "other_id") }
    guard masterID != otherID else { throw failure("the same as master_id", "other_id") }
    guard products.isEmpty == (kind != .split) else { throw failure("a split, and only a split, has some", "products") }
  }
}

extension MasterDecision.Product: FieldwiseObject {
  package static let blank = Self(chain: "", code: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("chain", &chain, "The chain that sells the product")
    try coder.required("code", &code, "The code under which the chain sells it")
  }
}
