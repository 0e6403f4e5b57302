import Values

/// A strict pull reader of JSON (RFC 8259) that works in place and allocates nothing of its own.
///
/// UTF-8, numbers and escapes (surrogate pairs included) are validated everywhere, also in fields that are skipped.
/// Refused beyond the RFC's grammar: lone surrogates, a byte order mark, the second occurrence of a known field,
/// more bytes or deeper nesting than the limits. After an error the reader must not be used.
package struct JSONReader: ~Copyable, ~Escapable {
  package struct Limits: Hashable, Sendable {
    package var maxBytes: Int
    /// Nested objects and arrays, the outermost counted.
    package var maxDepth: Int

    package init(maxBytes: Int = 4 << 20, maxDepth: Int = 32) {
      precondition(maxBytes <= Int(Int32.max) && maxDepth <= 512, "a message has at most 2 GiB and 512 levels")
      self.maxBytes = maxBytes
      self.maxDepth = maxDepth
    }
  }

  /// The contents of a string between its quotes, as a place in the buffer.
  package struct Slice: Hashable, Sendable {
    package let offset: Int
    package let count: Int
    /// Escapes are still to be resolved.
    package let isEscaped: Bool
  }

  let bytes: RawSpan
  let maxDepth: Int
  var position = 0
  var depth = 0

  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan, limits: Limits = Limits()) throws(DecodingFailure) {
    self.bytes = bytes
    maxDepth = limits.maxDepth
    guard bytes.byteCount <= limits.maxBytes else {
      throw DecodingFailure(.tooLarge, at: limits.maxBytes, "more bytes than a message may have")
    }
    skipBlanks()
  }

  /// Bytes read so far.
  package var offset: Int { position }

  // MARK: Structure

  package mutating func beginObject() throws(DecodingFailure) -> ObjectCursor {
    try open(UInt8(ascii: "{"), "expected an object")
    return ObjectCursor()
  }

  /// Goes on to the next known field and leaves the reader at its value; unknown fields are skipped, validated.
  ///
  /// Specialised only within this module: a hot path elsewhere takes `nextField(_:among:)` and looks the field up
  /// in ``FieldTable/fields`` itself.
  /// - Returns: nil after the closing brace.
  @inline(__always)
  package mutating func nextField<Field>(
    _ cursor: inout ObjectCursor, of table: FieldTable<Field>
  ) throws(DecodingFailure) -> Field? {
    guard let index = try nextField(&cursor, among: table.names) else { return nil }
    return table.fields[index]
  }

  /// As `nextField(_:of:)`, with the field's index in its table.
  package mutating func nextField(
    _ cursor: inout ObjectCursor, among names: FieldNames
  ) throws(DecodingFailure) -> Int? {
    while try nextKey(&cursor) {
      let start = position
      let index: Int?
      if let known = names.match(bytes, at: position, expected: cursor.expected) {
        position += known.length + 1
        index = known.index
      } else {
        index = try slowKey(names)
      }
      try colon()
      guard let index else {
        try skipValue()
        continue
      }
      let bit: UInt64 = 1 << UInt64(index)
      guard cursor.seen & bit == 0 else {
        throw DecodingFailure(.duplicateField, at: start, "the field occurs twice", field: names.texts[index])
      }
      cursor.seen |= bit
      cursor.expected = index + 1
      return index
    }
    return nil
  }

  /// Throws `missing_field` unless all fields of `required` (see ``FieldTable/mask(_:)``) were seen.
  @inline(__always)
  package func require<Field>(
    _ required: UInt64, in cursor: ObjectCursor, of table: FieldTable<Field>
  ) throws(DecodingFailure) {
    let missing = required & ~cursor.seen
    if missing != 0 { throw missingField(table.names.texts[missing.trailingZeroBitCount]) }
  }

  @inline(never)
  package func missingField(_ name: String) -> DecodingFailure {
    DecodingFailure(.missingField, at: position, "a required field is missing or null", field: name)
  }

  package mutating func beginArray() throws(DecodingFailure) -> ArrayCursor {
    try open(UInt8(ascii: "["), "expected an array")
    return ArrayCursor()
  }

  /// Goes on to the next element; false after the closing bracket.
  package mutating func nextElement(_ cursor: inout ArrayCursor) throws(DecodingFailure) -> Bool {
    skipBlanks()
    let next = peek()
    if next == UInt8(ascii: "]") {
      position += 1
      depth -= 1
      return false
    }
    if cursor.isFirst {
      cursor.isFirst = false
    } else {
      guard next == UInt8(ascii: ",") else { throw malformed("expected a comma or closing bracket") }
      position += 1
      skipBlanks()
      // A value must follow: `[1,]` is left to the value's reader, which finds the bracket.
    }
    cursor.count += 1
    return true
  }

  /// Goes on to the next field, whatever it is called, and leaves the reader at its value.
  /// - Returns: nil after the closing brace.
  package mutating func nextName(_ cursor: inout ObjectCursor) throws(DecodingFailure) -> String? {
    guard try nextKey(&cursor) else { return nil }
    let slice = try scanString()
    try colon()
    return text(slice)
  }

  /// Throws unless nothing but blanks is left.
  package mutating func finish() throws(DecodingFailure) {
    skipBlanks()
    guard position == bytes.byteCount else { throw malformed("more bytes after the end of the message") }
  }

  @inline(__always)
  private mutating func open(_ bracket: UInt8, _ reason: StaticString) throws(DecodingFailure) {
    guard peek() == bracket else { throw unexpected(reason) }
    depth += 1
    guard depth <= maxDepth else { throw DecodingFailure(.tooDeep, at: position, "nested too deeply") }
    position += 1
  }

  /// Goes to the first byte of the next key, after its quote; false after the closing brace.
  @inline(__always)
  mutating func nextKey(_ cursor: inout ObjectCursor) throws(DecodingFailure) -> Bool {
    skipBlanks()
    if peek() == UInt8(ascii: "}") {
      position += 1
      depth -= 1
      return false
    }
    if cursor.isFirst {
      cursor.isFirst = false
    } else {
      guard peek() == UInt8(ascii: ",") else { throw malformed("expected a comma or closing brace") }
      position += 1
      skipBlanks()
    }
    guard peek() == UInt8(ascii: "\"") else { throw malformed("expected a field name") }
    position += 1
    return true
  }

  @inline(__always)
  mutating func colon() throws(DecodingFailure) {
    if peek() != UInt8(ascii: ":") {
      skipBlanks()
      guard peek() == UInt8(ascii: ":") else { throw malformed("expected a colon") }
    }
    position += 1
    skipBlanks()
  }

  // MARK: Bytes

  /// The next byte; 0, which no grammar rule accepts, at the end.
  @inline(__always)
  func peek() -> UInt8 { position < bytes.byteCount ? bytes.byte(position) : 0 }

  @inline(__always)
  mutating func skipBlanks() {
    while position < bytes.byteCount, bytes.byte(position) <= 0x20 {
      switch bytes.byte(position) {
      case 0x20, 0x0a, 0x0d, 0x09: position += 1
      default: return
      }
    }
  }

  @inline(never)
  func malformed(_ reason: StaticString) -> DecodingFailure {
    DecodingFailure(
      .malformedJSON, at: position, position == bytes.byteCount ? "the message is cut off" : reason)
  }

  /// A value of another type is `wrong_type`; what begins no value at all is `malformed_json`.
  @inline(never)
  func unexpected(_ reason: StaticString) -> DecodingFailure {
    switch peek() {
    case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "-"), UInt8(ascii: "t"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      DecodingFailure(.wrongType, at: position, reason)
    default: malformed(reason)
    }
  }
}

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
  init(read bytes: RawSpan) {
    self.bytes = bytes
    maxDepth = 0
  }
}
