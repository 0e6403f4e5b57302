extension PairFeatures {
  /// A linear guess, from what is read quickly, whether the row is the name's product: orders candidates.
  func glance(_ found: NameSearch.Found, _ index: NameIndex) -> Float {
    let name = index.names[Int(found.name)]
    var (rowShared, nameShared, nameTotal): (Float, Float, Float) = (0, 0, 1e-6)
    var last: NameIndex.Word?
    for place in 0..<Int(name.pieceCount) {
      let piece = index.pieces[Int(name.pieces) + place]
      guard !piece.traits.contains(.unnamed) else { continue }
      let word = index.words[Int(piece.word)]
      let rarity = index.rarity(word.names)
      nameTotal += rarity
      last = word
      for mine in 0..<rowCount where row[mine].hash == word.hash && !row[mine].traits.contains(.unnamed) {
        rowShared += row[mine].rarity
        nameShared += rarity
      }
    }
    var likelihood = Glance.nearness * found.score + Glance.rowShared * rowShared / rowTotal
      + Glance.nameShared * nameShared / nameTotal
    if let mine = rowSize, let theirs = name.size {
      likelihood += mine == theirs ? Glance.size : Glance.otherSize
    }
    if facts.logPrice > RowFacts.unpriced, name.logPrice > RowFacts.unpriced {
      likelihood += Glance.price * min(abs(facts.logPrice - name.logPrice), 1)
    }
    if facts.isWeighted != name.isWeighted { likelihood += Glance.weighted }
    // A name that was cut inside its last word.
    if let last, name.length >= 18, !last.isNumber {
      let letters = Spelling.Letters(start: index.letters.start + Int(last.letters), count: Int(last.count))
      for mine in 0..<rowCount where row[mine].isNamed && last.mask & ~row[mine].mask == 0 {
        if Spelling.isPrefix(letters, of: row[mine].span) { likelihood += Glance.cut }
      }
    }
    return likelihood
  }

  /// Learnt by logistic regression over published lists.
  private enum Glance {
    static let (nearness, rowShared, nameShared): (Float, Float, Float) = (3.7, 2, 2)
    static let (size, otherSize, weighted, cut): (Float, Float, Float, Float) = (0.1, -1.1, -1.7, 0.5)
    static let price: Float = -4.6
  }
}
