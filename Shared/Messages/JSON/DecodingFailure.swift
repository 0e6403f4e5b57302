/// Why bytes are not the message they should be. Says what and where, and never holds a byte of the payload.
package struct DecodingFailure: Error, Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    /// Not JSON as RFC 8259 defines it.
    case malformedJSON = "malformed_json"
    case invalidUTF8 = "invalid_utf8"
    /// More bytes than the limit.
    case tooLarge = "too_large"
    /// Deeper nesting than the limit.
    case tooDeep = "too_deep"
    case duplicateField = "duplicate_field"
    /// A field that every version of the schema has is absent or null.
    case missingField = "missing_field"
    /// A string where a number belongs, and the like.
    case wrongType = "wrong_type"
    /// A number out of range, with too many digits, or with a fraction where none may be.
    case badNumber = "bad_number"
    case badPrice = "bad_price"
    case badTimestamp = "bad_timestamp"
    /// A string outside the list of those that are allowed.
    case badValue = "bad_value"
    case tooManyItems = "too_many_items"

    /// Whether only one value is wrong, so that what follows it can still be read.
    var leavesSyntaxIntact: Bool {
      switch self {
      case .malformedJSON, .invalidUTF8, .tooLarge, .tooDeep, .tooManyItems: false
      case .duplicateField, .missingField, .wrongType, .badNumber, .badPrice, .badTimestamp, .badValue: true
      }
    }
  }

  package var kind: Kind
  /// Bytes from the start of the message to the place where it went wrong.
  package var offset: Int
  /// What was expected or found, for people.
  package var reason: StaticString
  /// The field's name in the message, where one is to blame.
  package var field: String?
  /// The 0-based index in `items`, where one is to blame.
  package var item: Int?

  package init(_ kind: Kind, at offset: Int, _ reason: StaticString, field: String? = nil, item: Int? = nil) {
    self.kind = kind
    self.offset = offset
    self.reason = reason
    self.field = field
    self.item = item
  }

  /// Stable and `snake_case`; the `souk-error-code` of the dead letter.
  package var code: String { kind.rawValue }

  package static func == (left: Self, right: Self) -> Bool {
    left.kind == right.kind && left.offset == right.offset && left.field == right.field && left.item == right.item
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(offset)
    hasher.combine(field)
    hasher.combine(item)
  }
}

extension DecodingFailure: CustomStringConvertible {
  /// `price: more than 18 digits, in items[12], at byte 4711`
  package var description: String {
    var text = field.map { "\($0): " } ?? ""
    text += "\(reason)"
    if let item { text += ", in items[\(item)]" }
    return text + ", at byte \(offset)"
  }
}
