extension PairFeatures.Word {
  var span: UnsafeBufferPointer<UInt16> { UnsafeBufferPointer(start: letters, count: count) }
  /// A word of the name itself, no number.
  var isNamed: Bool { !traits.contains(.number) && !traits.contains(.unnamed) }

  /// Whether the number is the size, in grams, kilograms, millilitres, litres or pieces, or the beginning of it.
  func isSaid(by size: ProductSize?) -> Bool {
    guard let size else { return false }
    var (value, decimals): (UInt64, Int) = (0, -1)
    for unit in span {
      if unit == 0x2E, decimals < 0 {
        decimals = 0
      } else if Folding.isDigit(unit), decimals < 3, value < 1_000_000_000 {
        value = value * 10 + UInt64(unit - 0x30)
        if decimals >= 0 { decimals += 1 }
      }
    }
    for _ in max(decimals, 0)..<3 { value *= 10 }
    guard value > 0 else { return false }
    let tenths = UInt64(size.tenths)
    if value == tenths * 100 || value * 10 == tenths { return true }
    // `33` of a name that was cut in `330`.
    var whole = tenths * 100
    while whole > value { whole /= 10 }
    return decimals <= 0 && whole / 1_000 * 1_000 == value && tenths % 10 == 0
  }
}
