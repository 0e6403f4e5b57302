import Glibc

/// Whose products the rows of a chain are that have a word in common: a chain calls a maker what it likes, but always
/// the same. The makers are those of the masters that the rows are likely to be, each row weighed by the probability.
struct MakersOfWords {
  /// Pairs that are less likely say nothing of a maker.
  private static let least: Float = 0.01
  /// Rows by which a word's makers are taken for those of all rows.
  private static let doubt = 2.0

  private var numbers: [UInt64: Int] = [:]
  private var words: [Int] = []
  private var rowStarts: [Int] = []
  /// Probability of all pairs, by word.
  private var byWord: [Double] = []
  /// The same, of the pairs with the maker's products.
  private var byMaker: [Key: Double] = [:]
  private var makers: [UInt32: Double] = [:]
  private var total = 0.0
  /// Of the row at hand.
  private var own: [UInt32: Double] = [:]
  private var ownTotal = 0.0

  private struct Key: Hashable {
    var word: Int
    var maker: UInt32
  }

  /// Takes another row in, with its words.
  mutating func add(_ row: [UInt64]) {
    rowStarts.append(words.count)
    for word in row {
      let number = numbers[word, default: numbers.count]
      if number == numbers.count {
        numbers[word] = number
        byWord.append(0)
      }
      words.append(number)
    }
  }

  mutating func removeAll() { self = MakersOfWords() }

  private func words(of row: Int) -> ArraySlice<Int> {
    words[rowStarts[row]..<(row + 1 < rowStarts.count ? rowStarts[row + 1] : words.count)]
  }

  /// Counts a pair of the row with a master of the maker.
  mutating func count(_ maker: UInt32, of row: Int, _ probability: Float) {
    guard probability >= Self.least else { return }
    let probability = Double(probability)
    total += probability
    makers[maker, default: 0] += probability
    for word in words(of: row) {
      byWord[word] += probability
      byMaker[Key(word: word, maker: maker), default: 0] += probability
    }
  }

  /// The pairs of a row, which are left out of what is said of that row.
  mutating func leaveOut(_ pairs: some Sequence<(UInt32, Float)>) {
    own.removeAll(keepingCapacity: true)
    ownTotal = 0
    for (maker, probability) in pairs where probability >= Self.least {
      own[maker, default: 0] += Double(probability)
      ownTotal += Double(probability)
    }
  }

  /// Of the words of the row that `leaveOut` named: the highest share of the maker among the other rows with the word,
  /// and the logarithms of how much higher it is than among all rows, the highest and all together. All 0 for a master
  /// without a GTIN.
  func say(_ maker: UInt32, of row: Int) -> (share: Float, lift: Float, lifts: Float) {
    guard maker != 0, total > 0, let everywhere = makers[maker] else { return (0, 0, 0) }
    let prior = everywhere / total
    var (share, lift, lifts) = (0.0, 0.0, 0.0)
    for word in words(of: row) {
      let ofMaker = max(0, (byMaker[Key(word: word, maker: maker)] ?? 0) - (own[maker] ?? 0))
      let all = max(0, byWord[word] - ownTotal)
      let found = (ofMaker + Self.doubt * prior) / (all + Self.doubt)
      let higher = log(found / prior)
      share = max(share, found)
      lift = max(lift, higher)
      lifts += higher
    }
    return (Float(share), Float(lift), Float(lifts))
  }
}

extension MasterKey {
  /// The first nine of the thirteen digits: nearer to whom GS1 gave the number to than `company`, which is shorter so
  /// that its words are counted often enough. 0 for a name.
  package var maker: UInt32 { isName ? 0 : UInt32(truncatingIfNeeded: low % 10_000_000_000_000 / 10_000) }
}
