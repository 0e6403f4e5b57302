/// What is looked at when a row is compared with all names of a master together. The order is the model's.
enum NamesFeature: Int, CaseIterable {
  /// Shares of the row's rarity: in some name of the master, and in each name on average.
  case covered, coveredOnAverage
  /// Of the row's words that no name has: rarity and surprise of all, and of the most telling.
  case rest, rarest, restSurprise, mostSurprising
  /// Of the words that the row has not, weighed by the share of the names that have them: the same, and the share of
  /// the names' rarity that the row has.
  case missing, mostMissing, missingSurprise, mostMissingSurprise, namesCovered
  /// Numbers of the row that no name has, and those of most names that the row has not.
  case numbersRest, numbersMissing
  /// Shares of the names with the row's size and with another one.
  case size, otherSize
  /// Least distance of prices, and that to the mean: natural logarithms; -9 for unknown.
  case price, meanPrice
  case names
  /// Rarity within the maker's names: of the row's words that no name has, and of those that the row has not, weighed
  /// as above; the highest of each.
  case restOfMaker, rarestOfMaker, missingOfMaker, mostMissingOfMaker
  /// Names of the maker: logarithm.
  case maker
}

/// Compares a row with what all chains call a master, and those that were merged into it.
final class NamesFeatures {
  static let count = NamesFeature.allCases.count
  private static let most = 96
  private static let mostNames = 32

  private struct Piece: BitwiseCopyable {
    var word: UInt32
    var names: Float
  }
  private let pieces = UnsafeMutablePointer<Piece>.allocate(capacity: most)
  private var pieceCount = 0
  /// Of the row's words: the names that have them.
  private let found = UnsafeMutablePointer<Float>.allocate(capacity: ProductText.maxTokens)

  deinit {
    pieces.deallocate()
    found.deallocate()
  }

  /// - Parameter firsts: the first names of the master and of those merged into it.
  func compare(
    _ row: PairFeatures, _ firsts: some Sequence<UInt32>, _ index: NameIndex, _ target: UnsafeMutablePointer<Float>
  ) {
    func set(_ feature: NamesFeature, _ value: Float) { target[feature.rawValue] = value }
    for place in 0..<row.rowCount { found[place] = 0 }
    pieceCount = 0
    var (names, sizes, otherSizes, prices): (Float, Float, Float, Float) = (0, 0, 0, 0)
    var (price, sum): (Float, Float) = (9, 0)
    var maker: UInt32 = 0
    for first in firsts {
      maker = maker == 0 ? index.names[Int(first)].maker : maker
      var number = first
      while number != .max, names < Float(Self.mostNames) {
        let name = index.names[Int(number)]
        names += 1
        take(name, row, index)
        if let mine = row.rowSize, let theirs = name.size {
          if mine.amount == theirs.amount { sizes += 1 } else { otherSizes += 1 }
        }
        if row.facts.logPrice > RowFacts.unpriced, name.logPrice > RowFacts.unpriced {
          let distance = row.facts.logPrice - name.logPrice
          price = min(price, abs(distance))
          sum += distance
          prices += 1
        }
        number = name.next
      }
    }
    set(.names, names)
    set(.size, sizes / names)
    set(.otherSize, otherSizes / names)
    set(.price, prices > 0 ? price : -9)
    set(.meanPrice, prices > 0 ? sum / prices : -9)
    set(.maker, index.size(of: maker))
    mine(row, names, maker, index, set)
    theirs(row, names, maker, index, set)
  }

  /// Counts which words a name has.
  private func take(_ name: NameIndex.Name, _ row: PairFeatures, _ index: NameIndex) {
    for place in 0..<Int(name.pieceCount) {
      let piece = index.pieces[Int(name.pieces) + place]
      let word = index.words[Int(piece.word)]
      let letters = Spelling.Letters(start: index.letters.start + Int(word.letters), count: Int(word.count))
      var isFound = false
      for mine in 0..<row.rowCount {
        if row.row[mine].hash == word.hash {
          found[mine] += 1
          isFound = true
        } else if !word.isNumber, row.row[mine].isNamed, Self.isAlike(row.row[mine], word, letters) {
          found[mine] += 0.8
          isFound = true
        }
      }
      if isFound || piece.traits.contains(.unnamed) { continue }
      var at = 0
      while at < pieceCount, pieces[at].word != piece.word { at += 1 }
      if at == pieceCount {
        guard pieceCount < Self.most else { continue }
        pieces[at] = Piece(word: piece.word, names: 0)
        pieceCount += 1
      }
      pieces[at].names += 1
    }
  }

  /// One is the other cut short, or has a letter more or less.
  @inline(__always)
  private static func isAlike(_ mine: PairFeatures.Word, _ word: NameIndex.Word, _ letters: Spelling.Letters) -> Bool {
    let both = mine.mask & word.mask
    guard both == mine.mask || both == word.mask else { return false }
    let span = mine.span
    if span.count < letters.count {
      return (span.count >= 2 && Spelling.isPrefix(span, of: letters))
        || (span.count >= 4 && letters.count - span.count == 1 && Spelling.isWithin(1, span, letters))
    }
    return (letters.count >= 2 && letters.count < span.count && Spelling.isPrefix(letters, of: span))
      || (letters.count >= 4 && span.count - letters.count == 1 && Spelling.isWithin(1, letters, span))
  }

  private func mine(
    _ row: PairFeatures, _ names: Float, _ maker: UInt32, _ index: NameIndex, _ set: (NamesFeature, Float) -> Void
  ) {
    var (restOfMaker, rarestOfMaker): (Float, Float) = (0, 0)
    var (total, covered, average, rest, rarest): (Float, Float, Float, Float, Float) = (1e-6, 0, 0, 0, 0)
    var (surprise, most, numbers): (Float, Float, Float) = (0, 0, 0)
    for place in 0..<row.rowCount {
      let word = row.row[place]
      if word.traits.contains(.unnamed) { continue }
      if word.traits.contains(.number) {
        if found[place] == 0 { numbers += 1 }
        continue
      }
      total += word.rarity
      average += word.rarity * min(1, found[place] / names)
      if found[place] > 0 {
        covered += word.rarity
      } else {
        rest += word.rarity
        rarest = max(rarest, word.rarity)
        surprise += word.surprise
        most = max(most, word.surprise)
        let special = index.rarity(word.hash, of: maker)
        restOfMaker += special
        rarestOfMaker = max(rarestOfMaker, special)
      }
    }
    set(.restOfMaker, restOfMaker)
    set(.rarestOfMaker, rarestOfMaker)
    set(.covered, covered / total)
    set(.coveredOnAverage, average / total)
    set(.rest, rest)
    set(.rarest, rarest)
    set(.restSurprise, surprise)
    set(.mostSurprising, most)
    set(.numbersRest, numbers)
  }

  private func theirs(
    _ row: PairFeatures, _ names: Float, _ maker: UInt32, _ index: NameIndex, _ set: (NamesFeature, Float) -> Void
  ) {
    var (special, mostSpecial): (Float, Float) = (0, 0)
    var (rest, most, surprise, mostSurprise): (Float, Float, Float, Float) = (0, 0, 0, 0)
    var numbers: Float = 0
    for place in 0..<pieceCount {
      let word = index.words[Int(pieces[place].word)]
      let share = pieces[place].names / names
      if word.isNumber {
        if share > 0.5 { numbers += 1 }
        continue
      }
      let value = index.rarity(word.names) * share
      rest += value
      most = max(most, value)
      let telling = index.surprise(word) * share
      surprise += telling
      mostSurprise = max(mostSurprise, telling)
      let ofMaker = index.rarity(word.hash, of: maker) * share
      special += ofMaker
      mostSpecial = max(mostSpecial, ofMaker)
    }
    var shared: Float = 1e-6
    for place in 0..<row.rowCount where row.row[place].isNamed {
      shared += row.row[place].rarity * min(1, found[place] / names)
    }
    set(.missing, rest)
    set(.mostMissing, most)
    set(.missingSurprise, surprise)
    set(.mostMissingSurprise, mostSurprise)
    set(.namesCovered, shared / (shared + rest))
    set(.numbersMissing, numbers)
    set(.missingOfMaker, special)
    set(.mostMissingOfMaker, mostSpecial)
  }
}
