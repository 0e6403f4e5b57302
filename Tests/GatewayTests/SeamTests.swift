import Core
import TestSupport
import Testing

@testable import GatewayService

/// Batch and live side merged at a boundary, against one pass over everything that was recorded.
@Suite struct SeamTests {
  private static let minute: Int64 = 60_000

  /// A state of a bar: what a record of the topic says.
  private struct Record {
    var start: Int64
    /// When it was known; a later one replaces an earlier one.
    var known: Int64
    var value: Int
  }

  /// Records of some days, in the order in which they were known: most at once, some revised, some late.
  private static func history(_ random: inout TestRandom) -> [Record] {
    var records: [Record] = []
    for minute in 0..<Int64.random(in: 1...200, using: &random) where Int.random(in: 0..<8, using: &random) > 0 {
      let start = minute * Self.minute
      var known = start + Self.minute
      for _ in 0...Int.random(in: 0...2, using: &random) {
        records.append(Record(start: start, known: known, value: Int.random(in: 0..<1_000_000, using: &random)))
        known += Int64.random(in: 1...90, using: &random) * Self.minute
      }
    }
    return records.sorted { ($0.known, $0.start) < ($1.known, $1.start) }
  }

  /// The last state of each bar of a range.
  private static func onePass(_ records: [Record], _ range: Range<Int64>) -> [ViewRow] {
    var last: [Int64: Int] = [:]
    for record in records where range.contains(record.start) { last[record.start] = record.value }
    return last.sorted { $0.key < $1.key }.map { row($0.key, $0.value) }
  }

  private static func row(_ start: Int64, _ value: Int) -> ViewRow {
    ViewRow(start: start, members: Array("\"v\":\(value)".utf8))
  }

  /// What both sides hold: the batch layer everything below its boundary, and the live side all of it or a part.
  private struct Sides {
    var records: [Record]
    /// What the batch layer had read when it was made; nil for everything.
    var read: [Record]?
    /// The live side has dropped what is older.
    var kept: Int64 = .min
    var isBatchAway = false, isLiveAway = false

    func ask(_ side: Seam.Side, _ range: Range<Int64>, _ most: Int) -> [ViewRow]? {
      if side == .batch ? isBatchAway : isLiveAway { return nil }
      let known = side == .batch ? read ?? records : records
      let rows = onePass(known, range).filter { side == .batch || $0.start >= kept }
      return Array(rows.prefix(most))
    }
  }

  private static func pages(
    _ range: Range<Int64>, most: Int, _ seam: Seam, _ sides: Sides
  ) async -> (rows: [ViewRow], gaps: [ViewGap]) {
    var (rows, gaps, next): ([ViewRow], [ViewGap], Int64?) = ([], [], range.lowerBound)
    while let start = next {
      let page = await MergedPage.read(start..<range.upperBound, most: most, seam) { sides.ask($0, $1, $2) }
      #expect(page.rows.count <= most)
      #expect(page.next == nil || page.next! > start || page.rows.isEmpty == false)
      rows += page.rows.map(\.row)
      gaps += page.gaps
      next = page.next
    }
    return (rows, gaps)
  }

  /// A split at any point gives what one pass gives, whatever was late or revised, in pages of any size.
  @Test func aSplitAnywhereIsNoSplit() async {
    var random = TestRandom("a split")
    for _ in 0..<300 {
      let records = Self.history(&random)
      let end = (records.map(\.start).max() ?? 0) + Self.minute
      // The batch layer has read what was known by then, and claims nothing that a later record concerns.
      let made = Int64.random(in: 0...end + 200 * Self.minute, using: &random)
      let complete = records.filter { $0.known > made }.map(\.start).min() ?? end
      let boundary = Int64.random(in: 0...complete, using: &random)
      let from = Int64.random(in: 0...max(0, boundary), using: &random)
      let covers = from < boundary ? [from * 1_000_000..<boundary * 1_000_000] : []
      let seam = Seam(covers: covers, rowsOf: 60_000_000_000)
      let start = Int64.random(in: 0...end, using: &random)
      let range = start..<Int64.random(in: start...end + 1, using: &random)
      let most = Int.random(in: 1...50, using: &random)
      let merged = await Self.pages(
        range, most: most, seam, Sides(records: records, read: records.filter { $0.known <= made }))
      #expect(merged.rows == Self.onePass(records, range))
      #expect(merged.gaps.isEmpty)
    }
  }

  /// A run is replaced between two pages: pages that stay with the first one are those of the first one.
  @Test func pagesThatStayWithARunAreOneAnswer() async {
    var random = TestRandom("pages")
    for _ in 0..<100 {
      let records = Self.history(&random)
      let end = (records.map(\.start).max() ?? 0) + Self.minute
      let first = Seam(covers: [0..<Int64.random(in: 1...end, using: &random) * 1_000_000], rowsOf: 60_000_000_000)
      let sides = Sides(records: records)
      let whole = await Self.pages(0..<end, most: 10_000, first, sides)
      let paged = await Self.pages(0..<end, most: 3, first, sides)
      #expect(whole.rows == paged.rows)
    }
  }

  /// Every part of a range is of one side, and the parts are the range.
  @Test func partsAreTheRange() {
    var random = TestRandom("parts")
    for _ in 0..<500 {
      var (place, covers): (Int64, [Range<Int64>]) = (0, [])
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let from = place + Int64.random(in: 0...5_000_000_000, using: &random)
        place = from + Int64.random(in: 1...5_000_000_000, using: &random)
        covers.append(from..<place)
      }
      let seam = Seam(covers: covers, rowsOf: Int64.random(in: 0...2_000_000_000, using: &random))
      let start = Int64.random(in: 0...10_000, using: &random)
      let range = start..<start + Int64.random(in: 0...20_000, using: &random)
      let parts = seam.parts(of: range)
      #expect(parts.first?.range.lowerBound ?? range.lowerBound == range.lowerBound)
      #expect(parts.last?.range.upperBound ?? range.lowerBound == range.upperBound)
      for (part, next) in zip(parts, parts.dropFirst()) { #expect(part.range.upperBound == next.range.lowerBound) }
      #expect(parts.allSatisfy { !$0.range.isEmpty })
      for part in parts {
        let isCovered = seam.covers.contains { $0.lowerBound <= part.range.lowerBound
          && part.range.upperBound <= $0.upperBound }
        #expect((part.side == .batch) == isCovered)
      }
    }
  }

  /// The bar that is open at the boundary is live, the one that ends there is not.
  @Test func aRowIsOfTheBatchLayerWhenAllOfItIs() {
    let seam = Seam(covers: [60_000_000_000..<180_000_000_000], rowsOf: 60_000_000_000)
    #expect(seam.parts(of: 0..<300_000).filter { $0.side == .batch }.map(\.range) == [60_000..<120_001])
    #expect(Seam(covers: [0..<59_000_000_000], rowsOf: 60_000_000_000).covers.isEmpty, "none has ended")
  }

  // MARK: - what is missing is said

  @Test func holesOfTheBatchLayerAreSaid() async {
    let seam = Seam(covers: [0..<600_000_000_000, 900_000_000_000..<1_200_000_000_000], rowsOf: 0)
    let page = await MergedPage.read(300_000..<1_500_000, most: 10, seam) { _, _, _ in [] }
    #expect(page.gaps == [ViewGap(range: 600_000..<900_000, reason: .notInBatch)])
  }

  @Test func aSideThatIsAwayIsSaidAndTheOtherAnswers() async {
    let records = (0..<10).map { Record(start: $0 * Self.minute, known: 0, value: Int($0)) }
    let seam = Seam(covers: [0..<5 * 60_000_000_000], rowsOf: 60_000_000_000)
    let all = Self.onePass(records, 0..<600_000), boundary: Int64 = 240_001
    let live = await Self.pages(0..<600_000, most: 100, seam, Sides(records: records, isBatchAway: true))
    #expect(live.rows == all.filter { $0.start >= boundary })
    #expect(live.gaps == [ViewGap(range: 0..<boundary, reason: .batchAway)])
    let batch = await Self.pages(0..<600_000, most: 100, seam, Sides(records: records, isLiveAway: true))
    #expect(batch.rows == all.filter { $0.start < boundary })
    #expect(batch.gaps == [ViewGap(range: boundary..<600_000, reason: .liveAway)])
  }

  /// A retention that is shorter than the age of the batch layer leaves a hole, which is said.
  @Test func aRetentionThatIsTooShortIsSaid() throws {
    let hour: Int64 = 3_600_000
    let never: (Range<Int64>) -> Bool = { _ in false }
    // The newest is at 10 h and two hours are kept, the batch layer ends at 5 h.
    #expect(LiveReach(oldest: 8 * hour, newest: 10 * hour, retention: 2 * hour).hole(after: 5 * hour, isOpen: never)
      == ViewGap(range: 5 * hour..<8 * hour, reason: .retention))
    #expect(LiveReach(oldest: 5 * hour, newest: 10 * hour, retention: 9 * hour).hole(after: 5 * hour, isOpen: never)
      == nil)
    #expect(LiveReach(oldest: 8 * hour, newest: 10 * hour, retention: 9 * hour).hole(after: 5 * hour, isOpen: never)
      == nil, "nothing was dropped, and the market was closed")
    #expect(LiveReach(oldest: 8 * hour, newest: 10 * hour).hole(after: 5 * hour) { _ in true }
      == ViewGap(range: 5 * hour..<8 * hour, reason: .missing))
    let calendar = try NYSECalendar()
    // Monday 2 March 2026 opens at 14:30 and closes at 21:00 UTC.
    let day: Int64 = 1_772_409_600_000
    #expect(!calendar.isOpenForLong(day..<day + 15 * hour - 1), "half an hour says nothing")
    #expect(calendar.isOpenForLong(day..<day + 16 * hour))
    #expect(!calendar.isOpenForLong(day + 21 * hour..<day + 38 * hour), "a night")
    #expect(!calendar.isOpenForLong(day - 50 * hour..<day + 14 * hour), "a weekend")
    #expect(calendar.isOpenForLong(day..<day + 30 * 24 * hour))
  }
}
