extension ExactDecimal: TextForm {
  /// Parses `-? digits (. digits)? ((e|E) (+|-)? digits)?`, the whole of `bytes`.
  ///
  /// That is RFC 8259's number with leading zeros allowed, because price files write `007.50`; they are not kept.
  /// Nor is the sign of a zero. An exponent is applied exactly: `15e2` is 1500, `15e-1` is 1.5.
  /// - Returns: nil for anything else (blanks, `+`, `.5`, `5.`), more than 18 significant digits, or a scale
  ///   beyond 18.
  package init?(parsing bytes: RawSpan) {
    let count = bytes.byteCount
    var position = 0
    var mantissa: Int64 = 0
    var significant = 0
    var scale = 0

    /// Reads digits from `position` on; nil when the mantissa would not fit, else how many there were.
    func digits() -> Int? {
      let start = position
      while position < count {
        let digit = bytes.byte(position) &- 0x30
        guard digit <= 9 else { break }
        if mantissa != 0 || digit != 0 {
          significant += 1
          guard significant <= Self.maxDigits else { return nil }
          mantissa = mantissa &* 10 &+ Int64(digit)
        }
        position += 1
      }
      return position - start
    }

    let isNegative = count > 0 && bytes.byte(0) == UInt8(ascii: "-")
    if isNegative { position = 1 }
    guard let whole = digits(), whole > 0 else { return nil }
    if position < count, bytes.byte(position) == UInt8(ascii: ".") {
      position += 1
      guard let fraction = digits(), fraction > 0 else { return nil }
      scale = fraction
    }
    if position < count, bytes.byte(position) | 0x20 == UInt8(ascii: "e") {
      guard let exponent = Self.exponent(in: bytes, from: position + 1) else { return nil }
      position = count
      scale -= exponent
      // A positive exponent beyond the fraction's digits is written out as zeros.
      if scale < 0 {
        if mantissa == 0 {
          scale = 0
        } else {
          guard significant - scale <= Self.maxDigits else { return nil }
          mantissa *= Self.powersOfTen[-scale]
          scale = 0
        }
      }
    }
    guard position == count, scale <= Self.maxScale else { return nil }
    self.init(unchecked: isNegative ? -mantissa : mantissa, scale: UInt8(scale))
  }

  /// The exponent's digits after the `e`; nil when malformed or of more than three digits, which no 18-digit
  /// decimal can use.
  private static func exponent(in bytes: RawSpan, from start: Int) -> Int? {
    var position = start
    var isNegative = false
    if position < bytes.byteCount {
      let sign = bytes.byte(position)
      if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
        isNegative = sign == UInt8(ascii: "-")
        position += 1
      }
    }
    guard position < bytes.byteCount, bytes.byteCount - position <= 3 else { return nil }
    var value = 0
    while position < bytes.byteCount {
      let digit = bytes.byte(position) &- 0x30
      guard digit <= 9 else { return nil }
      value = value * 10 + Int(digit)
      position += 1
    }
    return isNegative ? -value : value
  }

  /// The digits as they are written. More of them than a decimal has are those of a binary fraction: then it is the
  /// shortest text of the same fraction.
  /// - Returns: nil for what is no finite number, or too large or small for a decimal.
  package init?(approximating bytes: RawSpan) {
    if let exact = ExactDecimal(parsing: bytes) {
      self = exact
    } else {
      guard let number = Double(decimal: bytes), let shortest = ExactDecimal("\(number)") else { return nil }
      self = shortest
    }
  }

  package init?(approximating text: String) {
    var text = text
    let read = text.withUTF8 { ExactDecimal(approximating: UnsafeRawBufferPointer($0).bytes) }
    guard let read else { return nil }
    self = read
  }

  /// The longest text form: a sign, a zero, the point and 18 digits.
  package static let maxTextLength = 21

  /// Writes the text form (`-0.50`) and returns its length, at most ``maxTextLength``.
  /// - Parameter target: has room for ``maxTextLength`` bytes.
  package func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
    var remaining = mantissa.magnitude
    var digits = 1
    var bound: UInt64 = 10
    while digits < Self.maxDigits, remaining >= bound {
      digits += 1
      bound *= 10
    }
    let scale = Int(scale)
    digits = max(digits, scale + 1)
    let length = (mantissa < 0 ? 1 : 0) + digits + (scale > 0 ? 1 : 0)
    var position = length
    for _ in 0..<scale {
      position -= 1
      target[position] = UInt8(truncatingIfNeeded: remaining % 10) &+ 0x30
      remaining /= 10
    }
    if scale > 0 {
      position -= 1
      target[position] = UInt8(ascii: ".")
    }
    for _ in 0..<(digits - scale) {
      position -= 1
      target[position] = UInt8(truncatingIfNeeded: remaining % 10) &+ 0x30
      remaining /= 10
    }
    if mantissa < 0 { target[0] = UInt8(ascii: "-") }
    return length
  }
}

extension Double {
  /// A finite number that is written with decimal digits, a point and an exponent; Swift's own reading takes names
  /// such as `nan` and `inf`, and hexadecimal, too.
  package init?(decimal text: RawSpan) {
    let number = text.withUnsafeBytes { bytes -> Double? in
      let isDecimal = bytes.allSatisfy {
        (0x30...0x39).contains($0) || $0 == 0x2b || $0 == 0x2d || $0 == 0x2e || $0 | 0x20 == 0x65
      }
      return isDecimal ? Double(String(decoding: bytes, as: UTF8.self)) : nil
    }
    guard let number, number.isFinite else { return nil }
    self = number
  }
}
