/// What a story is recognised by when another outlet prints it again: SimHashes of its headline and of its text, which
/// find candidates, and its words, which confirm them.
///
/// Sources: Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002 (SimHash); Manku, Jain and
/// Das Sarma, "Detecting near-duplicates for web crawling", WWW 2007 (blocks of the hash: two hashes that differ in
/// three bits or fewer have one of four blocks in common). Texts of thirty words are too short for the hash alone, so
/// two texts are copies only if enough of their words are the same. The hashes are kept in Redis: they must not change.
package struct Fingerprint: Hashable, Sendable {
  /// Of words and pairs of words.
  package var titleHash: UInt64
  package var textHash: UInt64
  /// Hashes of the different words, ascending.
  package var title: [UInt32]
  package var text: [UInt32]
  /// Of the numbers in the headline; 0 without one. Headlines of a kind differ in nothing else: "rises 2%", "rises 3%".
  package var numbers: UInt32

  package init(titleHash: UInt64, textHash: UInt64, title: [UInt32], text: [UInt32], numbers: UInt32) {
    (self.titleHash, self.textHash, self.title, self.text) = (titleHash, textHash, title, text)
    self.numbers = numbers
  }

  /// - Parameter outlet: left out at the end of the headline, where aggregators put it.
  package init(title: String, description: String = "", outlet: String = "") {
    var words = Self.words(of: Array(Self.headline(title, outlet).utf8))
    self.title = Self.distinct(words.hashes)
    titleHash = Self.simHash(words.hashes)
    numbers = words.numbers
    if !description.isEmpty { words.hashes += Self.words(of: Array(description.utf8)).hashes }
    text = description.isEmpty ? self.title : Self.distinct(words.hashes)
    textHash = description.isEmpty ? titleHash : Self.simHash(words.hashes)
  }

  /// Two texts are compared when they have one of these in common: four blocks of each hash, each with its number in
  /// the upper bits.
  package var blocks: [UInt32] {
    (0..<8).map { block in
      let hash = block < 4 ? titleHash : textHash
      return UInt32(block) << 16 | UInt32(truncatingIfNeeded: hash >> UInt64(block % 4 * 16)) & 0xffff
    }
  }

  /// Whether the same story is told in nearly the same words.
  package func isCopy(of other: Fingerprint) -> Bool {
    guard numbers == other.numbers || numbers == 0 || other.numbers == 0 else { return false }
    let texts = Self.similarity(text, other.text)
    if texts >= 0.7 { return true }
    // The same headline over another beginning of the text, or over none.
    guard min(title.count, other.title.count) >= 5, Self.similarity(title, other.title) >= 0.8 else { return false }
    return text.count == title.count || other.text.count == other.title.count || texts >= 0.25
  }

  /// Jaccard's index: the common part of all words.
  package static func similarity(_ first: [UInt32], _ second: [UInt32]) -> Double {
    var (left, right, common) = (0, 0, 0)
    while left < first.count, right < second.count {
      if first[left] == second[right] {
        (left, right, common) = (left + 1, right + 1, common + 1)
      } else if first[left] < second[right] {
        left += 1
      } else {
        right += 1
      }
    }
    let all = first.count + second.count - common
    return all == 0 ? 0 : Double(common) / Double(all)
  }

  // MARK: Words

  /// Without what agencies and aggregators put around a headline: `UPDATE 2-`, ` - Reuters`, ` | CNN`.
  private static func headline(_ title: String, _ outlet: String) -> Substring {
    var headline = title[...]
    for mark in ["UPDATE", "WRAPUP", "RPT", "CORRECTED", "EXCLUSIVE", "BREAKING"] where headline.hasPrefix(mark) {
      let rest = headline.dropFirst(mark.count).drop { $0 == " " || $0.isNumber }
      if let first = rest.first, first == "-" || first == ":" { headline = rest.dropFirst() }
    }
    guard !outlet.isEmpty else { return headline }
    let name = outlet.lowercased()
    for separator in [" - ", " | ", " — ", " – "] where headline.lowercased().hasSuffix(separator + name) {
      return headline.dropLast(separator.count + outlet.count)
    }
    return headline
  }

  private static func words(of text: [UInt8]) -> (hashes: [UInt32], numbers: UInt32) {
    var hashes: [UInt32] = []
    hashes.reserveCapacity(text.count / 5 + 1)
    var lower: [UInt8] = []
    var numbers: UInt32 = 0
    func end() {
      guard !lower.isEmpty else { return }
      let hash = WordTable.hash(lower[...])
      let mixed = UInt32(truncatingIfNeeded: mix(hash))
      hashes.append(mixed)
      // A sum, so that their order does not matter.
      if TextWords.isDigit(lower[0]) { numbers = numbers &+ (mixed | 1) }
      lower.removeAll(keepingCapacity: true)
    }
    var index = 0
    while index < text.count {
      let byte = text[index]
      let mark = TextWords.markLength(text, index)
      if mark == 0 {
        // The upper case of letters beyond ASCII stays: outlets do not change it.
        lower.append(TextWords.isUpper(byte) ? byte | 0x20 : byte)
      } else if byte == 0x2e || byte == 0x2c, let last = lower.last, TextWords.isDigit(last), index + 1 < text.count,
        TextWords.isDigit(text[index + 1]) {
        lower.append(0x2e)
      } else if !TextWords.isApostrophe(text, index) {
        // With it, Apple's and Apples are one word.
        end()
      }
      index += max(1, mark)
    }
    end()
    return (hashes, numbers)
  }

  private static func distinct(_ hashes: [UInt32]) -> [UInt32] {
    var distinct = hashes.sorted()
    var kept = 0
    for index in distinct.indices where index == 0 || distinct[index] != distinct[kept - 1] {
      distinct[kept] = distinct[index]
      kept += 1
    }
    distinct.removeSubrange(kept...)
    return distinct
  }

  /// SimHash of the words and of the pairs of words that follow each other.
  private static func simHash(_ words: [UInt32]) -> UInt64 {
    guard !words.isEmpty else { return 0 }
    // By byte of the hash, what its bits were, from -1 to 1 each: a text of 16,000 words overflows nothing.
    var counts = [SIMD8<Int16>](repeating: .zero, count: 8)
    func add(_ hash: UInt64) {
      for byte in 0..<8 { counts[byte] &+= bits[Int(hash >> UInt64(byte * 8) & 0xff)] }
    }
    for (index, word) in words.prefix(16_000).enumerated() {
      add(mix(UInt64(word)))
      if index > 0 { add(mix(UInt64(words[index - 1]) << 32 | UInt64(word))) }
    }
    var hash: UInt64 = 0
    for bit in 0..<64 where counts[bit / 8][bit % 8] > 0 { hash |= 1 << UInt64(bit) }
    return hash
  }

  /// Of each byte, 1 where a bit is set and -1 where it is not.
  private static let bits: [SIMD8<Int16>] = (0..<256).map { (byte: Int) -> SIMD8<Int16> in
    var signs = SIMD8<Int16>(repeating: -1)
    for bit in 0..<8 where byte >> bit & 1 == 1 { signs[bit] = 1 }
    return signs
  }

  /// The finaliser of SplitMix64: every bit of the result depends on every bit of `value`.
  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value &+ 0x9e37_79b9_7f4a_7c15
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
