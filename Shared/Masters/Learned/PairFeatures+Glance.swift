extension PairFeatures {
  /// A linear guess, from what is read quickly, whether the row is each name's product: orders candidates.
  func glance(_ found: UnsafeMutableBufferPointer<NameSearch.Found>, _ index: NameIndex) {
    // Read once: a class's property costs more than the number that is read through it.
    let (names, pieces, words) = (index.names.start, index.pieces.start, index.words.start)
    let (letters, wordLogs, logCount) = (index.letters.start, index.wordLogs.start, index.logCount)
    let (row, rowTotal, rowNumbers, rowLetters) = (row, rowTotal, rowNumbers, rowLetters)
    // Read for all names first, so that the processor waits for memory once instead of at every name.
    for place in found.indices { fetched &+= pieces[Int(names[Int(found[place].name)].pieces)].word }
    for place in found.indices {
      let name = names[Int(found[place].name)]
      var (shared, nameShared, nameTotal): (Float, Float, Float) = (0, 0, 1e-6)
      var (alike, nameAlike, numbers): (Float, Float, Float) = (0, 0, 0)
      for piece in pieces + Int(name.pieces)..<pieces + Int(name.pieces) + Int(name.pieceCount) {
        let piece = piece.pointee
        guard !piece.traits.contains(.unnamed) else { continue }
        let rarity = logCount - wordLogs[Int(piece.word)]
        nameTotal += rarity
        var places = rowNumbers[Int(piece.word) & 63]
        while places != 0, row[places.trailingZeroBitCount].number != piece.word { places &= places - 1 }
        if places != 0 {
          shared += row[places.trailingZeroBitCount].rarity
          nameShared += rarity
          continue
        }
        if piece.traits.contains(.number) {
          numbers += 1
          continue
        }
        // A word that one side cuts short begins with the same letter.
        places = rowLetters[Int(piece.letter) & 63]
        guard places != 0 else { continue }
        let word = words[Int(piece.word)]
        let span = Spelling.Letters(start: letters + Int(word.letters), count: Int(word.count))
        while places != 0 {
          let mine = places.trailingZeroBitCount
          places &= places - 1
          guard Spelling.isCut(span, row[mine].span) else { continue }
          alike += row[mine].rarity
          nameAlike += rarity
          break
        }
      }
      var likelihood = Glance.nearness * found[place].score + Glance.rowShared * shared / rowTotal
      likelihood += Glance.nameShared * nameShared / nameTotal + Glance.rowAlike * alike / rowTotal
      likelihood += Glance.nameAlike * nameAlike / nameTotal + Glance.number * numbers
      if let mine = rowSize, let theirs = name.size {
        likelihood += mine.amount == theirs.amount ? Glance.size : Glance.otherSize
      }
      if facts.logPrice > RowFacts.unpriced, name.logPrice > RowFacts.unpriced {
        likelihood += Glance.price * min(abs(facts.logPrice - name.logPrice), 1)
      }
      if facts.isWeighted != name.isWeighted { likelihood += Glance.weighted }
      found[place].likelihood = likelihood
    }
  }

  /// Learnt over published lists: the right name against the others of its row (multinomial logit).
  private enum Glance {
    static let (nearness, rowShared, nameShared): (Float, Float, Float) = (4.9, 7.1, 2.1)
    static let (rowAlike, nameAlike, number): (Float, Float, Float) = (4.6, 3.1, -0.15)
    static let (size, otherSize, weighted): (Float, Float, Float) = (1.1, -1.5, -2.6)
    static let price: Float = -5.6
  }
}
