/// Finds the first record that the database refuses by bisection, while the valid records before it are written.
///
/// A pure value: `range` is the next attempt, `succeeded` and `failed` report its result. With n records and one
/// refused it takes about 2 log2(n) attempts.
struct Bisection {
  private var start: Int
  private var end: Int
  private let count: Int
  /// Some record before this one is refused.
  private var badBefore: Int

  /// - Parameter count: the number of records, which fail together.
  init(count: Int) {
    start = 0
    self.count = count
    badBefore = count
    end = count
    halve()
  }

  /// The records to write next; nil when all are written.
  var range: Range<Int>? { start < count ? start..<end : nil }

  /// The records of `range` are written.
  mutating func succeeded() {
    start = end
    // A range that failed before succeeded: the database has changed. Continues with the others.
    if start >= badBefore { badBefore = count }
    end = badBefore
    halve()
  }

  /// - Returns: the refused record, when `range` was a single record.
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
