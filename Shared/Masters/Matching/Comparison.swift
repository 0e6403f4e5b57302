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

  let rows: MasterStore.Rows
  let mine: UnsafeBufferPointer<Token>
  let units: UnsafePointer<UInt16>
  /// Of every word of `mine`: the rarer, the heavier.
  let weights: UnsafePointer<Int32>
  let counts: UnsafePointer<UInt32>
  /// Lower scores are of no interest.
  let floor: Int

  /// What a word or number too many leaves of any score at most: see `judge`.
  private static let mostWithRest = 750

  /// - Returns: `floor` to `perfect`, or nil for a contradiction or less.
  @inline(__always)
  func score(_ candidate: NearestNames.Candidate) -> Int? {
    let theirs = UnsafeBufferPointer(start: rows.tokens + Int(candidate.tokens), count: Int(candidate.tokenCount))
    let allowsRest = floor < Self.mostWithRest
    var left = Bits(count: mine.count)
    var right = Bits(count: theirs.count)
    var shared: Int32 = 0
    for index in 0..<mine.count {
      let hash = mine[index].hash
      var other = 0
      while other < theirs.count, theirs[other].hash != hash { other &+= 1 }
      if other < theirs.count {
        // Neither side has a word twice.
        left.remove(index)
        right.remove(other)
        shared &+= weights[index] &* 2
      } else if !allowsRest, mine[index].isNumber {
        return nil
      }
    }
    guard left.count <= Self.mostDifferent, right.count <= Self.mostDifferent || left.isEmpty else { return nil }
    return align(candidate.master, theirs, left, right, shared, allowsRest)
  }

  private func align(
    _ entry: UInt32, _ theirs: UnsafeBufferPointer<Token>, _ left: Bits, _ right: Bits, _ shared: Int32,
    _ allowsRest: Bool
  ) -> Int? {
    var (left, right, shared, doubt) = (left, right, shared, Int32(0))
    if !allowsRest {
      for index in 0..<theirs.count where right[index] && theirs[index].isNumber { return nil }
    }
    if !left.isEmpty, !right.isEmpty {
      if right.count > 1 || left.count > 1 { shared += pairSplit(entry, theirs, &left, &right) }
      shared += pairSimilar(entry, theirs, &left, &right, &doubt)
    }
    guard shared > 0, let score = judge(theirs, left, right, shared, doubt, allowsRest) else { return nil }
    return score >= floor ? score : nil
  }

  /// Weighs what is left over.
  private func judge(
    _ theirs: UnsafeBufferPointer<Token>, _ left: Bits, _ right: Bits, _ shared: Int32, _ doubt: Int32,
    _ allowsRest: Bool
  ) -> Int? {
    var (mineLeft, theirsLeft) = (Rest(), Rest())
    for index in 0..<mine.count where left[index] {
      mineLeft.add(mine[index], weights[index], isMaker(mine[index]))
      if mineLeft.hasWord, !allowsRest { return nil }
    }
    for index in 0..<theirs.count where right[index] {
      let isMaker = isMaker(theirs[index])
      if !isMaker, !allowsRest { return nil }
      theirsLeft.add(theirs[index], weight(theirs[index]), isMaker)
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
    let count = rows.brands[token.hash]
    return count > 0 && count * 2 >= rows.words[token.hash]
  }

  private func weight(_ token: Token) -> Int32 { rows.weight(rows.words[token.hash]) }

  // MARK: - Words that are not equal but the same

  private func pairSimilar(
    _ entry: UInt32, _ theirs: UnsafeBufferPointer<Token>,
    _ left: inout Bits, _ right: inout Bits, _ doubt: inout Int32
  ) -> Int32 {
    var shared: Int32 = 0
    for index in 0..<mine.count where left[index] && !mine[index].isNumber {
      for other in 0..<theirs.count where right[other] && !theirs[other].isNumber {
        guard isSame(entry, index, theirs[other]) else { continue }
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

  @inline(__always)
  private func letters(_ token: Token) -> UnsafeBufferPointer<UInt16> {
    UnsafeBufferPointer(start: units + Int(token.start), count: Int(token.count))
  }

  private func isSame(_ entry: UInt32, _ index: Int, _ theirs: Token) -> Bool {
    let mine = mine[index]
    let isShorter = mine.count < theirs.count
    let (short, long) = isShorter ? (mine, theirs) : (theirs, mine)
    // A beginning has no letter that the whole has not; one change of a word takes and brings one letter at most.
    let mayBegin = short.count != long.count && short.letters & ~long.letters == 0
    let limit = long.count >= 6 && short.count >= 5 ? 2 : 1
    let mayBeMisspelled = short.count >= 4 && long.count - short.count <= 2
      && (short.letters ^ long.letters).nonzeroBitCount <= 2 * limit
    guard mayBegin || mayBeMisspelled else { return false }
    let (letters, theirLetters) = (letters(mine), rows.letters(entry, theirs))
    let (count, theirCount) = (counts[index], rows.words[theirs.hash])
    if mayBegin {
      // Without a mark, a beginning of a word is an abbreviation only when it is no word itself.
      let isUnknown = isShorter ? count == 0 : theirCount <= 1
      let (shortLetters, longLetters) = isShorter ? (letters, theirLetters) : (theirLetters, letters)
      if short.traits.contains(.abbreviated) || (short.count >= 3 && isUnknown),
        Spelling.isPrefix(shortLetters, of: longLetters) { return true }
    }
    guard mayBeMisspelled, isMisspelling(count, of: theirCount) || isMisspelling(theirCount, of: count) else {
      return false
    }
    return Spelling.isWithin(limit, letters, theirLetters)
  }

  /// A word that nearly nobody writes may be meant for one that many write; two common words are two words.
  private func isMisspelling(_ rare: UInt32, of common: UInt32) -> Bool { rare == 0 || rare &* 64 <= common }

  /// `קוקה קולה` and `קוקהקולה`.
  private func pairSplit(
    _ entry: UInt32, _ theirs: UnsafeBufferPointer<Token>, _ left: inout Bits, _ right: inout Bits
  ) -> Int32 {
    var shared: Int32 = 0
    for index in 0..<mine.count where left[index] && !mine[index].isNumber {
      let found = pair(mine[index], theirs, right) {
        Spelling.isJoined(letters(mine[index]), rows.letters(entry, $0), rows.letters(entry, $1))
      }
      guard let found else { continue }
      left.remove(index)
      right.remove(found.0)
      right.remove(found.1)
      shared += (weight(theirs[found.0]) + weight(theirs[found.1])) * 2
    }
    for other in 0..<theirs.count where right[other] && !theirs[other].isNumber {
      let found = pair(theirs[other], mine, left) {
        Spelling.isJoined(rows.letters(entry, theirs[other]), letters($0), letters($1))
      }
      guard let found else { continue }
      left.remove(found.0)
      left.remove(found.1)
      right.remove(other)
      shared += weight(theirs[other]) * 2
    }
    return shared
  }

  /// Two that are left, in either order, and are `whole` together.
  @inline(__always)
  private func pair(
    _ whole: Token, _ parts: UnsafeBufferPointer<Token>, _ left: Bits, _ isWanted: (Token, Token) -> Bool
  ) -> (Int, Int)? {
    for first in 0..<parts.count where left[first] && parts[first].count < whole.count {
      for second in 0..<parts.count where left[second] && second != first {
        guard Int(parts[first].count) + Int(parts[second].count) == Int(whole.count),
          parts[first].letters | parts[second].letters == whole.letters else { continue }
        if isWanted(parts[first], parts[second]) { return (first, second) }
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
  mutating func insert(_ index: Int) { bits |= 1 << UInt32(index) }
  @inline(__always)
  mutating func remove(_ index: Int) { bits &= ~(1 << UInt32(index)) }
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
