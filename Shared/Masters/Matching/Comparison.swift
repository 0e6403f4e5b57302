/// Compares a product's words with a master's: how much they share, and whether they contradict each other.
///
/// Words are aligned one to one, in any order: equal, misspelled, abbreviated, or written in one and in two. What is
/// left over on both sides (`תות` here, `וניל` there; `3%` and `1%`; two makers) is a contradiction; what is left over
/// on one side costs its weight, a maker's name little, because catalogues often leave it out.
struct Comparison {
  /// Of the best score.
  static let perfect = 1_000

  /// Words that may need a second look on either side; of more, no two products are the same.
  private static let mostDifferent = 4

  let store: MasterStore
  let text: ProductText
  /// Of every word of `text`: the rarer, the heavier.
  let weights: UnsafePointer<Int32>
  let counts: UnsafePointer<UInt32>

  /// - Returns: 0 to `perfect`, nil for a contradiction.
  func score(_ entry: MasterStore.Entry) -> Int? {
    let mine = UnsafeBufferPointer(start: text.tokens, count: text.tokenCount)
    let theirs = store.tokens(entry)
    var left = Bits(count: mine.count)
    var right = Bits(count: theirs.count)
    var shared: Int32 = 0
    var doubt: Int32 = 0
    for index in mine.indices {
      for other in theirs.indices where theirs[other].hash == mine[index].hash && right[other] {
        left.remove(index)
        right.remove(other)
        shared += weights[index] * 2
        break
      }
    }
    guard left.count <= Self.mostDifferent, right.count <= Self.mostDifferent || left.isEmpty else { return nil }
    if !left.isEmpty, !right.isEmpty {
      if right.count > 1 || left.count > 1 { shared += pairSplit(entry, mine, theirs, &left, &right) }
      shared += pairSimilar(entry, mine, theirs, &left, &right, &doubt)
    }
    guard shared > 0 else { return nil }
    return judge(mine, theirs, left, right, shared, doubt)
  }

  /// Weighs what is left over.
  private func judge(
    _ mine: UnsafeBufferPointer<Token>, _ theirs: UnsafeBufferPointer<Token>, _ left: Bits, _ right: Bits,
    _ shared: Int32, _ doubt: Int32
  ) -> Int? {
    var (mineLeft, theirsLeft) = (Rest(), Rest())
    for index in mine.indices where left[index] {
      mineLeft.add(mine[index], weights[index], isMaker(mine[index]))
    }
    for index in theirs.indices where right[index] {
      theirsLeft.add(theirs[index], weight(theirs[index]), isMaker(theirs[index]))
    }
    if mineLeft.hasNumber && theirsLeft.hasNumber { return nil }
    if mineLeft.hasWord && theirsLeft.hasWord { return nil }
    if mineLeft.hasMaker && theirsLeft.hasMaker { return nil }
    var cost = mineLeft.cost + theirsLeft.cost + doubt
    // A word more or a number more is another product more often than a fuller name.
    if mineLeft.hasWord || theirsLeft.hasWord || mineLeft.hasNumber || theirsLeft.hasNumber { cost += shared / 3 }
    return Int(shared) * Self.perfect / Int(shared + cost)
  }

  /// What one side has and the other has not.
  private struct Rest {
    var hasNumber = false
    var hasWord = false
    var hasMaker = false
    var cost: Int32 = 0

    mutating func add(_ token: Token, _ weight: Int32, _ isMaker: Bool) {
      if token.isNumber {
        hasNumber = true
        cost += 2 * weight
      } else if isMaker {
        hasMaker = true
        cost += token.isUnnamed ? weight / 8 : weight / 4
      } else {
        hasWord = true
        cost += 2 * weight
      }
    }
  }

  /// Said to be one by the column of either side, or by at least half of the masters that have the word.
  private func isMaker(_ token: Token) -> Bool {
    if token.isBrand { return true }
    if token.isNumber { return false }
    let count = store.brands[token.hash]
    return count > 0 && count * 2 >= store.words[token.hash]
  }

  private func weight(_ token: Token) -> Int32 { store.weight(store.words[token.hash]) }

  // MARK: - Words that are not equal but the same

  private func pairSimilar(
    _ entry: MasterStore.Entry, _ mine: UnsafeBufferPointer<Token>, _ theirs: UnsafeBufferPointer<Token>,
    _ left: inout Bits, _ right: inout Bits, _ doubt: inout Int32
  ) -> Int32 {
    var shared: Int32 = 0
    for index in mine.indices where left[index] && !mine[index].isNumber {
      for other in theirs.indices where right[other] && !theirs[other].isNumber {
        guard isSame(index, mine[index], theirs[other], store.letters(entry, theirs[other])) else { continue }
        left.remove(index)
        right.remove(other)
        // The word that is written out says how much it matters.
        shared += weight(theirs[other]) * 9 / 5
        doubt += weight(theirs[other]) / 5
        break
      }
    }
    return shared
  }

  private func isSame(
    _ index: Int, _ mine: Token, _ theirs: Token, _ theirLetters: UnsafeBufferPointer<UInt16>
  ) -> Bool {
    let letters = text.letters(mine)
    let (count, theirCount) = (counts[index], store.words[theirs.hash])
    if letters.count != theirLetters.count {
      let isShorter = letters.count < theirLetters.count
      let (short, long) = isShorter ? (letters, theirLetters) : (theirLetters, letters)
      let isMarked = (isShorter ? mine : theirs).traits.contains(.abbreviated)
      // Without a mark, a beginning of a word is an abbreviation only when it is no word itself.
      let isUnknown = isShorter ? count == 0 : theirCount <= 1
      if isMarked || (short.count >= 3 && isUnknown), Spelling.isPrefix(short, of: long) { return true }
    }
    let (shortest, longest) = (min(letters.count, theirLetters.count), max(letters.count, theirLetters.count))
    guard shortest >= 4, longest - shortest <= 2,
      isMisspelling(count, of: theirCount) || isMisspelling(theirCount, of: count) else { return false }
    return Spelling.isWithin(longest >= 6 && shortest >= 5 ? 2 : 1, letters, theirLetters)
  }

  /// A word that nearly nobody writes may be meant for one that many write; two common words are two words.
  private func isMisspelling(_ rare: UInt32, of common: UInt32) -> Bool { rare == 0 || rare &* 64 <= common }

  /// `קוקה קולה` and `קוקהקולה`.
  private func pairSplit(
    _ entry: MasterStore.Entry, _ mine: UnsafeBufferPointer<Token>, _ theirs: UnsafeBufferPointer<Token>,
    _ left: inout Bits, _ right: inout Bits
  ) -> Int32 {
    var shared: Int32 = 0
    for index in mine.indices where left[index] && !mine[index].isNumber {
      let whole = text.letters(mine[index])
      let found = pair(in: right, theirs.count) {
        Spelling.isJoined(whole, store.letters(entry, theirs[$0]), store.letters(entry, theirs[$1]))
      }
      guard let found else { continue }
      left.remove(index)
      right.remove(found.0)
      right.remove(found.1)
      shared += (weight(theirs[found.0]) + weight(theirs[found.1])) * 2
    }
    for other in theirs.indices where right[other] && !theirs[other].isNumber {
      let whole = store.letters(entry, theirs[other])
      let found = pair(in: left, mine.count) {
        Spelling.isJoined(whole, text.letters(mine[$0]), text.letters(mine[$1]))
      }
      guard let found else { continue }
      left.remove(found.0)
      left.remove(found.1)
      right.remove(other)
      shared += weight(theirs[other]) * 2
    }
    return shared
  }

  /// Two that are left, in either order.
  private func pair(in left: Bits, _ count: Int, _ isWanted: (Int, Int) -> Bool) -> (Int, Int)? {
    for first in 0..<count where left[first] {
      for second in 0..<count where left[second] && second != first {
        if isWanted(first, second) { return (first, second) }
      }
    }
    return nil
  }
}

/// Which tokens of a side are left.
struct Bits {
  private var bits: UInt32

  init(count: Int) { bits = count >= 32 ? .max : (1 << UInt32(count)) - 1 }

  var isEmpty: Bool { bits == 0 }
  var count: Int { bits.nonzeroBitCount }
  @inline(__always)
  subscript(_ index: Int) -> Bool { bits >> UInt32(index) & 1 == 1 }
  @inline(__always)
  mutating func remove(_ index: Int) { bits &= ~(1 << UInt32(index)) }
}

extension MasterStore {
  /// Of a word that so many masters have: 24, and 8 more for every time its number halves.
  @inline(__always)
  func weight(_ count: UInt32) -> Int32 { 24 + 8 * Logarithm.eighths(UInt32(named) + 1, over: count + 1) / 8 }
}

/// Binary logarithms in whole numbers, so that every machine weighs alike.
enum Logarithm {
  /// Eight times the logarithm of `value / divisor`, at least 0.
  @inline(__always)
  static func eighths(_ value: UInt32, over divisor: UInt32) -> Int32 { max(0, eighths(value) - eighths(divisor)) }

  /// - Precondition: greater than 0.
  @inline(__always)
  private static func eighths(_ value: UInt32) -> Int32 {
    let whole = 31 - Int32(value.leadingZeroBitCount)
    // The three bits behind the highest one, as if the logarithm were straight in between.
    let fraction = whole >= 3 ? value >> UInt32(whole - 3) & 7 : value << UInt32(3 - whole) & 7
    return whole * 8 + Int32(fraction)
  }
}
