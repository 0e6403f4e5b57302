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

  /// 32 hexadecimal digits.
  package var decisionID: String
  package var kind: Kind
  package var masterID: String
  package var otherID: String
  /// Of a split, ascending; else empty.
  package var products: [Product]
  package var decidedAt: Timestamp
  /// A person's name, or that of a program.
  package var decidedBy: String
  package var reason: String?
  /// The version of the model that named the candidate, and the probability it gave.
  package var model: String?
  package var probability: ExactDecimal?
  /// Since when, by whom and why it no longer holds; nil while it does.
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

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("decision_id", decisionID)
    writer.field("kind", kind)
    writer.field("master_id", masterID)
    writer.field("other_id", otherID)
    writer.key("products")
    writer.beginArray()
    for product in products {
      writer.beginObject()
      writer.field("chain", product.chain)
      writer.field("code", product.code)
      writer.endObject()
    }
    writer.endArray()
    writer.field("decided_at", decidedAt)
    writer.field("decided_by", decidedBy)
    writer.field("reason", reason)
    writer.field("model", model)
    writer.field("probability", probability)
    writer.field("undone_at", undoneAt)
    writer.field("undone_by", undoneBy)
    writer.field("undone_reason", undoneReason)
    writer.endObject()
  }

  package enum Field: String, CaseIterable, Sendable {
    case decisionID = "decision_id"
    case kind
    case masterID = "master_id"
    case otherID = "other_id"
    case products
    case decidedAt = "decided_at"
    case decidedBy = "decided_by"
    case reason, model, probability
    case undoneAt = "undone_at"
    case undoneBy = "undone_by"
    case undoneReason = "undone_reason"
  }
  package static let fields = FieldTable(Field.self)
  package static let required = fields.mask(.decisionID, .kind, .masterID, .otherID, .decidedAt, .decidedBy)

  package static var blank: Self { Self(.merge, "", "", decidedAt: .epoch, decidedBy: "") }

  package mutating func read(_ field: Field, from reader: inout JSONReader) throws(DecodingFailure) {
    switch field {
    case .decisionID: decisionID = try reader.string()
    case .kind: kind = try reader.value(Kind.self, field: field.rawValue)
    case .masterID: masterID = try reader.string()
    case .otherID: otherID = try reader.string()
    case .products:
      guard !reader.isNull() else { return }
      var list = try reader.beginArray()
      while try reader.nextElement(&list) { products.append(try Product(from: &reader)) }
    case .decidedAt: decidedAt = try reader.timestamp(field: field.rawValue)
    case .decidedBy: decidedBy = try reader.string()
    case .reason: reason = try reader.stringOrNull()
    case .model: model = try reader.stringOrNull()
    case .probability: probability = try reader.decimalOrNull(field: field.rawValue)
    case .undoneAt: undoneAt = try reader.timestampOrNull(field: field.rawValue)
    case .undoneBy: undoneBy = try reader.stringOrNull()
    case .undoneReason: undoneReason = try reader.stringOrNull()
    }
  }

  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {
    func failure(_ reason: StaticString, _ field: Field) -> DecodingFailure {
      DecodingFailure(.badValue, at: reader.offset, reason, field: field.rawValue)
    }
    guard Self.isMasterID(masterID) else { throw failure("not the id of a master", .masterID) }
    guard Self.isMasterID(otherID) else { throw failure("not the id of a master", .otherID) }
    guard masterID != otherID else { throw failure("the same as master_id", .otherID) }
    guard products.isEmpty == (kind != .split) else { throw failure("a split, and only a split, has some", .products) }
    guard products.count <= Self.maxProducts else {
      throw DecodingFailure(.tooManyItems, at: reader.offset, "more than 500", field: Field.products.rawValue)
    }
  }
}

extension MasterDecision.Product {
  enum Field: String, CaseIterable {
    case chain, code
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.chain, .code)

  init(from reader: inout JSONReader) throws(DecodingFailure) {
    self.init(chain: "", code: "")
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .chain: chain = try reader.string()
      case .code: code = try reader.string()
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
  }
}
