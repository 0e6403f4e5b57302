import Glibc
import Values

/// Every name that chains give the masters, as sets of n-grams with an inverted index over them. A master has a name
/// of each chain that was met; a row is compared with all of them. Not safe for concurrent use: `MasterIndex` guards
/// it.
///
/// What a search finds depends only on the set of names, never on the order they came in.
final class NameIndex {
  /// A word or number, kept once for all names that have it.
  struct Word: BitwiseCopyable {
    var hash: UInt64
    var letters: UInt32
    /// Which letters it has, as `Token.letters`.
    var mask: UInt32
    /// Names that have it.
    var names: UInt32
    /// Pairs of names of one master: those in which both have it, and those in which only one does.
    var kept: UInt32 = 0
    var dropped: UInt32 = 0
    var count: UInt8
    var isNumber: Bool
  }
  struct Piece: BitwiseCopyable {
    var word: UInt32
    /// The word's first letter.
    var letter: UInt16
    var traits: Token.Traits
  }
  struct Name: BitwiseCopyable {
    /// Of its words and its master: names that are equally near always come in the same order.
    var order: UInt64
    /// Its number in the store.
    var master: UInt32
    var pieces: UInt32
    /// The next name of the same master; `.max` for none.
    var next: UInt32
    /// Natural logarithm in the currency's unit; `RowFacts.unpriced` for unknown.
    var logPrice: Float
    var size: ProductSize?
    /// Company prefix of the GTIN, 0 for none.
    var maker: UInt32
    /// Letters as published, which says whether it may have been cut.
    var length: UInt8
    var pieceCount: UInt8
    var isWeighted: Bool
    var isVacant: Bool
  }

  private(set) var names = GrowingArray<Name>()
  /// One over the square root of a name's number of n-grams, by name.
  private(set) var scales = GrowingArray<Float>()
  private(set) var pieces = GrowingArray<Piece>(capacity: 1 << 10)
  private(set) var words = GrowingArray<Word>(capacity: 1 << 10)
  private(set) var letters = GrowingArray<UInt16>(capacity: 1 << 12)
  /// Natural logarithm of the number of a word's names and one, by word.
  private(set) var wordLogs = GrowingArray<Float>(capacity: 1 << 10)
  private var wordNumbers = KeyTable()
  private var postings = Postings()
  /// In how many names a word stands beside a company's prefix.
  private let makers = WordCounts(bits: 17)
  /// In how many pairs of names of one master one has the one word, the other the other: spellings, abbreviations,
  /// synonyms and transliterated brands.
  private let aliases = WordCounts(bits: 17)
  private var vacant: [UInt32] = []
  private let grams = Grams()
  private(set) var count = 0 {
    didSet { logCount = Self.log(UInt32(count + 2)) }
  }
  /// Natural logarithm of the number of names and two.
  private(set) var logCount = NameIndex.log(2)

  var byteCount: Int {
    names.byteCount + scales.byteCount + pieces.byteCount + words.byteCount + letters.byteCount + wordLogs.byteCount
      + wordNumbers.byteCount + postings.byteCount + makers.byteCount + aliases.byteCount + vacant.capacity * 4
  }

  // MARK: - Looking

  @inline(__always)
  func list(_ key: UInt64) -> Postings.List? { postings.list(key) }

  static func key(size: ProductSize) -> UInt64 { 1 << 63 | size.amount }

  @inline(__always)
  func word(_ hash: UInt64) -> UInt32? {
    var found: UInt32?
    wordNumbers.search(min(hash, .max - 2)) { number in
      found = number
      return true
    }
    return found
  }

  /// The rarer, the heavier: natural logarithm.
  @inline(__always)
  func rarity(_ names: UInt32) -> Float { logCount - Self.log(names + 1) }

  @inline(__always)
  private static func log(_ value: UInt32) -> Float { value < 1 << 14 ? logs[Int(value)] : logf(Float(value)) }

  /// Natural logarithms of small whole numbers.
  nonisolated(unsafe) private static let logs: UnsafePointer<Float> = {
    let logs = UnsafeMutablePointer<Float>.allocate(capacity: 1 << 14)
    for value in 0..<1 << 14 { logs[value] = logf(Float(max(value, 1))) }
    return UnsafePointer(logs)
  }()

  /// How much it says that another name of the product has not this word: the negative logarithm of the share of pairs
  /// in which one of the two leaves it out. `תנובה` is often left out, `חריף` seldom.
  @inline(__always)
  func surprise(_ word: Word?) -> Float {
    guard let word else { return 0.9 }
    let (kept, dropped) = (2 * word.kept, 2 * word.dropped)
    return Self.log(kept + dropped + 5) - Self.log(dropped + 2)
  }

  /// How often two words stand for each other in names of one product, as a share of the rarer one's names.
  @inline(__always)
  func alias(_ first: UInt64, _ second: UInt64, names: UInt32) -> Float {
    min(1, Float(aliases.view[Self.pair(first, second)]) / Float(names + 2))
  }

  /// The same for both orders.
  private static func pair(_ first: UInt64, _ second: UInt64) -> UInt64 {
    Token.mix(Token.mix(first) &+ Token.mix(second))
  }

  /// Whether more than half of the names with this word carry codes of this company.
  @inline(__always)
  func isOf(_ maker: UInt32, _ hash: UInt64, names: UInt32) -> Bool {
    maker != 0 && names >= 3 && makers.view[Self.mixed(hash, maker)] * 2 > names
  }

  /// The rarer among names with codes of this company, the heavier: natural logarithm. As among all names
  /// of its kind for an unknown company.
  @inline(__always)
  func rarity(_ hash: UInt64, of maker: UInt32) -> Float {
    Self.log(makers.view[Self.mixed(0, maker)] + 2) - Self.log(makers.view[Self.mixed(hash, maker)] + 1)
  }

  /// Names with codes of this company: natural logarithm.
  func size(of maker: UInt32) -> Float { maker == 0 ? -1 : Self.log(makers.view[Self.mixed(0, maker)] + 1) }

  private static func mixed(_ hash: UInt64, _ maker: UInt32) -> UInt64 {
    Token.mix(hash ^ UInt64(maker) &* 0x9e37_79b9_7f4a_7c15)
  }

  // MARK: - Changing

  /// The names of a master are linked in an order of their own: sums over them do not depend on which came first.
  /// - Parameter first: of the master's names; `.max` for none.
  /// - Returns: the first of them from now on.
  func add(_ text: ProductText, _ facts: RowFacts, master: UInt32, key: MasterKey, first: UInt32) -> UInt32 {
    let maker = key.company
    let number = vacant.popLast() ?? UInt32(names.count)
    let firstPiece = UInt32(pieces.count)
    for index in 0..<text.tokenCount {
      let token = text.tokens[index]
      let word = wordForAdding(token, text)
      count(word, names: 1)
      if maker != 0 { makers.add(Self.mixed(token.hash, maker), 1) }
      pieces.append(Piece(word: word, letter: text.units[Int(token.start)], traits: token.traits))
    }
    let name = Name(
      order: text.identity ^ Token.mix(key.word), master: master, pieces: firstPiece, next: .max,
      logPrice: facts.logPrice, size: text.size, maker: maker,
      length: facts.length, pieceCount: UInt8(text.tokenCount), isWeighted: facts.isWeighted, isVacant: false)
    if maker != 0 { makers.add(Self.mixed(0, maker), 1) }
    grams.set(text)
    let scale = 1 / Float(max(1, grams.count)).squareRoot()
    if Int(number) < names.count {
      names[Int(number)] = name
      scales[Int(number)] = scale
    } else {
      names.append(name)
      scales.append(scale)
    }
    for index in 0..<grams.count { postings.add(UInt64(grams.hashes[index]) + 1, number) }
    if let size = text.size { postings.add(Self.key(size: size), number) }
    count += 1
    learn(number, from: first, 1)
    return link(number, first)
  }

  private func link(_ number: UInt32, _ first: UInt32) -> UInt32 {
    guard first != .max, isBefore(first, number) else {
      names[Int(number)].next = first
      return number
    }
    var last = first
    while names[Int(last)].next != .max, isBefore(names[Int(last)].next, number) { last = names[Int(last)].next }
    names[Int(number)].next = names[Int(last)].next
    names[Int(last)].next = number
    return first
  }

  private func isBefore(_ first: UInt32, _ second: UInt32) -> Bool {
    let (a, b) = (names[Int(first)], names[Int(second)])
    return (a.order, a.logPrice, a.length) < (b.order, b.logPrice, b.length)
  }

  /// Counts what the name and other names of its master say differently.
  private func learn(_ number: UInt32, from other: UInt32, _ amount: Int32) {
    let name = names[Int(number)]
    var other = other
    while other != .max {
      let next = names[Int(other)]
      // Always in the same order, so that the counts do not depend on which name came first.
      if name.order <= next.order { compare(name, next, amount) } else { compare(next, name, amount) }
      other = next.next
    }
  }

  private func compare(_ first: Name, _ second: Name, _ amount: Int32) {
    var (mine, theirs) = (Bits(count: Int(first.pieceCount)), Bits(count: Int(second.pieceCount)))
    keep(first, second, &mine, &theirs, amount) { $0 == $1 }
    keep(first, second, &mine, &theirs, amount, isCut)
    for place in 0..<Int(first.pieceCount) where mine[place] { drop(first, place, amount) }
    for place in 0..<Int(second.pieceCount) where theirs[place] { drop(second, place, amount) }
    for place in 0..<Int(first.pieceCount) where mine[place] {
      let word = words[Int(pieces[Int(first.pieces) + place].word)]
      for other in 0..<Int(second.pieceCount) where theirs[other] {
        let theirs = words[Int(pieces[Int(second.pieces) + other].word)]
        guard !word.isNumber, !theirs.isNumber else { continue }
        aliases.add(Self.pair(word.hash, theirs.hash), amount)
      }
    }
  }

  private func keep(
    _ first: Name, _ second: Name, _ mine: inout Bits, _ theirs: inout Bits, _ amount: Int32,
    _ isSame: (UInt32, UInt32) -> Bool
  ) {
    for place in 0..<Int(first.pieceCount) where mine[place] {
      let word = pieces[Int(first.pieces) + place].word
      for other in 0..<Int(second.pieceCount) where theirs[other] {
        let theirWord = pieces[Int(second.pieces) + other].word
        guard isSame(word, theirWord) else { continue }
        count(word, kept: amount)
        if theirWord != word { count(theirWord, kept: amount) }
        mine.remove(place)
        theirs.remove(other)
        break
      }
    }
  }

  private func drop(_ name: Name, _ place: Int, _ amount: Int32) {
    let piece = pieces[Int(name.pieces) + place]
    // What only the manufacturer's column says is not left out by a name.
    guard !piece.traits.contains(.unnamed) else { return }
    words[Int(piece.word)].dropped &+= UInt32(bitPattern: amount)
  }

  private func count(_ word: UInt32, kept amount: Int32) { words[Int(word)].kept &+= UInt32(bitPattern: amount) }

  private func count(_ word: UInt32, names amount: Int32) {
    words[Int(word)].names &+= UInt32(bitPattern: amount)
    wordLogs[Int(word)] = Self.log(words[Int(word)].names + 1)
  }

  /// One is the other cut short.
  private func isCut(_ first: UInt32, _ second: UInt32) -> Bool {
    let (a, b) = (words[Int(first)], words[Int(second)])
    let (short, long) = a.count < b.count ? (a, b) : (b, a)
    guard short.count >= 2, short.count < long.count, !short.isNumber, !long.isNumber, short.mask & ~long.mask == 0
    else { return false }
    return Spelling.isPrefix(letters(short), of: letters(long))
  }

  private func letters(_ word: Word) -> Spelling.Letters {
    Spelling.Letters(start: letters.start + Int(word.letters), count: Int(word.count))
  }

  /// Removes the first name of a master.
  /// - Returns: the next one.
  func remove(_ number: UInt32) -> UInt32 {
    let name = names[Int(number)]
    learn(number, from: name.next, -1)
    let text = ProductText()
    text.tokenCount = Int(name.pieceCount)
    var end = 0
    for index in 0..<Int(name.pieceCount) {
      let piece = pieces[Int(name.pieces) + index]
      let word = words[Int(piece.word)]
      for offset in 0..<Int(word.count) { text.units[end + offset] = letters[Int(word.letters) + offset] }
      text.tokens[index] = Token(
        hash: word.hash, start: UInt16(end), count: word.count, traits: piece.traits, letters: word.mask)
      end += Int(word.count)
      count(piece.word, names: -1)
      if name.maker != 0 { makers.add(Self.mixed(word.hash, name.maker), -1) }
    }
    if name.maker != 0 { makers.add(Self.mixed(0, name.maker), -1) }
    grams.set(text)
    for index in 0..<grams.count { postings.remove(UInt64(grams.hashes[index]) + 1, number) }
    if let size = name.size { postings.remove(Self.key(size: size), number) }
    names[Int(number)].isVacant = true
    vacant.append(number)
    count -= 1
    return name.next
  }

  /// Names of a master.
  func count(from first: UInt32) -> Int {
    var (number, count) = (first, 0)
    while number != .max {
      number = names[Int(number)].next
      count += 1
    }
    return count
  }

  /// Whether one of the master's names has just these words.
  func isKnown(_ text: ProductText, from first: UInt32) -> Bool {
    var number = first
    while number != .max {
      let name = names[Int(number)]
      if Int(name.pieceCount) == text.tokenCount, name.size == text.size,
        (0..<text.tokenCount).allSatisfy({
          words[Int(pieces[Int(name.pieces) + $0].word)].hash == text.tokens[$0].hash
        }) { return true }
      number = name.next
    }
    return false
  }

  private func wordForAdding(_ token: Token, _ text: ProductText) -> UInt32 {
    if let known = word(token.hash) { return known }
    let number = UInt32(words.count)
    words.append(
      Word(hash: token.hash, letters: UInt32(letters.count), mask: token.letters, names: 0, count: token.count,
        isNumber: token.isNumber))
    wordLogs.append(0)
    letters.append(text.letters(token))
    wordNumbers.insert(min(token.hash, .max - 2), number)
    return number
  }
}

/// What a row says beside its words.
package struct RowFacts: Sendable {
  /// Natural logarithm in the currency's unit; `unpriced` for unknown.
  package var logPrice: Float
  package var isWeighted: Bool
  /// Letters of the name as published, at most 255.
  package var length: UInt8

  static let unpriced: Float = -100

  /// - Parameter price: in the currency's unit; 0 for unknown.
  package init(name: UnsafeBufferPointer<UInt8>, price: Float, isWeighted: Bool) {
    logPrice = price > 0 ? logf(price) : Self.unpriced
    self.isWeighted = isWeighted
    var letters = 0
    for byte in name where byte & 0xC0 != 0x80 { letters += 1 }
    length = UInt8(min(letters, 255))
  }
}

extension MasterKey {
  /// The first seven of the thirteen digits: whom GS1 gave the number to, roughly. 0 for a name.
  var company: UInt32 { isName ? 0 : UInt32(truncatingIfNeeded: low % 10_000_000_000_000 / 1_000_000) }
}

extension ExactDecimal {
  /// For comparing, not for money.
  package var approximate: Double {
    var value = Double(mantissa)
    for _ in 0..<max(0, scale) { value /= 10 }
    return value
  }
}
