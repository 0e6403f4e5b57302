/// RFC 3339 in UTC, written by arithmetic: `2025-01-20T14:30:52.123456Z`.
package enum RFC3339 {
  /// - Parameters:
  ///   - ns: nanoseconds since 1970.
  ///   - digits: of a second's fraction, 0...9, further ones cut off; nil for none, three, six or nine of them, the
  ///     fewest that are exact.
  package static func text(ns: Int64, digits: Int? = nil) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(30)
    let (seconds, rest) = ns.flooredDivision(by: 1_000_000_000)
    append(seconds: seconds, nanoseconds: rest, digits: digits, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// - Parameters:
  ///   - seconds: since 1970, rounded down.
  ///   - nanoseconds: of that second, 0...999,999,999.
  package static func append(seconds: Int64, nanoseconds: Int64, digits: Int? = nil, to bytes: inout [UInt8]) {
    let (day, second) = seconds.flooredDivision(by: 86_400)
    let date = CivilDate(daysSinceEpoch: day)
    append(Int64(date.year), 4, UInt8(ascii: "-"), to: &bytes)
    append(Int64(date.month), 2, UInt8(ascii: "-"), to: &bytes)
    append(Int64(date.day), 2, UInt8(ascii: "T"), to: &bytes)
    append(second / 3_600, 2, UInt8(ascii: ":"), to: &bytes)
    append(second / 60 % 60, 2, UInt8(ascii: ":"), to: &bytes)
    let exact = nanoseconds == 0 ? 0 : nanoseconds % 1_000_000 == 0 ? 3 : nanoseconds % 1_000 == 0 ? 6 : 9
    let digits = digits ?? exact
    append(second % 60, 2, UInt8(ascii: digits > 0 ? "." : "Z"), to: &bytes)
    guard digits > 0 else { return }
    var cut: Int64 = 1
    for _ in digits..<9 { cut *= 10 }
    append(nanoseconds / cut, digits, UInt8(ascii: "Z"), to: &bytes)
  }

  /// A number of `width` digits, and what stands behind it.
  private static func append(_ number: Int64, _ width: Int, _ end: UInt8, to bytes: inout [UInt8]) {
    var scale: Int64 = 1
    for _ in 1..<width { scale *= 10 }
    while scale > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(number / scale % 10))
      scale /= 10
    }
    bytes.append(end)
  }
}
