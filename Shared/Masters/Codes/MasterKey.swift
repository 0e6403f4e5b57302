/// A master's id as a number: made from what it names, so that everyone who meets the same product makes the same.
package struct MasterKey: Hashable, Sendable, Comparable, BitwiseCopyable {
  /// 0 for a GTIN; the highest bit is set for a hash.
  let high: UInt64
  let low: UInt64

  package init(_ gtin: GTIN) {
    high = 0
    low = gtin.number
  }

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// - Parameter hash: of the normalised name, brand and size.
  init(nameHash hash: UInt128) {
    high = UInt64(truncatingIfNeeded: hash >> 64) | 1 << 63
    low = UInt64(truncatingIfNeeded: hash)
  }

  package var isName: Bool { high != 0 }

  /// One word of it, for hash tables.
  var word: UInt64 { high == 0 ? low : min((high ^ (low >> 1)) | 1 << 63, .max - 2) }

  /// GTINs differ in the lower word, and so do hashes.
  package func hash(into hasher: inout Hasher) { hasher.combine(low) }

  package static func < (left: Self, right: Self) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

extension MasterKey {
  static let gtinPrefix = "gtin:"
  static let namePrefix = "name:"
  /// Of the longer form: the prefix and 32 hexadecimal digits.
  package static let maxTextBytes = 37

  /// Reads `gtin:<14 digits>` or `name:<32 hexadecimal digits>`; the check digit is not looked at again.
  package init?(_ text: String) {
    if text.hasPrefix(Self.gtinPrefix) {
      let digits = text.utf8.dropFirst(Self.gtinPrefix.utf8.count)
      guard digits.count == GTIN.digits, digits.allSatisfy({ (0x30...0x39).contains($0) }),
        let number = UInt64(Substring(digits)) else { return nil }
      self.init(GTIN(number: number))
    } else if text.hasPrefix(Self.namePrefix) {
      let digits = text.utf8.dropFirst(Self.namePrefix.utf8.count)
      guard digits.count == 32, let high = UInt64(Substring(digits.prefix(16)), radix: 16), high >> 63 == 1,
        let low = UInt64(Substring(digits.suffix(16)), radix: 16) else { return nil }
      self.init(high: high, low: low)
    } else {
      return nil
    }
  }

  /// Writes the id as it stands in messages.
  /// - Returns: bytes written, at most `maxTextBytes`.
  package func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
    var count = 0
    for byte in (isName ? Self.namePrefix : Self.gtinPrefix).utf8 {
      target[count] = byte
      count += 1
    }
    guard isName else {
      GTIN(number: low).write(to: target + count)
      return count + GTIN.digits
    }
    for word in [high, low] {
      for shift in stride(from: 60, through: 0, by: -4) {
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 0xF
        target[count] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        count += 1
      }
    }
    return count
  }

  package var text: String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.maxTextBytes) { buffer in
      guard let start = buffer.baseAddress else { return "" }
      return String(decoding: UnsafeBufferPointer(start: start, count: write(to: start)), as: UTF8.self)
    }
  }
}
