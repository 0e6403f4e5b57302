/// The hashed character n-grams of a product's words: the coordinates of its vector.
///
/// A word gives every three neighbouring letters of itself between two marks (`^ab`, `abc`, `bc$`), a number itself.
/// Whichever the language, words that differ by a letter share most of them.
final class Grams {
  static let capacity = 512
  let hashes: UnsafeMutablePointer<UInt32>
  private(set) var count = 0
  /// A small hash table of those seen; a place holds the number of the round that filled it and the n-gram.
  private let seen: UnsafeMutablePointer<UInt64>
  private var round: UInt64 = 0

  init() {
    hashes = .allocate(capacity: Self.capacity)
    seen = .allocate(capacity: 2 * Self.capacity)
    seen.initialize(repeating: 0, count: 2 * Self.capacity)
  }

  deinit {
    hashes.deallocate()
    seen.deallocate()
  }

  func set(_ text: ProductText) {
    count = 0
    round = (round + 1) & 0xFFFF_FFFF
    if round == 0 { round = 1 }
    for index in 0..<text.tokenCount {
      let token = text.tokens[index]
      let letters = text.letters(token)
      if token.isNumber {
        add(UInt32(truncatingIfNeeded: token.hash >> 32))
        continue
      }
      // A word of n letters has n three-letter windows between its marks.
      var (first, second): (UInt64, UInt64) = (1, UInt64(letters[0]))
      for next in 1...letters.count {
        let third = next < letters.count ? UInt64(letters[next]) : 2
        let packed = first << 32 | second << 16 | third
        add(UInt32(truncatingIfNeeded: Token.mix(packed)))
        (first, second) = (second, third)
      }
    }
  }

  @inline(__always)
  private func add(_ hash: UInt32) {
    var place = Int(hash) & (2 * Self.capacity - 1)
    let mark = round << 32 | UInt64(hash)
    while seen[place] >> 32 == round {
      if seen[place] == mark { return }
      place = (place + 1) & (2 * Self.capacity - 1)
    }
    guard count < Self.capacity else { return }
    seen[place] = mark
    hashes[count] = hash
    count += 1
  }
}
