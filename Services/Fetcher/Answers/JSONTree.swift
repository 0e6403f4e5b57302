import Commodities
import Messages

/// A provider's JSON in memory: small answers of any shape, within limits of bytes and depth.
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

  /// nil without a value at the path.
  package subscript(_ path: ValuePath) -> JSONTree? {
    var tree = self
    for step in path.steps {
      switch (step, tree) {
      case (.name(let name), .object(let fields)):
        guard let next = fields[name] else { return nil }
        tree = next
      case (.place(let place), .array(let items)):
        let index = place < 0 ? items.count + place : place
        guard items.indices.contains(index) else { return nil }
        tree = items[index]
      default: return nil
      }
    }
    return tree
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
}
