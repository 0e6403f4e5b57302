import Values

/// Says which master a row of a price file is. One per thread: it keeps its working memory from row to row.
package final class MasterMatcher {
  package enum Outcome: Hashable, Sendable {
    /// Its GTIN, or just its words and size, are known.
    case exact(MasterKey)
    /// The nearest name passed the threshold and contradicts nothing. The score is in thousandths.
    case similar(MasterKey, score: Int)
    /// Nobody has met it before: a new master, to be published with what refers to it.
    case new(MasterKey)
    /// It has neither a GTIN nor a name to go by, or the index is full: it stays its chain's own.
    case unknown(Reason)
  }
  package enum Reason: String, Hashable, Sendable {
    case noName = "no_name"
    case full = "index_full"
  }

  package static let defaultThreshold = 0.86

  private let threshold: Int
  /// Two masters whose scores are nearer to each other than this are equally likely: neither is taken.
  private static let margin = 15

  /// The words of the row asked about last; set when the outcome needed them.
  package let text = ProductText()
  private let nearest = NearestNames()
  private let weights = UnsafeMutablePointer<Int32>.allocate(capacity: ProductText.maxTokens)
  private let counts = UnsafeMutablePointer<UInt32>.allocate(capacity: ProductText.maxTokens)

  /// - Parameter threshold: least score of a name that is taken, 0 to 1.
  package init(threshold: Double) { self.threshold = Int((threshold * Double(Comparison.perfect)).rounded()) }

  deinit {
    weights.deallocate()
    counts.deallocate()
  }

  @inline(__always)
  package func match(_ gtin: GTIN, in view: MasterIndex.View) -> Outcome {
    let key = MasterKey(gtin)
    if view.store.contains(key) { return .exact(key) }
    return view.isFull ? .unknown(.full) : .new(key)
  }

  /// - Parameters: of the row, as published; UTF-8, empty when absent.
  package func match(
    name: UnsafeBufferPointer<UInt8>, brand: UnsafeBufferPointer<UInt8>, quantity: ExactDecimal?,
    unit: UnsafeBufferPointer<UInt8>, isWeighted: Bool, in view: MasterIndex.View
  ) -> Outcome {
    text.set(name: name, brand: brand, quantity: quantity, unit: unit, isWeighted: isWeighted)
    return match(in: view)
  }

  /// Matches what `text` holds.
  package func match(in view: MasterIndex.View) -> Outcome {
    guard text.saysSomething else { return .unknown(.noName) }
    let store = view.store
    if let key = store.equal(text.identity) { return .exact(key) }
    if let found = similar(in: store) { return found }
    return view.isFull ? .unknown(.full) : .new(text.nameKey())
  }

  private func similar(in store: MasterStore) -> Outcome? {
    let candidates = nearest.search(text, in: store)
    guard candidates.count > 0 else { return nil }
    let rows = store.rows
    for index in 0..<text.tokenCount {
      counts[index] = rows.words[text.tokens[index].hash]
      weights[index] = rows.weight(counts[index])
    }
    let comparison = Comparison(
      rows: rows, mine: UnsafeBufferPointer(start: text.tokens, count: text.tokenCount), units: text.units,
      weights: weights, counts: counts, floor: threshold - Self.margin)
    var best: (score: Int, master: UInt32)?
    var second = 0
    for candidate in candidates {
      guard let score = comparison.score(candidate) else { continue }
      guard let current = best else {
        best = (score, candidate.master)
        continue
      }
      let (entry, other) = (rows.entries + Int(candidate.master), rows.entries + Int(current.master))
      // Masters of the same words differ in nothing a name could tell.
      let isOther = entry.pointee.identity != other.pointee.identity
      if score > current.score || (score == current.score && entry.pointee.key < other.pointee.key) {
        if isOther { second = max(second, current.score) }
        best = (score, candidate.master)
      } else if isOther {
        second = max(second, score)
      }
    }
    guard let best, best.score >= threshold, best.score - second >= Self.margin else { return nil }
    return .similar(rows.entries[Int(best.master)].key, score: best.score)
  }
}
