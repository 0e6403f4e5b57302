/// Finds the first record that the database refuses, by halving, while the good records before it get written.
///
/// A pure value: `range` says what to try next, `succeeded`/`failed` what came of it. With n records and one bad
/// one it takes about 2 log2(n) tries.
struct CulpritSearch {
  private var start: Int
  private var end: Int
  private let count: Int
  /// Some record before this one is bad.
  private var badBefore: Int

  /// - Parameter count: how many records there are; all together are known to fail.
  init(count: Int) {
    start = 0
    self.count = count
    badBefore = count
    end = count
    halve()
  }

  /// What to write next, or nil when every record went through.
  var range: Range<Int>? { start < count ? start..<end : nil }

  /// The records of `range` are written.
  mutating func succeeded() {
    start = end
    // All that was known to hold a bad one went through: the database changed its mind; go on with the rest.
    if start >= badBefore { badBefore = count }
    end = badBefore
    halve()
  }

  /// - Returns: the culprit, when `range` was a single record.
  mutating func failed() -> Int? {
    if end - start == 1 { return start }
    badBefore = end
    halve()
    return nil
  }

  private mutating func halve() {
    if end - start > 1 { end = start + (end - start) / 2 }
  }
}
