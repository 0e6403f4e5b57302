import Core

/// Which side answers which part of a range: what the batch layer covers it answers, everything else is the live
/// side's. So each instant is of exactly one side, whatever both hold. Times are the begins of rows, in milliseconds
/// since 1970.
struct Seam: Hashable, Sendable {
  enum Side: String, Sendable { case batch, live }
  struct Part: Hashable, Sendable {
    var side: Side
    var range: Range<Int64>
  }
  /// What the batch layer has all of: ascending, apart from each other, none empty. Empty without a batch layer.
  private(set) var covers: [Range<Int64>] = []
  /// The end of what the batch layer has, `T`: rows that end after it are live. Nil when all rows are.
  private(set) var until: Int64?

  init() {}

  /// - Parameters:
  ///   - covers: of a manifest, nanoseconds since 1970.
  ///   - length: of a row, nanoseconds. A row is of the batch layer when all of it lies in a cover, so that a row that
  ///     is open at its end is the live side's.
  init(covers: [Range<Int64>], rowsOf length: Int64) {
    until = covers.last.map { Self.milliseconds($0.upperBound) }
    self.covers = covers.compactMap { cover in
      let end = cover.upperBound - max(0, length - 1)
      guard cover.lowerBound < end else { return nil }
      let range = Self.milliseconds(cover.lowerBound)..<Self.milliseconds(end)
      return range.isEmpty ? nil : range
    }
  }

  /// The first whole millisecond from here on.
  private static func milliseconds(_ ns: Int64) -> Int64 { -((-ns).flooredDivision(by: 1_000_000).quotient) }

  /// Rows that begin here or later are live; nil when all are. A row's length before `until`, but for a moment.
  var boundary: Int64? { covers.last?.upperBound }

  /// A gap at the boundary, as people read it: it begins or ends at `until`.
  func told(_ gap: ViewGap) -> ViewGap {
    guard let boundary, let until else { return gap }
    let lower = gap.range.lowerBound == boundary ? until : gap.range.lowerBound
    let upper = gap.range.upperBound == boundary ? until : gap.range.upperBound
    return ViewGap(range: min(lower, upper)..<upper, reason: gap.reason)
  }

  /// The parts of a range, in order; together they are the range.
  func parts(of range: Range<Int64>) -> [Part] {
    var parts: [Part] = []
    var place = range.lowerBound
    for cover in covers where cover.overlaps(range) {
      let covered = cover.clamped(to: range)
      if place < covered.lowerBound { parts.append(Part(side: .live, range: place..<covered.lowerBound)) }
      parts.append(Part(side: .batch, range: covered))
      place = covered.upperBound
    }
    if place < range.upperBound { parts.append(Part(side: .live, range: place..<range.upperBound)) }
    return parts
  }

  /// Between two covers: there the batch layer knows that it does not have everything.
  func holes(in range: Range<Int64>) -> [Range<Int64>] {
    zip(covers, covers.dropFirst()).map { $0.upperBound..<$1.lowerBound }.filter { $0.overlaps(range) }
      .map { $0.clamped(to: range) }
  }
}

/// A row of an answer.
struct ViewRow: Hashable, Sendable {
  /// Its begin, milliseconds since 1970.
  var start: Int64
  /// The members of its object but for `start` and `source`: `"close":100.35,"volume":7`.
  var members: [UInt8]
}

/// What is known to be missing of an answer.
struct ViewGap: Hashable, Sendable {
  enum Reason: String, CaseIterable, Sendable {
    /// The batch layer did not have all of it.
    case notInBatch = "not_in_batch"
    /// The live side had dropped it before the batch layer had it.
    case retention
    /// The market was open, and neither side has it.
    case missing
    /// The side that answers for it could not be asked.
    case batchAway = "batch_away"
    case liveAway = "live_away"
    /// The archive does not have it yet.
    case notArchived = "not_archived"
    /// The archive has it where it cannot be read now: in a cold tier, or damaged.
    case unreadable
  }
  /// Milliseconds since 1970.
  var range: Range<Int64>
  var reason: Reason
}

/// One page of a view of both sides.
struct MergedPage: Sendable {
  var rows: [(side: Seam.Side, row: ViewRow)] = []
  /// Where the next page begins; nil when this is the last.
  var next: Int64?
  var gaps: [ViewGap] = []

  /// What a side answers for a part of a range: rows in order, at most one more than asked for. Nil when it is away.
  typealias Ask = (_ side: Seam.Side, _ range: Range<Int64>, _ most: Int) async throws -> [ViewRow]?

  /// Rows of a range, at most `most`. Each part is asked of its side only, and only as far as the page reaches.
  static func read(
    _ range: Range<Int64>, most: Int, _ seam: Seam, _ ask: Ask
  ) async rethrows -> MergedPage {
    var page = MergedPage()
    for part in seam.parts(of: range) {
      guard let rows = try await ask(part.side, part.range, most + 1 - page.rows.count) else {
        page.gaps.append(ViewGap(range: part.range, reason: part.side == .batch ? .batchAway : .liveAway))
        continue
      }
      // What a side holds beside its part is the other's to say.
      page.rows += rows.filter { part.range.contains($0.start) }.map { (part.side, $0) }
      guard page.rows.count > most else { continue }
      page.next = page.rows[most].row.start
      page.rows.removeSubrange(most...)
      break
    }
    let seen = page.next.map { range.lowerBound..<max(range.lowerBound, $0) } ?? range
    page.gaps = page.gaps.filter { $0.range.overlaps(seen) }
      + seam.holes(in: seen).map { ViewGap(range: $0, reason: .notInBatch) }
    page.gaps.sort { $0.range.lowerBound < $1.range.lowerBound }
    return page
  }
}

/// How far the live side reaches back.
struct LiveReach: Hashable, Sendable {
  /// Milliseconds since 1970; nil when it has nothing.
  var oldest: Int64?, newest: Int64?
  /// What is older than the newest by more than this is dropped; 0 for nothing. Milliseconds.
  var retention: Int64 = 0

  /// What lies between the batch layer's end and the oldest that the live side has, if that is known to be a hole.
  /// - Parameter isOpen: whether the market trades for longer than some minutes within a range. A minute without a
  ///   trade has no bar, so a shorter time says nothing.
  func hole(after boundary: Int64, isOpen: (Range<Int64>) -> Bool) -> ViewGap? {
    guard let oldest, let newest, oldest > boundary else { return nil }
    let hole = boundary..<oldest
    if retention > 0, newest - retention > boundary { return ViewGap(range: hole, reason: .retention) }
    return isOpen(hole) ? ViewGap(range: hole, reason: .missing) : nil
  }
}

extension NYSECalendar {
  /// Whether regular sessions take up more than half an hour of a range (milliseconds since 1970).
  func isOpenForLong(_ range: Range<Int64>) -> Bool {
    let seconds = range.lowerBound / 1_000..<max(range.lowerBound / 1_000, range.upperBound / 1_000)
    // Every fortnight has sessions.
    guard seconds.count < 14 * 86_400 else { return true }
    let open = (day(of: seconds.lowerBound)...day(of: seconds.upperBound)).reduce(Int64(0)) { sum, day in
      guard let session = session(on: day)?.range(.regular).clamped(to: seconds) else { return sum }
      return sum + (session.upperBound - session.lowerBound)
    }
    return open > 1_800
  }
}
