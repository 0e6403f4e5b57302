/// Tells codes that mean the same product everywhere from those that mean it in one chain only.
enum MasterID {
  static let digits = 14

  /// Writes the GTIN-14 of `code` to `target` (14 bytes).
  ///
  /// A code is one when it has 8, 12, 13 or 14 digits with a valid check digit and does not lie in a range that
  /// GS1 leaves to companies for their own use: prefixes 02, 04 and 20-29 of 13 digits (weighed goods, store
  /// codes), 0 and 2 of 8 digits, and numbers too small to be anything but padding.
  /// Source: GS1 General Specifications, sections 1.4.3 and 7.9.1.
  /// - Returns: false when the code means nothing outside its chain.
  static func gtin14(of code: UnsafeBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) -> Bool {
    guard [8, 12, 13, 14].contains(code.count) else { return false }
    let padding = digits - code.count
    for index in 0..<padding { target[index] = UInt8(ascii: "0") }
    var sum = 0
    for index in 0..<code.count {
      let digit = code[index] &- UInt8(ascii: "0")
      guard digit <= 9 else { return false }
      target[padding + index] = code[index]
      // From the right: the check digit counts once, its neighbour three times, and so on.
      sum += Int(digit) * ((code.count - index) % 2 == 0 ? 3 : 1)
    }
    return sum % 10 == 0 && !isRestricted(target, isShort: code.count == 8)
  }

  private static func isRestricted(_ gtin: UnsafeMutablePointer<UInt8>, isShort: Bool) -> Bool {
    let zero = UInt8(ascii: "0")
    let two = UInt8(ascii: "2")
    if isShort { return gtin[6] == zero || gtin[6] == two }
    // Thirteen digits follow the indicator. Seven zeros in front are those of a padded GTIN-8 or a store's number.
    if (1...7).allSatisfy({ gtin[$0] == zero }) { return true }
    return gtin[1] == two || (gtin[1] == zero && (gtin[2] == two || gtin[2] == UInt8(ascii: "4")))
  }
}
