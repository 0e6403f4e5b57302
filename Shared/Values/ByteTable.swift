/// Numbers texts by their bytes, from 0 in the order of their first use, without a `String` for each look-up.
package struct ByteTable: Sendable {
  package private(set) var texts: [[UInt8]] = []
  /// Numbers, -1 where free; at most half of them are taken. The count is a power of two.
  private var slots = [Int32](repeating: -1, count: 256)

  package init() {}

  package var count: Int { texts.count }

  /// The number of a text that is known.
  package func find(_ text: RawSpan) -> Int? {
    let slot = place(of: text)
    return slots[slot] < 0 ? nil : Int(slots[slot])
  }

  /// The number of `text`, which is new if it was not asked for before.
  package mutating func number(of text: RawSpan) -> Int {
    let slot = place(of: text)
    if slots[slot] >= 0 { return Int(slots[slot]) }
    let number = texts.count
    texts.append(text.withUnsafeBytes { Array($0) })
    slots[slot] = Int32(number)
    if texts.count * 2 > slots.count { grow() }
    return number
  }

  /// Where the text is, or would be.
  private func place(of text: RawSpan) -> Int {
    text.withUnsafeBytes { bytes in
      var slot = Self.hash(bytes) & (slots.count - 1)
      while slots[slot] >= 0 {
        let known = texts[Int(slots[slot])]
        if known.count == bytes.count, known.elementsEqual(bytes) { break }
        slot = (slot + 1) & (slots.count - 1)
      }
      return slot
    }
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for (number, text) in texts.enumerated() { slots[place(of: text.span.bytes)] = Int32(number) }
  }

  /// FNV-1a, 64 bits.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32) & .max
  }
}
