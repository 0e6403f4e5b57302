import Glibc

/// What is looked at when a row is compared with one of a master's names. The order is the model's.
enum PairFeature: Int, CaseIterable {
  /// Of n-grams, and of the glance that orders the candidates.
  case nearness, likelihood
  // Words: the share of each side's rarity that the other has, with and without words that are only alike.
  case rowCovered, nameCovered, rowEqual, nameEqual, shared
  // What is left over on each side.
  case rowRest, nameRest, rowRarest, nameRarest, rowWords, nameWords, alike
  /// Of the rest: rarity of the words that are a maker's.
  case rowMaker, nameMaker
  case rowCount, nameCount
  case numbersShared, rowNumbers, nameNumbers, numbersExplained
  /// -1 for unknown, 0 for different, 1 for equal.
  case percent
  case rowPercents, namePercents
  /// As `percent`.
  case size
  case sizeRatio
  /// Natural logarithm of the row's over the name's; -9 for unknown.
  case priceRatio
  case priceDistance
  case weightedDifference, rowWeighted
  case rowLength, nameLength
  /// How much the words left over on each side say, all together and the most telling (`NameIndex.surprise`).
  case rowSurprise, rowMostSurprising, nameSurprise, nameMostSurprising
  /// Of the words left over on the row's side: how much they stand for such of the name, all together.
  case alias
  // Letters from the beginning that are equal.
  case beginning, beginningShare
  case firstWord, lastWord
  case brand
}

/// Compares a row with names. Reused from one row to the next.
final class PairFeatures {
  static let count = PairFeature.allCases.count

  struct Word: BitwiseCopyable {
    var hash: UInt64
    /// In the index; `.max` for a word that it has not.
    var number: UInt32
    var letters: UnsafePointer<UInt16>
    var count: Int
    var mask: UInt32
    var rarity: Float
    var surprise: Float
    var names: UInt32
    var traits: Token.Traits
    var isPercent: Bool
  }
  typealias Words = UnsafeMutablePointer<Word>
  let row = Words.allocate(capacity: ProductText.maxTokens)
  private(set) var rowCount = 0
  /// Places of the row's words, a bit each: by the lowest six bits of their number, and of the first letter of those
  /// that `isNamed`.
  let rowNumbers = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
  let rowLetters = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
  /// Rarity of its words and numbers.
  private(set) var rowTotal: Float = 0
  /// Of no meaning: keeps reads that only fetch memory.
  var fetched: UInt32 = 0
  private let name = Words.allocate(capacity: ProductText.maxTokens)
  private var nameCount = 0
  private(set) var rowSize: ProductSize?
  /// Of the comparison at hand.
  private var target: UnsafeMutablePointer<Float>?
  private(set) var facts = RowFacts(name: .init(start: nil, count: 0), price: 0, isWeighted: false)

  deinit {
    row.deallocate()
    rowNumbers.deallocate()
    rowLetters.deallocate()
    name.deallocate()
  }

  func set(_ text: ProductText, _ facts: RowFacts, _ index: NameIndex) {
    self.facts = facts
    rowSize = text.size
    rowCount = text.tokenCount
    rowTotal = 1e-6
    rowNumbers.update(repeating: 0, count: 64)
    rowLetters.update(repeating: 0, count: 64)
    for place in 0..<rowCount {
      let token = text.tokens[place]
      let number = index.word(token.hash)
      let word = number.map { index.words[Int($0)] }
      let names = word?.names ?? 0
      row[place] = Word(
        hash: token.hash, number: number ?? .max, letters: text.units + Int(token.start), count: Int(token.count),
        mask: token.letters, rarity: index.rarity(names), surprise: index.surprise(word), names: names,
        traits: token.traits,
        isPercent: token.isNumber && text.units[Int(token.start) + Int(token.count) - 1] == 0x25)
      guard !token.isUnnamed else { continue }
      rowTotal += row[place].rarity
      if let number { rowNumbers[Int(number) & 63] |= 1 << UInt32(place) }
      if row[place].isNamed { rowLetters[Int(row[place].letters[0]) & 63] |= 1 << UInt32(place) }
    }
  }

  /// Fills `count` numbers at `target`.
  func compare(_ found: NameSearch.Found, _ index: NameIndex, _ target: UnsafeMutablePointer<Float>) {
    let name = index.names[Int(found.name)]
    load(name, index)
    self.target = target
    set(.nearness, found.score)
    set(.likelihood, found.likelihood)
    words(name, index)
    numbers(name)
    set(.rowLength, Float(facts.length))
    set(.nameLength, Float(name.length))
    let isPriced = facts.logPrice > RowFacts.unpriced && name.logPrice > RowFacts.unpriced
    let ratio = isPriced ? facts.logPrice - name.logPrice : -9
    set(.priceRatio, ratio)
    set(.priceDistance, abs(ratio))
    set(.weightedDifference, (facts.isWeighted ? 1 : 0) - (name.isWeighted ? 1 : 0))
    set(.rowWeighted, facts.isWeighted ? 1 : 0)
    sizes(name.size)
    beginnings()
  }

  @inline(__always)
  private func set(_ feature: PairFeature, _ value: Float) { target?[feature.rawValue] = value }

  private func load(_ entry: NameIndex.Name, _ index: NameIndex) {
    nameCount = Int(entry.pieceCount)
    for place in 0..<nameCount {
      let piece = index.pieces[Int(entry.pieces) + place]
      let word = index.words[Int(piece.word)]
      let letters = UnsafePointer(index.letters.start + Int(word.letters))
      name[place] = Word(
        hash: word.hash, number: piece.word, letters: letters, count: Int(word.count), mask: word.mask,
        rarity: index.rarity(word.names), surprise: index.surprise(word), names: word.names, traits: piece.traits,
        isPercent: word.isNumber && letters[Int(word.count) - 1] == 0x25)
    }
  }

  // MARK: - Words

  private func words(_ entry: NameIndex.Name, _ index: NameIndex) {
    var (mine, theirs) = (Bits(count: 0), Bits(count: 0))
    var (rowTotal, nameTotal): (Float, Float) = (1e-6, 1e-6)
    for place in 0..<rowCount where row[place].isNamed {
      mine.insert(place)
      rowTotal += row[place].rarity
    }
    for place in 0..<nameCount where name[place].isNamed {
      theirs.insert(place)
      nameTotal += name[place].rarity
    }
    set(.rowCount, Float(mine.count))
    set(.nameCount, Float(theirs.count))
    var equal: Float = 0
    for place in 0..<rowCount where mine[place] {
      for other in 0..<nameCount where theirs[other] && name[other].hash == row[place].hash {
        mine.remove(place)
        theirs.remove(other)
        equal += row[place].rarity
        break
      }
    }
    var (rowAlike, nameAlike, alike): (Float, Float, Int) = (0, 0, 0)
    pairAlike(&mine, &theirs, &rowAlike, &nameAlike, &alike)
    pairJoined(row, rowCount, &mine, name, nameCount, &theirs, &rowAlike, &nameAlike)
    pairJoined(name, nameCount, &theirs, row, rowCount, &mine, &nameAlike, &rowAlike)
    set(.rowCovered, (equal + rowAlike) / rowTotal)
    set(.nameCovered, (equal + nameAlike) / nameTotal)
    set(.rowEqual, equal / rowTotal)
    set(.nameEqual, equal / nameTotal)
    set(.shared, equal + rowAlike)
    set(.alike, Float(alike))
    rest(entry, index, mine, theirs)
  }

  private func rest(_ entry: NameIndex.Name, _ index: NameIndex, _ mine: Bits, _ theirs: Bits) {
    let ours = left(row, rowCount, mine, others: name, nameCount, entry, index)
    set(.rowRest, ours.sum)
    set(.rowRarest, ours.rarest)
    set(.rowMaker, ours.maker)
    set(.rowWords, Float(mine.count))
    let others = left(name, nameCount, theirs, others: row, rowCount, entry, index)
    set(.nameRest, others.sum)
    set(.nameRarest, others.rarest)
    set(.nameMaker, others.maker)
    set(.nameWords, Float(theirs.count))
    surprises(index, mine, theirs)
    var (isBranded, isOtherBranded, isSame) = (false, false, false)
    for place in 0..<rowCount where row[place].traits.contains(.brand) {
      isBranded = true
      isSame = isSame || has(name, nameCount, brand: row[place].hash)
    }
    for place in 0..<nameCount where name[place].traits.contains(.brand) { isOtherBranded = true }
    set(.brand, isBranded && isOtherBranded ? (isSame ? 1 : 0) : -1)
  }

  /// What is left over says less when words of the other side stand for it.
  private func surprises(_ index: NameIndex, _ mine: Bits, _ theirs: Bits) {
    var (sum, most, aliases): (Float, Float, Float) = (0, 0, 0)
    for place in 0..<rowCount where mine[place] {
      let alias = alias(row[place], name, nameCount, theirs, index)
      aliases += alias
      sum += row[place].surprise * (1 - alias)
      most = max(most, row[place].surprise * (1 - alias))
    }
    set(.rowSurprise, sum)
    set(.rowMostSurprising, most)
    set(.alias, aliases)
    (sum, most) = (0, 0)
    for place in 0..<nameCount where theirs[place] {
      let alias = alias(name[place], row, rowCount, mine, index)
      sum += name[place].surprise * (1 - alias)
      most = max(most, name[place].surprise * (1 - alias))
    }
    set(.nameSurprise, sum)
    set(.nameMostSurprising, most)
  }

  private func alias(_ word: Word, _ others: Words, _ count: Int, _ places: Bits, _ index: NameIndex) -> Float {
    guard word.names > 0 else { return 0 }
    var best: Float = 0
    for place in 0..<count where places[place] && others[place].names > 0 {
      best = max(best, index.alias(word.hash, others[place].hash, names: min(word.names, others[place].names)))
    }
    return best
  }

  /// Rarity of the words of one side that the other has not: all together, the rarest, and those that say the maker.
  private func left(
    _ words: Words, _ count: Int, _ places: Bits, others: Words, _ otherCount: Int, _ entry: NameIndex.Name,
    _ index: NameIndex
  ) -> (sum: Float, rarest: Float, maker: Float) {
    var (sum, rarest, maker): (Float, Float, Float) = (0, 0, 0)
    for place in 0..<count where places[place] {
      let word = words[place]
      sum += word.rarity
      rarest = max(rarest, word.rarity)
      if has(others, otherCount, brand: word.hash) || index.isOf(entry.maker, word.hash, names: word.names) {
        maker += word.rarity
      }
    }
    return (sum, rarest, maker)
  }

  private func has(_ words: Words, _ count: Int, brand hash: UInt64) -> Bool {
    for place in 0..<count where words[place].hash == hash && words[place].traits.contains(.brand) { return true }
    return false
  }

  /// The most alike first.
  private func pairAlike(
    _ mine: inout Bits, _ theirs: inout Bits, _ rowAlike: inout Float, _ nameAlike: inout Float, _ alike: inout Int
  ) {
    while !mine.isEmpty, !theirs.isEmpty {
      var best: (likeness: Float, place: Int, other: Int) = (0, 0, 0)
      for place in 0..<rowCount where mine[place] {
        for other in 0..<nameCount where theirs[other] {
          let likeness = likeness(row[place], name[other])
          if likeness > best.likeness { best = (likeness, place, other) }
        }
      }
      guard best.likeness > 0 else { return }
      mine.remove(best.place)
      theirs.remove(best.other)
      rowAlike += row[best.place].rarity * best.likeness
      nameAlike += name[best.other].rarity * best.likeness
      alike += 1
    }
  }

  private func pairJoined(
    _ wholes: Words, _ wholeCount: Int, _ whole: inout Bits, _ parts: Words, _ partCount: Int, _ part: inout Bits,
    _ wholeAlike: inout Float, _ partAlike: inout Float
  ) {
    guard part.count >= 2 else { return }
    for place in 0..<wholeCount where whole[place] {
      search: for first in 0..<partCount where part[first] && parts[first].count < wholes[place].count {
        for second in 0..<partCount where part[second] && second != first {
          guard parts[first].count + parts[second].count == wholes[place].count,
            parts[first].mask | parts[second].mask == wholes[place].mask,
            Spelling.isJoined(wholes[place].span, parts[first].span, parts[second].span) else { continue }
          whole.remove(place)
          part.remove(first)
          part.remove(second)
          wholeAlike += wholes[place].rarity
          partAlike += parts[first].rarity + parts[second].rarity
          break search
        }
      }
    }
  }

  /// 0 for two words, up to 1 for one word in two spellings.
  private func likeness(_ a: Word, _ b: Word) -> Float {
    let (short, long) = a.count < b.count ? (a, b) : (b, a)
    if short.count < long.count, short.mask & ~long.mask == 0 {
      if short.count >= 2, Spelling.isPrefix(short.span, of: long.span) { return short.count >= 3 ? 0.9 : 0.7 }
      // A letter in front: Hebrew's prefixes.
      if short.count >= 3, long.count - short.count == 1 {
        var place = 0
        while place < short.count, short.letters[place] == long.letters[place + 1] { place += 1 }
        if place == short.count { return 0.85 }
      }
    }
    guard short.count >= 4 else { return 0 }
    if long.count - short.count <= 1, (short.mask ^ long.mask).nonzeroBitCount <= 2,
      Spelling.isWithin(1, short.span, long.span) { return short.count == long.count ? 0.8 : 0.85 }
    guard short.letters[0] == long.letters[0] || long.count - short.count <= 4 else { return 0 }
    if Self.isEqualWithoutVowels(short.span, long.span) { return 0.85 }
    var place = 0
    while place < short.count, short.letters[place] == long.letters[place] { place += 1 }
    return place >= 4 && place * 10 >= long.count * 6 ? 0.6 : 0
  }

  /// Vav and yod stand for vowels, and writers differ on whether to write them.
  private static func isEqualWithoutVowels(_ a: Spelling.Letters, _ b: Spelling.Letters) -> Bool {
    var (i, j) = (0, 0)
    while true {
      while i < a.count, a[i] == 0x5D5 || a[i] == 0x5D9 { i += 1 }
      while j < b.count, b[j] == 0x5D5 || b[j] == 0x5D9 { j += 1 }
      guard i < a.count, j < b.count else { return i == a.count && j == b.count }
      guard a[i] == b[j] else { return false }
      i += 1
      j += 1
    }
  }

  // MARK: - Numbers

  private func numbers(_ entry: NameIndex.Name) {
    var (shared, explained, percents): (Float, Float, Float) = (0, 0, 0)
    var (rowNumbers, nameNumbers, rowPercents, namePercents): (Float, Float, Float, Float) = (0, 0, 0, 0)
    var (hasPercent, hasOtherPercent) = (false, false)
    for place in 0..<rowCount where row[place].traits.contains(.number) {
      let number = row[place]
      hasPercent = hasPercent || number.isPercent
      if has(name, nameCount, number: number.hash) {
        if number.isPercent { percents += 1 } else { shared += 1 }
      } else if number.isPercent {
        rowPercents += 1
      } else if number.isSaid(by: entry.size) {
        explained += 1
      } else {
        rowNumbers += 1
      }
    }
    for place in 0..<nameCount where name[place].traits.contains(.number) {
      let number = name[place]
      hasOtherPercent = hasOtherPercent || number.isPercent
      if has(row, rowCount, number: number.hash) { continue }
      if number.isPercent {
        namePercents += 1
      } else if number.isSaid(by: rowSize) {
        explained += 1
      } else {
        nameNumbers += 1
      }
    }
    set(.numbersShared, shared)
    set(.numbersExplained, explained)
    set(.rowNumbers, rowNumbers)
    set(.nameNumbers, nameNumbers)
    set(.percent, hasPercent && hasOtherPercent ? (percents > 0 ? 1 : 0) : -1)
    set(.rowPercents, rowPercents)
    set(.namePercents, namePercents)
  }

  private func has(_ words: Words, _ count: Int, number hash: UInt64) -> Bool {
    for place in 0..<count where words[place].hash == hash && words[place].traits.contains(.number) { return true }
    return false
  }

  private func sizes(_ theirs: ProductSize?) {
    guard let mine = rowSize, let theirs else {
      set(.size, -1)
      set(.sizeRatio, 0)
      return
    }
    var ratio = abs(logf(Float(mine.tenths) / Float(theirs.tenths)))
    let isComparable = mine.dimension == theirs.dimension || (mine.dimension != .pieces && theirs.dimension != .pieces)
    set(.size, ratio < 0.02 && isComparable ? 1 : 0)
    if mine.dimension != theirs.dimension { ratio += 0.15 }
    set(.sizeRatio, min(ratio, 5))
  }

  // MARK: - Beginnings

  /// The letters of the words without the spaces between them.
  private func beginnings() {
    var (mine, theirs) = (Cursor(), Cursor())
    var common = 0
    while let letter = mine.next(row, rowCount), letter == theirs.next(name, nameCount) { common += 1 }
    let shorter = min(Self.letters(row, rowCount), Self.letters(name, nameCount))
    set(.beginning, Float(common))
    set(.beginningShare, Float(common) / Float(max(1, shorter)))
    let (first, otherFirst) = (Self.firstWord(row, rowCount), Self.firstWord(name, nameCount))
    set(.firstWord, first != nil && first?.hash == otherFirst?.hash ? 1 : 0)
    let (last, otherLast) = (Self.lastWord(row, rowCount), Self.lastWord(name, nameCount))
    if let last, let otherLast {
      set(.lastWord, last.hash == otherLast.hash ? 1 : likeness(last, otherLast))
    } else {
      set(.lastWord, 0)
    }
  }

  private struct Cursor {
    private var word = 0
    private var letter = 0

    mutating func next(_ words: Words, _ count: Int) -> UInt16? {
      while word < count {
        if !words[word].traits.contains(.unnamed), letter < words[word].count {
          letter += 1
          return words[word].letters[letter - 1]
        }
        word += 1
        letter = 0
      }
      return nil
    }
  }

  private static func letters(_ words: Words, _ count: Int) -> Int {
    var sum = 0
    for place in 0..<count where !words[place].traits.contains(.unnamed) { sum += words[place].count }
    return sum
  }

  private static func firstWord(_ words: Words, _ count: Int) -> Word? {
    for place in 0..<count where words[place].isNamed { return words[place] }
    return nil
  }

  private static func lastWord(_ words: Words, _ count: Int) -> Word? {
    for place in (0..<count).reversed() where words[place].isNamed { return words[place] }
    return nil
  }
}
