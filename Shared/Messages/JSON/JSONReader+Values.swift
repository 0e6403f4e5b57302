import Values

extension JSONReader {
  /// Reads a `null` if there is one.
  @inline(__always)
  package mutating func isNull() -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    return literal("null")
  }

  package mutating func bool() throws(DecodingFailure) -> Bool {
    if literal("true") { return true }
    if literal("false") { return false }
    throw unexpected("expected true or false")
  }

  /// The value as a whole number: no fraction, no exponent, within Int64.
  package mutating func integer() throws(DecodingFailure) -> Int64 {
    let start = position
    let isNegative = peek() == UInt8(ascii: "-")
    var position = isNegative ? start + 1 : start
    var magnitude: UInt64 = 0
    let first = position
    while position < bytes.byteCount {
      let digit = bytes.byte(position) &- 0x30
      guard digit <= 9, position - first < 19 else { break }
      magnitude = magnitude &* 10 &+ UInt64(digit)
      position += 1
    }
    // Whatever is unusual is judged by the general rule, which names what is wrong.
    let next = position < bytes.byteCount ? bytes.byte(position) : 0
    let isPlain = position > first && (bytes.byte(first) != UInt8(ascii: "0") || position == first + 1)
    guard isPlain, next &- 0x30 > 9, next != UInt8(ascii: "."), next | 0x20 != UInt8(ascii: "e"),
      magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0)
    else {
      try skipNumber()
      throw DecodingFailure(.badNumber, at: start, "expected a whole number within 64 bits")
    }
    self.position = position
    return isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude)
  }

  package mutating func integerOrNull() throws(DecodingFailure) -> Int64? {
    isNull() ? nil : try integer()
  }

  /// The value as an exact decimal, from a JSON number or a string that holds one.
  package mutating func decimal(field: String) throws(DecodingFailure) -> ExactDecimal {
    try decimal(else: .badNumber, field: field)
  }

  /// As `decimal(field:)`.
  /// - Parameter kind: what a string or number is called that ``ExactDecimal/init(parsing:)`` refuses.
  package mutating func decimal(
    else kind: DecodingFailure.Kind, field: String
  ) throws(DecodingFailure) -> ExactDecimal {
    if let plain = plainDecimal() { return plain }
    let start = position
    if peek() == UInt8(ascii: "\"") {
      let slice = try slice()
      let parsed = withResolved(slice) { ExactDecimal(parsing: $0) }
      if let parsed { return parsed }
    } else {
      try skipNumber()
      if let parsed = ExactDecimal(parsing: bytes.extracting(start..<position)) { return parsed }
    }
    throw DecodingFailure(kind, at: start, "not a decimal of at most 18 digits", field: field)
  }

  /// The value if it is written as almost all are: digits with at most one point, no exponent, no escape, no
  /// superfluous zero. Otherwise nil, nothing is read, and the general rules decide.
  @inline(__always)
  private mutating func plainDecimal() -> ExactDecimal? {
    let isQuoted = peek() == UInt8(ascii: "\"")
    var position = isQuoted ? position + 1 : position
    let isNegative = position < bytes.byteCount && bytes.byte(position) == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let first = position
    // One place more than the digits of a decimal, for the point.
    let limit = min(first + ExactDecimal.maxDigits + 1, bytes.byteCount)
    var mantissa: Int64 = 0
    var point: Int?
    while position < limit {
      let byte = bytes.byte(position)
      if byte &- 0x30 <= 9 {
        mantissa = mantissa &* 10 &+ Int64(byte &- 0x30)
      } else {
        guard byte == UInt8(ascii: "."), point == nil, position > first else { break }
        point = position
      }
      position += 1
    }
    let digits = position - first - (point == nil ? 0 : 1)
    let whole = (point ?? position) - first
    guard position < bytes.byteCount, (1...ExactDecimal.maxDigits).contains(digits), digits > whole || point == nil,
      bytes.byte(first) != UInt8(ascii: "0") || whole == 1
    else { return nil }
    let end = bytes.byte(position)
    if isQuoted {
      guard end == UInt8(ascii: "\"") else { return nil }
      position += 1
    } else {
      guard end &- 0x30 > 9, end != UInt8(ascii: "."), end | 0x20 != UInt8(ascii: "e") else { return nil }
    }
    self.position = position
    return ExactDecimal(unchecked: isNegative ? -mantissa : mantissa, scale: UInt8(digits - whole))
  }

  /// The value of a JSON number, of any precision, as the nearest number of double precision.
  package mutating func double(field: String) throws(DecodingFailure) -> Double {
    let start = position
    try skipNumber()
    guard let number = Double(decimal: bytes.extracting(start..<position)) else {
      throw DecodingFailure(.badNumber, at: start, "not a finite number", field: field)
    }
    return number
  }

  package mutating func decimalOrNull(field: String) throws(DecodingFailure) -> ExactDecimal? {
    isNull() ? nil : try decimal(field: field)
  }

  /// What stands where a number belongs, in sources that write anything there.
  package enum Cell: Hashable, Sendable {
    case absent
    case number(ExactDecimal)
    /// Valid JSON that is no number, or none that fits a decimal.
    case unreadable
  }

  /// Reads a value that should be a number, or text that holds one; see ``ExactDecimal/init(approximating:)``.
  /// - Throws: only for what is no JSON.
  package mutating func cell() throws(DecodingFailure) -> Cell {
    if isNull() { return .absent }
    if let plain = plainDecimal() { return .number(plain) }
    let number: ExactDecimal?
    switch kind {
    case .string:
      let slice = try slice()
      if slice.count == 0 { return .absent }
      number = withResolved(slice) { ExactDecimal(approximating: $0) }
    case .number:
      let start = position
      try skipNumber()
      number = ExactDecimal(approximating: bytes.extracting(start..<position))
    case .boolean, .other:
      try skipValue()
      number = nil
    }
    return number.map { .number($0) } ?? .unreadable
  }

  /// The value as an RFC 3339 time in a string.
  package mutating func timestamp(field: String) throws(DecodingFailure) -> Timestamp {
    let start = position
    let slice = try slice()
    guard let parsed = withResolved(slice, { Timestamp(parsing: $0) }) else {
      throw DecodingFailure(.badTimestamp, at: start, "not an RFC 3339 time with an offset", field: field)
    }
    return parsed
  }

  package mutating func timestampOrNull(field: String) throws(DecodingFailure) -> Timestamp? {
    isNull() ? nil : try timestamp(field: field)
  }

  /// Calls `body` with the text of a slice; copies it only when it holds escapes.
  @inline(__always)
  func withResolved<Result>(_ slice: Slice, _ body: (RawSpan) -> Result) -> Result {
    guard slice.isEscaped else { return body(bytes.extracting(slice.offset..<(slice.offset + slice.count))) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: slice.count) { buffer in
      let length = unescape(slice, to: buffer.baseAddress!)
      return body(UnsafeRawBufferPointer(start: buffer.baseAddress, count: length).bytes)
    }
  }

  /// Reads `word` if it stands here; what would prolong it fails as the next token.
  @inline(__always)
  private mutating func literal(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard position + count <= bytes.byteCount else { return false }
    for index in 0..<count where bytes.byte(position + index) != word.utf8Start[index] { return false }
    position += count
    return true
  }

  // MARK: Skipping

  /// Reads any value, validated like one that is wanted.
  package mutating func skipValue() throws(DecodingFailure) {
    switch peek() {
    case UInt8(ascii: "\""):
      position += 1
      _ = try scanString()
    case UInt8(ascii: "{"):
      var cursor = try beginObject()
      while try nextKey(&cursor) {
        _ = try scanString()
        try colon()
        try skipValue()
      }
    case UInt8(ascii: "["):
      var cursor = try beginArray()
      while try nextElement(&cursor) { try skipValue() }
    case UInt8(ascii: "t"), UInt8(ascii: "f"):
      guard literal("true") || literal("false") else { throw malformed("not a value") }
    case UInt8(ascii: "n"):
      guard literal("null") else { throw malformed("not a value") }
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      try skipNumber()
    default: throw malformed("expected a value")
    }
  }

  /// Reads a number: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
  private mutating func skipNumber() throws(DecodingFailure) {
    if peek() == UInt8(ascii: "-") { position += 1 }
    if peek() == UInt8(ascii: "0") {
      position += 1
      guard !isDigit else { throw malformed("a number has no leading zeros") }
    } else {
      guard isDigit else { throw unexpected("expected a number") }
      skipDigits()
    }
    if peek() == UInt8(ascii: ".") {
      position += 1
      guard isDigit else { throw malformed("a digit belongs after a decimal point") }
      skipDigits()
    }
    if peek() | 0x20 == UInt8(ascii: "e") {
      position += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
      guard isDigit else { throw malformed("a digit belongs in an exponent") }
      skipDigits()
    }
  }

  @inline(__always)
  private var isDigit: Bool { peek() &- 0x30 <= 9 }

  @inline(__always)
  private mutating func skipDigits() {
    while position < bytes.byteCount, bytes.byte(position) &- 0x30 <= 9 { position += 1 }
  }
}

extension JSONReader {
  /// The value as a date and time in a string, with an offset or without.
  package mutating func dateTime(field: String) throws(DecodingFailure) -> (LocalDateTime, Timestamp?) {
    let start = position
    let slice = try slice()
    if let local = withResolved(slice, { LocalDateTime(parsing: $0) }) { return (local, nil) }
    if let zoned = withResolved(slice, { Timestamp(parsing: $0) }) { return (LocalDateTime(zoned), zoned) }
    throw DecodingFailure(.badTimestamp, at: start, "not a date and time", field: field)
  }
}

extension JSONReader {
  /// An array of strings.
  /// - Throws: `too_many_items` when there are more than `limit`.
  package mutating func strings(atMost limit: Int) throws(DecodingFailure) -> [String] {
    var texts: [String] = []
    var array = try beginArray()
    while try nextElement(&array) {
      guard texts.count < limit else {
        throw DecodingFailure(.tooManyItems, at: position, "more strings than the array may have")
      }
      texts.append(try string())
    }
    return texts
  }
}
