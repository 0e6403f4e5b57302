/// A Global Trade Item Number in its 14-digit form: the same product in every chain.
package struct GTIN: Hashable, Sendable {
  package static let digits = 14
  /// As a number; less than 10^14.
  package let number: UInt64

  /// - Precondition: less than 10^14; trusted to be valid.
  init(number: UInt64) { self.number = number }

  /// A code is one when it has 8, 12, 13 or 14 digits with a valid check digit and does not lie in a range that
  /// GS1 leaves to companies for their own use: prefixes 02, 04 and 20-29 of 13 digits (weighed goods, store
  /// codes), 0 and 2 of 8 digits, and numbers too small to be anything but padding.
  /// Source: GS1 General Specifications, sections 1.4.3 and 7.9.1.
  /// - Returns: nil when the code means nothing outside its chain.
  @inline(__always)
  package init?(_ code: UnsafeBufferPointer<UInt8>) {
    guard code.count == 13 || code.count == 8 || code.count == 12 || code.count == 14 else { return nil }
    var number: UInt64 = 0
    var sum = 0
    for index in 0..<code.count {
      let digit = code[index] &- UInt8(ascii: "0")
      guard digit <= 9 else { return nil }
      number = number &* 10 &+ UInt64(digit)
      // From the right: the check digit counts once, its neighbour three times, and so on.
      sum &+= Int(digit) &* ((code.count &- index) & 1 == 0 ? 3 : 1)
    }
    guard sum % 10 == 0, !Self.isRestricted(number, isShort: code.count == 8) else { return nil }
    self.number = number
  }

  package init?(_ text: String) {
    var text = text
    guard let gtin = text.withUTF8({ GTIN($0) }) else { return nil }
    self = gtin
  }

  private static func isRestricted(_ number: UInt64, isShort: Bool) -> Bool {
    if isShort { return number / 10_000_000 == 0 || number / 10_000_000 == 2 }
    // Thirteen digits follow the indicator. Seven zeros in front are those of a padded GTIN-8 or a store's number.
    let thirteen = number % 10_000_000_000_000
    if thirteen < 1_000_000 { return true }
    let prefix = thirteen / 100_000_000_000
    return prefix / 10 == 2 || prefix == 2 || prefix == 4
  }

  /// Writes the 14 digits.
  package func write(to target: UnsafeMutablePointer<UInt8>) {
    var rest = number
    for index in stride(from: Self.digits - 1, through: 0, by: -1) {
      target[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }

  /// 14 digits.
  package var text: String {
    let digits = String(number)
    return String(repeating: "0", count: Self.digits - digits.utf8.count) + digits
  }
}
