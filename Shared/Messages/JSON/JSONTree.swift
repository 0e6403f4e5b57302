import Values

/// JSON in memory: answers of any shape that are read once, within limits of bytes and depth.
package indirect enum JSONTree: Hashable, Sendable {
  case null
  case boolean(Bool)
  /// As written.
  case number(String)
  case string(String)
  case array([JSONTree])
  /// Of several values with one name the first counts.
  case object([String: JSONTree])

  /// - Throws: `DecodingFailure` for bytes that are not JSON, or that exceed the limits.
  package init(_ bytes: [UInt8], limits: JSONReader.Limits) throws(DecodingFailure) {
    var reader = try JSONReader(bytes.span.bytes, limits: limits)
    self = try JSONTree(&reader, bytes)
    try reader.finish()
  }

  private init(_ reader: inout JSONReader, _ bytes: [UInt8]) throws(DecodingFailure) {
    switch reader.kind {
    case .string: self = .string(try reader.string())
    case .boolean: self = .boolean(try reader.bool())
    case .number:
      let start = reader.offset
      try reader.skipValue()
      self = .number(String(decoding: bytes[start..<reader.offset], as: UTF8.self))
    case .other:
      if reader.isNull() {
        self = .null
      } else if reader.startsArray {
        var items: [JSONTree] = []
        var cursor = try reader.beginArray()
        while try reader.nextElement(&cursor) { items.append(try JSONTree(&reader, bytes)) }
        self = .array(items)
      } else {
        var fields: [String: JSONTree] = [:]
        var cursor = try reader.beginObject()
        while let name = try reader.nextName(&cursor) {
          let value = try JSONTree(&reader, bytes)
          if fields[name] == nil { fields[name] = value }
        }
        self = .object(fields)
      }
    }
  }

  package subscript(_ name: String) -> JSONTree? {
    guard case .object(let fields) = self else { return nil }
    return fields[name]
  }

  package var items: [JSONTree]? {
    guard case .array(let items) = self else { return nil }
    return items
  }

  package var fields: [String: JSONTree]? {
    guard case .object(let fields) = self else { return nil }
    return fields
  }

  /// The text of a string or number; nil for other types.
  package var text: String? {
    switch self {
    case .string(let text), .number(let text): text
    default: nil
    }
  }
  /// A number, or text that holds one, as ``ExactDecimal/init(approximating:)`` reads it.
  package var decimal: ExactDecimal? { text.flatMap { ExactDecimal(approximating: $0) } }
  /// A whole number within 64 bits, or text that holds one.
  package var integer: Int64? { text.flatMap { Int64($0) } }

  /// A number, of any precision, as the nearest one of double precision; nil where it is not finite.
  package var double: Double? {
    guard case .number(let text) = self, let number = Double(text), number.isFinite else { return nil }
    return number
  }

  /// Null, or text without a character: a source leaves a value out.
  package var isAbsent: Bool { self == .null || self == .string("") }
}
