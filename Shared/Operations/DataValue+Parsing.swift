import Messages

extension DataValue {
  /// Reads JSON strictly; fields keep their order and numbers their digits.
  /// - Returns: nil for bytes that are no JSON, or that are nested more than 100 deep.
  package init?(parsing bytes: [UInt8]) {
    do {
      var reader = try JSONReader(
        bytes.span.bytes, limits: JSONReader.Limits(maxBytes: Int(Int32.max), maxDepth: 100))
      let value = try DataValue(&reader, bytes)
      try reader.finish()
      self = value
    } catch {
      return nil
    }
  }

  private init(_ reader: inout JSONReader, _ bytes: [UInt8]) throws(DecodingFailure) {
    switch reader.kind {
    case .string: self = .text(try reader.string())
    case .boolean: self = .bool(try reader.bool())
    case .number:
      let start = reader.offset
      try reader.skipValue()
      let text = String(decoding: bytes[start..<reader.offset], as: UTF8.self)
      self = Int64(text).map { .integer($0) } ?? .literal(text)
    case .other:
      if reader.isNull() {
        self = .null
      } else if reader.startsArray {
        var elements: [DataValue] = []
        var cursor = try reader.beginArray()
        while try reader.nextElement(&cursor) { elements.append(try DataValue(&reader, bytes)) }
        self = .list(elements)
      } else {
        var fields: [Field] = []
        var cursor = try reader.beginObject()
        while let name = try reader.nextName(&cursor) { fields.append(Field(name, try DataValue(&reader, bytes))) }
        self = .object(fields)
      }
    }
  }
}
