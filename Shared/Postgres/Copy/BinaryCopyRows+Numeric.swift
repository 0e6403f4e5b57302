extension BinaryCopyRows {
  /// The exact decimal `mantissa / 10^scale`, with `scale` digits shown after the point.
  ///
  /// PostgreSQL stores a numeric as base-10,000 digits aligned to the decimal point: `ndigits`, the `weight` of the
  /// first (in powers of 10,000), the sign (0x4000 is minus), the display scale, the digits. Leading and trailing zero
  /// digits are left out, as the server itself does. Source: `numeric_recv` in src/backend/utils/adt/numeric.c.
  /// - Precondition: 0 <= scale <= 18.
  package mutating func numeric(mantissa: Int64, scale: Int) {
    precondition((0...18).contains(scale), "a numeric field takes a scale of 0 to 18")
    let power = Self.powersOfTen[scale]
    var (whole, fraction) = mantissa.magnitude.quotientAndRemainder(dividingBy: power)
    // At most 19 + 18 digits: 5 groups before the point and 5 behind it. Filled from the right.
    withUnsafeTemporaryAllocation(of: Int16.self, capacity: 10) { groups in
      let point = 5
      var last = point + (scale + 3) / 4
      var index = last
      let partial = scale % 4
      if partial != 0 {
        // The scale cuts the last group short: fill it with zeros on the right.
        let cut = Self.powersOfTen[partial]
        index -= 1
        groups[index] = Int16(truncatingIfNeeded: (fraction % cut) * Self.powersOfTen[4 - partial])
        fraction /= cut
      }
      while index > point {
        index -= 1
        groups[index] = Int16(truncatingIfNeeded: fraction % 10_000)
        fraction /= 10_000
      }
      while whole > 0 {
        index -= 1
        groups[index] = Int16(truncatingIfNeeded: whole % 10_000)
        whole /= 10_000
      }
      while index < last, groups[index] == 0 { index += 1 }
      while last > index, groups[last - 1] == 0 { last -= 1 }
      let digits = last - index
      put(Int32(8 + 2 * digits))
      put(Int16(digits))
      put(Int16(digits == 0 ? 0 : point - 1 - index))
      put(UInt16(mantissa < 0 ? 0x4000 : 0))
      put(Int16(scale))
      while index < last {
        put(groups[index])
        index += 1
      }
    }
  }

  private static let powersOfTen: [UInt64] = (0...18).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }
}
