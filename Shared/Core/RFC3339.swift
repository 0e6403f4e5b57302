/// RFC 3339 in UTC, written by arithmetic: `2025-01-20T14:30:52.123456Z`.
package enum RFC3339 {
  /// With nine digits of a fraction.
  package static let maxTextLength = 30

  /// - Parameters:
  ///   - ns: nanoseconds since 1970.
  ///   - digits: of a second's fraction, 0...9, further ones cut off; nil for none, three, six or nine of them, the
  ///     fewest that are exact.
  package static func text(ns: Int64, digits: Int? = nil) -> String {
    let (seconds, rest) = ns.flooredDivision(by: 1_000_000_000)
    return String(unsafeUninitializedCapacity: maxTextLength) {
      write(seconds: seconds, nanoseconds: rest, digits: digits, to: $0.baseAddress!)
    }
  }

  /// - Parameters:
  ///   - seconds: since 1970, rounded down; in the years 0 to 9999.
  ///   - nanoseconds: of that second, 0...999,999,999.
  ///   - target: has room for ``maxTextLength`` bytes.
  /// - Returns: how many bytes were written.
  package static func write(
    seconds: Int64, nanoseconds: Int64, digits: Int? = nil, to target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    let (day, second) = seconds.flooredDivision(by: 86_400)
    let date = CivilDate(daysSinceEpoch: day)
    put(Int64(date.year), 4, UInt8(ascii: "-"), target)
    put(Int64(date.month), 2, UInt8(ascii: "-"), target + 5)
    put(Int64(date.day), 2, UInt8(ascii: "T"), target + 8)
    put(second / 3_600, 2, UInt8(ascii: ":"), target + 11)
    put(second / 60 % 60, 2, UInt8(ascii: ":"), target + 14)
    let exact = nanoseconds == 0 ? 0 : nanoseconds % 1_000_000 == 0 ? 3 : nanoseconds % 1_000 == 0 ? 6 : 9
    let digits = digits ?? exact
    put(second % 60, 2, UInt8(ascii: digits > 0 ? "." : "Z"), target + 17)
    guard digits > 0 else { return 20 }
    var cut: Int64 = 1
    for _ in digits..<9 { cut *= 10 }
    put(nanoseconds / cut, digits, UInt8(ascii: "Z"), target + 20)
    return 21 + digits
  }

  /// A number of so many digits, and what stands behind it.
  @inline(__always)
  private static func put(_ number: Int64, _ digits: Int, _ end: UInt8, _ target: UnsafeMutablePointer<UInt8>) {
    var rest = number
    var position = digits
    while position > 0 {
      position -= 1
      target[position] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
      rest /= 10
    }
    target[digits] = end
  }
}
