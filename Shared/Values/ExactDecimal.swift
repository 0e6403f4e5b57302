/// A decimal number that keeps the digits it was written with: `12.90` stays `12.90`, and never becomes a binary
/// fraction.
///
/// The value is `mantissa / 10^scale`, with at most 18 significant digits and a scale of 0 to 18. Comparison and
/// hashing are by value, so `12.9 == 12.90`; ``hasSameDigits(as:)`` tells the two apart.
package struct ExactDecimal: Sendable {
  package static let maxDigits = 18
  package static let maxScale = 18
  static let maxMantissa: Int64 = 999_999_999_999_999_999

  package let mantissa: Int64
  /// Digits after the point, 0...18.
  package let scale: UInt8

  /// - Returns: nil when the mantissa has more than 18 digits or the scale is outside 0...18.
  package init?(mantissa: Int64, scale: Int) {
    guard (0...Self.maxScale).contains(scale), mantissa.magnitude <= Self.maxMantissa.magnitude else { return nil }
    self.init(unchecked: mantissa, scale: UInt8(scale))
  }

  package init(unchecked mantissa: Int64, scale: UInt8) {
    self.mantissa = mantissa
    self.scale = scale
  }

  /// A whole number of at most 32 bits, which always fits.
  package init(_ value: Int32) { self.init(unchecked: Int64(value), scale: 0) }

  package static let zero = ExactDecimal(0)

  package var isZero: Bool { mantissa == 0 }
  package var isNegative: Bool { mantissa < 0 }

  /// True when both were written with the same digits: `12.9` and `12.90` are equal but not this.
  package func hasSameDigits(as other: ExactDecimal) -> Bool {
    mantissa == other.mantissa && scale == other.scale
  }

  /// Powers of ten up to 10^18, the largest that an Int64 holds.
  static let powersOfTen: [Int64] = (0...18).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }

  /// Mantissas of both at the larger of the two scales; Int128 holds any 18-digit mantissa times 10^18.
  private func aligned(with other: ExactDecimal) -> (Int128, Int128) {
    if scale == other.scale { return (Int128(mantissa), Int128(other.mantissa)) }
    if scale < other.scale {
      return (Int128(mantissa) * Int128(Self.powersOfTen[Int(other.scale - scale)]), Int128(other.mantissa))
    }
    return (Int128(mantissa), Int128(other.mantissa) * Int128(Self.powersOfTen[Int(scale - other.scale)]))
  }

  /// The same value with trailing zeros of the fraction removed.
  package var normalized: ExactDecimal {
    var (mantissa, scale) = (mantissa, scale)
    while scale > 0, mantissa % 10 == 0 {
      mantissa /= 10
      scale -= 1
    }
    return ExactDecimal(unchecked: mantissa, scale: scale)
  }

  /// The exact sum at the larger of the two scales.
  /// - Returns: nil when it has more than 18 digits.
  package func adding(_ other: ExactDecimal) -> ExactDecimal? {
    let (left, right) = aligned(with: other)
    guard let sum = Int64(exactly: left + right) else { return nil }
    return ExactDecimal(mantissa: sum, scale: Int(max(scale, other.scale)))
  }
}

extension ExactDecimal: Comparable, Hashable {
  package static func == (left: ExactDecimal, right: ExactDecimal) -> Bool {
    let (left, right) = left.aligned(with: right)
    return left == right
  }

  package static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
    let (left, right) = left.aligned(with: right)
    return left < right
  }

  package func hash(into hasher: inout Hasher) {
    let value = normalized
    hasher.combine(value.mantissa)
    hasher.combine(value.scale)
  }
}
