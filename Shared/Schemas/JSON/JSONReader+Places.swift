extension JSONReader {
  /// What begins at the reader's place, as far as its first byte says.
  package enum ValueKind: Hashable, Sendable {
    case string, number, boolean
    /// `null`, an object, an array, or nothing that is JSON.
    case other
  }

  package var kind: ValueKind {
    switch peek() {
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): .number
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
    default: .other
    }
  }

  /// What begins at the reader's place, as far as its first byte says.
  package var startsObject: Bool { peek() == UInt8(ascii: "{") }
  package var startsArray: Bool { peek() == UInt8(ascii: "[") }

  /// Calls `body` with the text of a slice that was read from `bytes` before, its escapes resolved.
  package static func withResolved(_ slice: Slice, of bytes: RawSpan, _ body: (RawSpan) -> Void) {
    let reader = JSONReader(read: bytes)
    reader.withResolved(slice, body)
  }

  /// A reader of bytes that were validated before.
  @_lifetime(copy bytes)
  private init(read bytes: RawSpan) {
    self.bytes = bytes
    maxDepth = 0
  }
}

extension JSONReader.Slice {
  /// The place of a string's contents in bytes that were validated before.
  package init(at offset: Int, count: Int, isEscaped: Bool) {
    self.init(offset: offset, count: count, isEscaped: isEscaped)
  }
}
