import Forecasting
import Masters
import PriceFiles
import Values

/// Which master each row of one file is. Belongs to one pass over the file.
///
/// A new master is known to the process only once its record has gone round the topic, so that what refers to it can
/// never be published without it; until then every file that meets it publishes it, with the same id. Two codes of one
/// file are never taken for the same product for being named alike: the chain tells them apart itself.
package final class MasterLookup {
  /// What recognises names.
  package struct Learned: Sendable {
    let model: MatchModel
    let cache: DecisionCache
    let chain: String
  }
  package struct Counts: Sendable {
    var exact = 0
    var named = 0
    var minted = 0
    var rejected: [MatchOutcome.Reason: Int] = [:]
    /// Of the minted: those that a known master might be.
    var perhaps = 0
    /// Names of known products that were not known.
    var names = 0
    /// Lookups by name, and how long they took together.
    var lookups = 0
    var lookupTime: Duration = .zero

    var matched: Int { exact + named }
  }

  private let index: MasterIndex
  /// The words of the row asked about last.
  private let words = ProductText()
  private var view: MasterIndex.View?
  private var minted: Set<MasterKey> = []
  private(set) var counts = Counts()
  /// The id that was found last.
  private let text: UnsafeMutablePointer<UInt8>
  private var textCount = 0

  private let learned: Learned?
  private let candidates: Candidates?
  private let decision: RowDecision?
  /// Rows that wait for a decision, in the order they were added to it.
  private var undecided: [DecisionCache.Key] = []
  /// Of the index, when the first of them was compared.
  private var revision = UInt32.max
  /// Each pass looks up the same rows; only the first asks.
  private let maySkip: Bool
  /// The master that the row found last might be, with the probability.
  private(set) var candidate: (master: MasterKey, probability: Float)?

  /// - Parameters:
  ///   - learned: nil when products are recognised by their GTINs only.
  ///   - decides: rows that were not decided before are to be: the file is read again when they are.
  package init(_ index: MasterIndex, learned: Learned? = nil, decides: Bool = false) {
    self.index = index
    self.learned = learned
    maySkip = !decides
    candidates = learned == nil ? nil : Candidates()
    decision = learned.map { RowDecision($0.model) }
    text = .allocate(capacity: MasterKey.maxTextBytes)
    text.initialize(repeating: 0, count: MasterKey.maxTextBytes)
  }

  deinit { text.deallocate() }

  /// Holds changes of the index off while `body` looks rows up.
  package func holding<Result>(_ body: () throws -> Result) rethrows -> Result {
    try index.read { view in
      self.view = view
      defer { self.view = nil }
      return try body()
    }
  }

  /// - Returns: nil when the row stays its chain's own.
  package func find(_ row: borrowing PriceRow, _ gtin: GTIN?) -> MatchOutcome? {
    guard let view else { preconditionFailure("rows are looked up while the index is held") }
    candidate = nil
    if let gtin {
      let outcome = view.match(gtin)
      if case .exact(let key) = outcome { decision?.claim(view.survivor(of: product(row, of: key))) }
      return write(outcome)
    }
    guard let learned else { return nil }
    let start = ContinuousClock.now
    let outcome = find(row, by: learned, view)
    counts.lookups += 1
    counts.lookupTime += .now - start
    return write(outcome)
  }

  private func find(
    _ row: borrowing PriceRow, by learned: Learned, _ view: MasterIndex.View
  ) -> MatchOutcome {
    guard words(of: row).saysSomething else { return .unknown(.noName) }
    let fallback = view.match(words.nameKey())
    if case .exact = fallback { return fallback }
    let key = DecisionCache.Key(row: RowHash.of(row, chain: learned.chain), code: RowHash.of(row.unsafeText(.code)))
    switch learned.cache.decision(key, by: learned.model.version, isCurrent: view.isUnchanged(_:since:)) {
    case .same(let master, let probability)? where view.contains(master):
      return .similar(master, score: Int((probability * 1_000).rounded()))
    case .perhaps(let master, let probability)?:
      candidate = (master, probability)
      return fallback
    case .some: return fallback
    case nil: break
    }
    guard !maySkip, let candidates, let decision else { return fallback }
    let facts = RowFacts(
      name: row.unsafeText(.name), price: Float(row.price.approximate), isWeighted: row.isWeighted == true)
    candidates.find(words, facts, in: view)
    do {
      try decision.add(candidates)
      undecided.append(key)
      revision = min(revision, view.revision)
    } catch {
      failure = failure ?? error
    }
    return fallback
  }

  /// Why deciding failed.
  private(set) var failure: ForecastError?

  /// Decides the rows that were met for the first time, all of them together.
  /// - Returns: whether there were any: then the file has to be read again.
  func decide() throws -> Bool {
    if let failure { throw failure }
    guard let learned, let decision, !undecided.isEmpty else { return false }
    let answers = try decision.decide()
    let decisions = zip(undecided, answers).map { key, answer -> (DecisionCache.Key, DecisionCache.Decision) in
      guard let answer, answer.probability >= learned.model.perhaps else { return (key, .new) }
      let isSame = !answer.isTaken && answer.probability >= learned.model.same
      return (key, isSame ? .same(answer.master, probability: answer.probability)
        : .perhaps(answer.master, probability: answer.probability))
    }
    learned.cache.keep(decisions, by: learned.model.version, revision: revision)
    (undecided, revision) = ([], .max)
    return true
  }

  /// The master that the row really is: another one than it was recognised as where a split says so. What the row
  /// refers to stays what it was recognised as, so that a split can be undone; readers of the tables see the other one.
  func product(_ row: borrowing PriceRow, of key: MasterKey) -> MasterKey {
    guard let learned, let view else { return key }
    return view.part(of: key, chain: learned.chain, code: row.unsafeText(.code)) ?? key
  }

  /// Whether a known product has another name here than the index has heard of.
  func isNewName(_ row: borrowing PriceRow, of key: MasterKey) -> Bool {
    guard let learned, let view, !row.unsafeText(.name).isEmpty else { return false }
    let name = DecisionCache.Key(row: RowHash.of(row, chain: ""), code: RowHash.of(key))
    if learned.cache.isKnown(name: name) { return false }
    if view.isKnown(words(of: row), as: key) {
      learned.cache.know(name: name)
      return false
    }
    return named.insert(key).inserted
  }
  private var named: Set<MasterKey> = []

  private func write(_ outcome: MatchOutcome) -> MatchOutcome {
    switch outcome {
    case .exact(let key), .similar(let key, _), .new(let key): textCount = key.write(to: text)
    case .unknown: textCount = 0
    }
    return outcome
  }

  /// The id of the row found last, empty when it has none.
  var id: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: text, count: textCount) }

  /// What the row is compared by; valid until the next row.
  package func words(of row: borrowing PriceRow) -> ProductText {
    words.set(
      name: row.unsafeText(.name), brand: row.unsafeText(.manufacturer), quantity: row.quantity,
      unit: row.unsafeText(.unitQty), measure: row.unsafeText(.unitOfMeasure), isWeighted: row.isWeighted == true)
    return words
  }

  /// - Returns: false when this file has published it before.
  package func mint(_ key: MasterKey) -> Bool { minted.insert(key).inserted }

  func countName() { counts.names += 1 }

  var modelVersion: String? { learned?.model.version }
  /// Of `candidate`, in thousandths.
  var probability: ExactDecimal? {
    candidate.flatMap { ExactDecimal(mantissa: Int64(($0.probability * 1_000).rounded()), scale: 3)?.normalized }
  }

  /// Counts a row that was written.
  func count(_ outcome: MatchOutcome) {
    switch outcome {
    case .exact: counts.exact += 1
    case .similar: counts.named += 1
    case .new:
      counts.minted += 1
      if candidate != nil { counts.perhaps += 1 }
    case .unknown(let reason): counts.rejected[reason, default: 0] += 1
    }
  }
}

/// Hashes of rows for the cache of decisions: FNV-1a of 64 bits (Fowler, Noll and Vo), mixed.
private enum RowHash {
  static func of(_ text: UnsafeBufferPointer<UInt8>, _ start: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
    var hash = start
    for byte in text { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash
  }

  static func of(_ key: MasterKey) -> UInt64 { UInt64(truncatingIfNeeded: key.hashValue) }

  static func of(_ row: borrowing PriceRow, chain: String) -> UInt64 {
    var chain = chain
    var hash = chain.withUTF8 { of($0) }
    for field in [PriceField.name, .manufacturer, .unitQty, .unitOfMeasure] {
      hash = of(row.unsafeText(field), hash ^ 0xFF)
    }
    if let quantity = row.quantity { hash ^= UInt64(bitPattern: Int64(quantity.hashValue)) }
    return hash
  }
}
