import Masters
import PriceFiles

/// Which master each row of one file is. Belongs to one pass over the file.
///
/// A new master is known to the process only once its record has gone round the topic, so that what refers to it can
/// never be published without it; until then every file that meets it publishes it, with the same id. Two codes of one
/// file are never taken for the same product for being named alike: the chain tells them apart itself.
final class MasterLookup {
  struct Counts: Sendable {
    var exact = 0
    var named = 0
    var minted = 0
    var rejected: [MasterMatcher.Reason: Int] = [:]
    /// Lookups by name, and how long they took together.
    var lookups = 0
    var lookupTime: Duration = .zero

    var matched: Int { exact + named }
  }

  private let index: MasterIndex
  private let matcher: MasterMatcher
  private var view: MasterIndex.View?
  private var minted: Set<MasterKey> = []
  private(set) var counts = Counts()
  /// The id that was found last.
  private let text: UnsafeMutablePointer<UInt8>
  private var textCount = 0

  init(_ index: MasterIndex, threshold: Double) {
    self.index = index
    matcher = MasterMatcher(threshold: threshold)
    text = .allocate(capacity: MasterKey.maxTextBytes)
    text.initialize(repeating: 0, count: MasterKey.maxTextBytes)
  }

  deinit { text.deallocate() }

  /// Holds changes of the index off while `body` looks rows up.
  func holding<Result>(_ body: () throws -> Result) rethrows -> Result {
    try index.read { view in
      self.view = view
      defer { self.view = nil }
      return try body()
    }
  }

  /// - Returns: nil when the row stays its chain's own.
  func find(_ row: borrowing PriceRow, _ gtin: GTIN?) -> MasterMatcher.Outcome? {
    guard let view else { preconditionFailure("rows are looked up while the index is held") }
    if let gtin { return write(matcher.match(gtin, in: view)) }
    guard index.mode == .full else { return nil }
    let start = ContinuousClock.now
    let outcome = matcher.match(
      name: row.unsafeText(.name), brand: row.unsafeText(.manufacturer), quantity: row.quantity,
      unit: row.unsafeText(.unitQty), isWeighted: row.isWeighted == true, in: view)
    counts.lookups += 1
    counts.lookupTime += .now - start
    return write(outcome)
  }

  private func write(_ outcome: MasterMatcher.Outcome) -> MasterMatcher.Outcome {
    switch outcome {
    case .exact(let key), .similar(let key, _), .new(let key): textCount = key.write(to: text)
    case .unknown: textCount = 0
    }
    return outcome
  }

  /// The id of the row found last, empty when it has none.
  var id: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: text, count: textCount) }

  /// What the row found last is compared by.
  func words(of row: borrowing PriceRow, _ gtin: GTIN?) -> ProductText {
    if gtin != nil {
      matcher.text.set(
        name: row.unsafeText(.name), brand: row.unsafeText(.manufacturer), quantity: row.quantity,
        unit: row.unsafeText(.unitQty), isWeighted: row.isWeighted == true)
    }
    return matcher.text
  }

  /// - Returns: false when this file has published it before.
  func mint(_ key: MasterKey) -> Bool { minted.insert(key).inserted }

  /// Counts a row that was written.
  func count(_ outcome: MasterMatcher.Outcome) {
    switch outcome {
    case .exact: counts.exact += 1
    case .similar: counts.named += 1
    case .new: counts.minted += 1
    case .unknown(let reason): counts.rejected[reason, default: 0] += 1
    }
  }
}
