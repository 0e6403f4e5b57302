extension PairFeatures {
  /// A linear guess, from what is read quickly, whether the row is the name's product: orders candidates.
  func glance(_ found: NameSearch.Found, _ index: NameIndex) -> Float {
    let name = index.names[Int(found.name)]
    var (shared, nameShared, nameTotal): (Float, Float, Float) = (0, 0, 1e-6)
    var (alike, nameAlike, numbers): (Float, Float, Float) = (0, 0, 0)
    for place in 0..<Int(name.pieceCount) {
      let piece = index.pieces[Int(name.pieces) + place]
      guard !piece.traits.contains(.unnamed) else { continue }
      let word = index.words[Int(piece.word)]
      let rarity = index.rarity(word.names)
      nameTotal += rarity
      var isFound = false
      for mine in 0..<rowCount where row[mine].hash == word.hash && !row[mine].traits.contains(.unnamed) {
        shared += row[mine].rarity
        nameShared += rarity
        isFound = true
      }
      if isFound { continue }
      if word.isNumber {
        numbers += 1
        continue
      }
      // A word that one side cuts short.
      let letters = Spelling.Letters(start: index.letters.start + Int(word.letters), count: Int(word.count))
      for mine in 0..<rowCount where row[mine].isNamed {
        let both = row[mine].mask & word.mask
        let span = row[mine].span
        guard both == word.mask || both == row[mine].mask,
          letters.count < span.count ? Spelling.isPrefix(letters, of: span) : Spelling.isPrefix(span, of: letters)
        else { continue }
        alike += row[mine].rarity
        nameAlike += rarity
        break
      }
    }
    var likelihood = Glance.nearness * found.score + Glance.rowShared * shared / rowTotal
    likelihood += Glance.nameShared * nameShared / nameTotal + Glance.rowAlike * alike / rowTotal
    likelihood += Glance.nameAlike * nameAlike / nameTotal + Glance.number * numbers
    if let mine = rowSize, let theirs = name.size {
      likelihood += mine.amount == theirs.amount ? Glance.size : Glance.otherSize
    }
    if facts.logPrice > RowFacts.unpriced, name.logPrice > RowFacts.unpriced {
      likelihood += Glance.price * min(abs(facts.logPrice - name.logPrice), 1)
    }
    if facts.isWeighted != name.isWeighted { likelihood += Glance.weighted }
    return likelihood
  }

  /// Learnt over published lists: the right name against the others of its row (multinomial logit).
  private enum Glance {
    static let (nearness, rowShared, nameShared): (Float, Float, Float) = (4.9, 7.1, 2.1)
    static let (rowAlike, nameAlike, number): (Float, Float, Float) = (4.6, 3.1, -0.15)
    static let (size, otherSize, weighted): (Float, Float, Float) = (1.1, -1.5, -2.6)
    static let price: Float = -5.6
  }
}
