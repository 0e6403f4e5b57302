import Forecasting

/// Decides which masters the rows of one file are, all of them together: two codes of a chain are rarely one product,
/// so a master that another row claims with more right is not this row's; and what the chain calls a maker shows in its
/// other rows.
package final class RowDecision {
  /// Of a row's three best candidates: who else claims what, the price with the chain's level taken out, whose products
  /// the chain's other rows with the same words are, what the pair looks like, and in what it differs from the row's
  /// other best.
  package static let features = late + 2 * Candidates.features
  private static let late = 16
  private static let kept = 3
  /// Least probability of a pair that says how dear the chain is, and the least number of such rows.
  private static let sure: Float = 0.5
  private static let leastSure = 20
  /// Pairs are judged in blocks of about so many.
  private static let block = 4_096

  package struct Answer: Sendable, Hashable {
    package var master: MasterKey
    /// That it is the same product.
    package var probability: Float
    /// Another row took the master with more right.
    package var isTaken: Bool
  }

  private struct Pair {
    var row: Int
    var master: MasterKey
    var probability: Float
    /// Of its features in `kept`; -1 when it is not among the best of its row.
    var features = -1
  }

  private let model: MatchModel
  private var matrix: [Float] = []
  private var pairs: [Pair] = []
  private var judged = 0
  private var rowStarts: [Int] = []
  private var makers = MakersOfWords()
  private var bestFeatures: [Float] = []
  private var claimed: Set<MasterKey> = []

  package init(_ model: MatchModel) { self.model = model }

  /// Takes another row in.
  package func add(_ candidates: Candidates) throws(ForecastError) {
    let row = rowStarts.count
    rowStarts.append(pairs.count)
    makers.add(candidates.words)
    for place in 0..<candidates.count {
      pairs.append(Pair(row: row, master: candidates.key(place), probability: 0))
    }
    let rest = UnsafeBufferPointer(start: candidates.matrix, count: candidates.count * Candidates.features)
    matrix.append(contentsOf: rest)
    if pairs.count - judged >= Self.block { try judge() }
  }

  /// A master that the chain sells under its own code: no other row of it is that product.
  package func claim(_ master: MasterKey) { claimed.insert(master) }

  /// - Returns: the best answer for each row, in the order they were added; nil without a candidate. Rows can be added
  ///   from the beginning afterwards.
  package func decide() throws(ForecastError) -> [Answer?] {
    try judge()
    defer { reset() }
    var claims = Claims(pairs, claimed)
    let order = try contested(claims)
    var answers = [Answer?](repeating: nil, count: rowStarts.count)
    for (pair, probability) in order {
      let (row, master) = (pairs[pair].row, pairs[pair].master)
      let isTaken = claims.isTaken(pair)
      if let answer = answers[row] {
        // The next best, when the best is taken.
        guard answer.isTaken, !isTaken else { continue }
      }
      answers[row] = Answer(master: master, probability: probability, isTaken: isTaken)
      if !isTaken { claims.take(pair) }
    }
    return answers
  }

  private func reset() {
    matrix.removeAll(keepingCapacity: true)
    pairs.removeAll(keepingCapacity: true)
    rowStarts.removeAll(keepingCapacity: true)
    makers.removeAll()
    bestFeatures.removeAll(keepingCapacity: true)
    claimed.removeAll(keepingCapacity: true)
    judged = 0
  }

  /// Judges what was added since, and keeps the features of the best of each row.
  private func judge() throws(ForecastError) {
    let count = pairs.count - judged
    guard count > 0 else { return }
    let found = try model.judge(pairs: matrix, count: count)
    var start = 0
    while start < count {
      let row = pairs[judged + start].row
      var end = start
      while end < count, pairs[judged + end].row == row {
        pairs[judged + end].probability = found[end]
        end += 1
      }
      let order = (start..<end).sorted { found[$0] != found[$1] ? found[$0] > found[$1] : $0 < $1 }
      for place in order.prefix(Self.kept) {
        pairs[judged + place].features = bestFeatures.count
        let first = place * Candidates.features
        bestFeatures.append(contentsOf: matrix[first..<first + Candidates.features])
      }
      start = end
    }
    judged = pairs.count
    matrix.removeAll(keepingCapacity: true)
  }

  /// The best pairs of all rows with the probabilities of the second trees, the likeliest first.
  private func contested(_ claims: Claims) throws(ForecastError) -> [(pair: Int, probability: Float)] {
    let level = priceLevel()
    for pair in pairs { makers.count(pair.master.maker, of: pair.row, pair.probability) }
    var rows: [Float] = []
    var kept: [Int] = []
    for row in rowStarts.indices {
      let end = row + 1 < rowStarts.count ? rowStarts[row + 1] : pairs.count
      let mine = (rowStarts[row]..<end).sorted {
        pairs[$0].probability != pairs[$1].probability ? pairs[$0].probability > pairs[$1].probability : $0 < $1
      }
      let total = mine.reduce(Float(0)) { $0 + pairs[$1].probability }
      makers.leaveOut(mine.lazy.map { (self.pairs[$0].master.maker, self.pairs[$0].probability) })
      for (rank, pair) in mine.prefix(Self.kept).enumerated() {
        let p = pairs[pair].probability
        let other = mine.first { $0 != pair }
        let rival = claims.rival(of: pair)
        let rivalElsewhere = rival.pair.map { claims.elsewhere($0, pairs, rowStarts) } ?? 0
        rows += [
          p, Float(rank), other.map { pairs[$0].probability } ?? 0,
          other.map { claims.rival(of: $0).probability } ?? 0, total, rival.probability, rivalElsewhere,
          rival.total, p / (p + rival.probability + 0.02), p / (total + 0.02),
        ]
        let mine = bestFeatures[pairs[pair].features..<pairs[pair].features + Candidates.features]
        let ratio = mine[mine.startIndex + PairFeature.priceRatio.rawValue]
        let price = ratio > Self.unpriced ? ratio - level : ratio
        rows += [price, abs(price), level]
        let maker = makers.say(pairs[pair].master.maker, of: row)
        rows += [maker.share, maker.lift, maker.lifts]
        rows += mine
        if let other {
          rows += zip(mine, bestFeatures[pairs[other].features...]).lazy.map { $0 - $1 }
        } else {
          rows += repeatElement(0, count: Candidates.features)
        }
        kept.append(pair)
      }
    }
    let found = try model.judge(rows: rows, count: kept.count)
    return zip(kept, found).map { ($0, $1) }.sorted {
      $0.1 != $1.1 ? $0.1 > $1.1 : (pairs[$0.0].row, $0.0) < (pairs[$1.0].row, $1.0)
    }
  }

  private static let unpriced: Float = -8

  /// How much dearer the chain is than the masters' names say: the median over the rows whose best candidate is
  /// likely, a natural logarithm; 0 when they are too few.
  private func priceLevel() -> Float {
    var ratios: [Float] = []
    for row in rowStarts.indices {
      let end = row + 1 < rowStarts.count ? rowStarts[row + 1] : pairs.count
      guard let best = best(of: rowStarts[row]..<end), pairs[best].probability > Self.sure else { continue }
      let ratio = bestFeatures[pairs[best].features + PairFeature.priceRatio.rawValue]
      if ratio > Self.unpriced { ratios.append(ratio) }
    }
    guard ratios.count >= Self.leastSure else { return 0 }
    ratios.sort()
    return ratios[ratios.count / 2]
  }

  /// Of several that are equally likely the first.
  private func best(of places: Range<Int>) -> Int? {
    var best: Int?
    for place in places where best.map({ pairs[place].probability > pairs[$0].probability }) ?? true { best = place }
    return best
  }

  /// Who claims which master.
  private struct Claims {
    private struct Claim {
      var best: Int?
      var second: Int?
      var total: Float = 0
      /// The chain sells it under its own code, or a row has it already.
      var isTaken: Bool
    }
    private var claims: [Claim] = []
    /// Places in `claims`, by pair: a master is looked up once for each pair.
    private var masters: [Int] = []
    private let pairs: [Pair]

    init(_ pairs: [Pair], _ claimed: Set<MasterKey>) {
      self.pairs = pairs
      masters.reserveCapacity(pairs.count)
      var numbers: [MasterKey: Int] = [:]
      for (place, pair) in pairs.enumerated() {
        let number = numbers[pair.master] ?? claims.count
        if number == claims.count {
          numbers[pair.master] = number
          claims.append(Claim(isTaken: claimed.contains(pair.master)))
        }
        masters.append(number)
        claims[number].total += pair.probability
        let (best, second) = (claims[number].best, claims[number].second)
        if best.map({ pairs[$0].probability < pair.probability }) ?? true {
          (claims[number].best, claims[number].second) = (place, best)
        } else if second.map({ pairs[$0].probability < pair.probability }) ?? true {
          claims[number].second = place
        }
      }
    }

    func isTaken(_ pair: Int) -> Bool { claims[masters[pair]].isTaken }

    mutating func take(_ pair: Int) { claims[masters[pair]].isTaken = true }

    /// The strongest claim of another row, and the sum of all of them.
    func rival(of pair: Int) -> (pair: Int?, probability: Float, total: Float) {
      let claim = claims[masters[pair]]
      let rival = claim.best == pair ? claim.second : claim.best
      let total = claim.total - pairs[pair].probability
      if claim.isTaken { return (rival, 1, total + 1) }
      return (rival, rival.map { pairs[$0].probability } ?? 0, total)
    }

    /// The best that the row of this pair has beside it.
    func elsewhere(_ pair: Int, _ pairs: [Pair], _ rowStarts: [Int]) -> Float {
      let row = pairs[pair].row
      let end = row + 1 < rowStarts.count ? rowStarts[row + 1] : pairs.count
      var best: Float = 0
      for place in rowStarts[row]..<end where place != pair { best = max(best, pairs[place].probability) }
      return best
    }
  }
}
