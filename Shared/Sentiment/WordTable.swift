/// Numbers words by their bytes, from 0 in the order in which they are added, without a `String` for each look-up.
struct WordTable: Sendable {
  private(set) var words: [[UInt8]] = []
  /// Numbers, -1 where free; at most half of them are taken. The count is a power of two.
  private var slots = [Int32](repeating: -1, count: 256)

  init() {}

  init(_ words: [String]) { for word in words { _ = add(Array(word.utf8)) } }

  /// The number of a word; nil when it was not added.
  @inline(__always)
  func find(_ word: ArraySlice<UInt8>) -> Int? {
    let number = slots[place(of: word)]
    return number < 0 ? nil : Int(number)
  }

  /// The number of a word, which is added if it is new.
  mutating func add(_ word: [UInt8]) -> Int {
    let slot = place(of: word[...])
    if slots[slot] >= 0 { return Int(slots[slot]) }
    words.append(word)
    slots[slot] = Int32(words.count - 1)
    if words.count * 2 > slots.count { grow() }
    return words.count - 1
  }

  /// Where the word is, or would be.
  private func place(of word: ArraySlice<UInt8>) -> Int {
    var slot = Int(truncatingIfNeeded: Self.hash(word)) & (slots.count - 1)
    while slots[slot] >= 0, words[Int(slots[slot])][...] != word { slot = (slot + 1) & (slots.count - 1) }
    return slot
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for (number, word) in words.enumerated() { slots[place(of: word[...])] = Int32(number) }
  }

  /// FNV-1a, 64 bits, with its halves folded.
  @inline(__always)
  static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash ^ hash >> 32
  }
}
