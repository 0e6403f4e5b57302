import Archiving
import Catalogue
import Compression
import Core
import Feeds
import Foundation
import Logging
import Messages
import ObjectStore
import Synchronization
import TestSupport
import Testing
import Values

@testable import GatewayService

/// Bars as they were known at a time, out of an archive in a folder; and rows adjusted for splits.
@Suite(.timeLimit(.minutes(10))) struct AsOfTests {
  private static let minute: Int64 = 60_000
  /// 9:30 in New York on Monday 2 March 2026.
  private static let open: Int64 = 1_772_461_800_000

  private func bar(
    _ start: Int64, close: Int, known: Int64, revision: Int64 = 0, symbol: String = "AAPL", interval: String = "1m"
  ) -> FeedBar {
    let price = ExactDecimal(Int32(close))
    var values = FeedBarValues(
      startNs: start * 1_000_000, knownNs: known * 1_000_000, open: price, high: price, low: price, close: price,
      volume: price)
    values.revision = revision
    return FeedBar(symbol: symbol, feed: "polygon-stocks", interval: interval, values: values)
  }

  /// Objects and their catalogue, as archiver writes them: some records each, in the order in which they were known.
  private func archive(_ bars: [FeedBar], in folder: String, each count: Int = 7) async throws -> FileStore {
    let store = try FileStore(path: folder), calendar = try NYSECalendar()
    let catalogue = ArchiveCatalogue(store, folder: "_catalogue")
    var index = ArchiveIndex(dataset: Topics.marketBars.name, prefix: Topics.marketBars.name)
    let dates = Dictionary(grouping: bars) { calendar.date(ofMilliseconds: $0.values.startNs / 1_000_000).description }
    for (date, bars) in dates {
      var entries: [CatalogueEntry] = []
      for (symbol, bars) in Dictionary(grouping: bars, by: \.symbol) {
        for start in stride(from: 0, to: bars.count, by: count) {
          let some = bars[start..<min(bars.count, start + count)]
          // Every codec that archiver has.
          let codec = ObjectCodec.allCases[start / count % ObjectCodec.allCases.count]
          let place = String(repeating: "0", count: 20 - "\(start)".count) + "\(start)"
          let key = "market-bars/date=\(date)/symbol=\(symbol)/part-00000-\(place).jsonl\(codec.suffix)"
          let packed = try Packer.pack(
            some.flatMap { $0.encoded() + [UInt8(ascii: "\n")] }, as: ObjectFormat(layout: .batch, codec: codec))
          _ = try await store.put(ObjectBody(packed), at: ObjectKey(key), contentType: "application/gzip")
          var entry = CatalogueEntry(object: key, date: date, symbol: symbol, bytes: Int64(packed.count))
          entry.toNs = some.map(\.values.startNs).max()
          entries.append(entry)
        }
      }
      try await catalogue.write(entries, of: Topics.marketBars.name, on: date)
      index.put(ArchiveDate(date: date, entries))
    }
    try await catalogue.write(index)
    return store
  }

  private func bars(_ store: any ObjectStore) -> ArchivedBars {
    ArchivedBars(store, StoreGate(logger: Logger(label: "test")), refresh: .milliseconds(1))
  }

  private func text(_ row: ViewRow) -> String { "\(row.start) " + String(decoding: row.members, as: UTF8.self) }

  /// Pages of any size are what one pass over the records finds that were known by then.
  @Test func aTimeIsWhatOnePassFindsUntilThen() async throws {
    var random = TestRandom("as of")
    let calendar = try NYSECalendar()
    for _ in 0..<12 {
      var records: [FeedBar] = []
      for place in 0..<Int64.random(in: 1...120, using: &random) where Int.random(in: 0..<6, using: &random) > 0 {
        // Over several days, weekends included.
        let start = Self.open + (place % 4) * 86_400_000 * 2 + place * Self.minute
        var known = start + Self.minute
        for revision in 0...Int64.random(in: 0...2, using: &random) {
          records.append(bar(start, close: Int.random(in: 1..<1_000, using: &random), known: known, revision: revision))
          known += Int64.random(in: 1...3_000, using: &random) * Self.minute
        }
      }
      records.append(bar(Self.open, close: 5, known: Self.open, symbol: "MSFT"))
      records.append(bar(Self.open, close: 6, known: Self.open, interval: "5m"))
      records.sort { $0.values.knownNs < $1.values.knownNs }
      let folder = FileManager.default.temporaryDirectory.appending(path: "as-of-\(UUID())").path
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let archived = bars(try await archive(records, in: folder))
      for _ in 0..<4 {
        let time = Self.open + Int64.random(in: -10...12_000, using: &random) * Self.minute
        let start = Int64.random(in: 0...1, using: &random) * (Self.open + 90_000_000)
        let end = Self.open + Int64.random(in: 0...9 * 86_400_000, using: &random)
        let most = Int.random(in: 1...60, using: &random)
        var last: [Int64: FeedBarValues] = [:]
        for record in records where record.symbol == "AAPL" && record.interval == "1m" {
          let begin = record.values.startNs / 1_000_000
          guard record.values.knownNs <= time * 1_000_000 + 999_999, begin >= start, begin < end else { continue }
          last[begin] = record.values
        }
        var (rows, next): ([ViewRow], Int64?) = ([], min(start, end))
        while let from = next {
          let page = try await archived.page(
            of: "AAPL", interval: "1m", from..<max(from, end), asOf: time, most: most, calendar)
          #expect(page.rows.count <= most && page.gaps.isEmpty)
          rows += page.rows
          next = page.next
        }
        #expect(rows.map(\.start) == last.keys.sorted())
        for row in rows {
          let values = try #require(last[row.start])
          #expect(text(row).contains("\"close\":\(values.close),"))
          #expect(text(row).contains("\"revision\":\(values.revision),"))
          #expect(text(row).contains("\"known_at\":\"\(RFC3339.text(ns: values.knownNs))\""))
        }
      }
    }
  }

  /// A date of which an object cannot be read is a gap; the others answer.
  @Test func whatCannotBeReadIsAGap() async throws {
    try await withTemporaryDirectory { folder in
      let day: Int64 = 86_400_000
      let records = (0..<3).map { bar(Self.open + Int64($0) * day, close: 10 + $0, known: Self.open) }
      let store = try await archive(records, in: folder)
      try FileManager.default.removeItem(atPath: "\(folder)/market-bars/date=2026-03-03")
      let page = try await bars(store).page(
        of: "AAPL", interval: "1m", Self.open..<Self.open + 3 * day, asOf: Self.open + 9 * day, most: 10,
        try NYSECalendar())
      #expect(page.rows.map(\.start) == [Self.open, Self.open + 2 * day])
      #expect(page.gaps.map(\.reason) == [.unreadable])
      #expect(page.gaps.first.map { $0.range.contains(Self.open + day) } == true)
      // Without an archive there are no rows, and no error.
      let none = try await bars(try FileStore(path: folder + "/_catalogue")).page(
        of: "AAPL", interval: "1m", 0..<Self.open, asOf: Self.open, most: 10, try NYSECalendar())
      #expect(none.rows.isEmpty && none.oldest == nil)
    }
  }

  // MARK: - a store that is away

  @Test func aStoreThatHangsHoldsUpOneAnswerOnly() async throws {
    let gate = StoreGate(limit: .milliseconds(20), pause: .seconds(600), logger: Logger(label: "test"))
    let asked = Mutex(0)
    @Sendable func ask() async -> Bool {
      do {
        try await gate.ask {
          asked.withLock { $0 += 1 }
          await Interruption().wait()
        }
        return true
      } catch { return ErrorClass(of: error) != .transient }
    }
    #expect(await ask() == false)
    #expect(gate.isAway)
    for _ in 0..<5 { #expect(await ask() == false) }
    #expect(asked.withLock { $0 } == 1, "while it is away it is not asked by every answer")
  }

  @Test func aStoreThatAnswersAgainIsBack() async throws {
    struct Refused: ClassifiedError {
      var errorClass: ErrorClass
      let code = "refused"
      var description: String { code }
    }
    let gate = StoreGate(pause: .zero, logger: Logger(label: "test"))
    await #expect(throws: Refused.self) { try await gate.ask { throw Refused(errorClass: .transient) } }
    #expect(gate.isAway)
    await #expect(throws: Refused.self) { try await gate.ask { throw Refused(errorClass: .data) } }
    #expect(!gate.isAway, "that there is no such object is an answer")
    await #expect(throws: Refused.self) { try await gate.ask { throw Refused(errorClass: .configuration) } }
    #expect(gate.isAway)
    #expect(try await gate.ask { 5 } == 5)
    #expect(!gate.isAway)
  }

  // MARK: - splits

  @Test func rowsAreAdjustedWithTheDigitsOfDecimals() throws {
    let split = StockSplit(
      symbol: "AAPL", executionDate: "2026-03-03", splitFrom: ExactDecimal(1), splitTo: ExactDecimal(4), source: "file",
      knownNs: 1)
    let adjustment = try SplitAdjustment([split])
    func row(_ members: String, _ day: Int64) -> ViewRow {
      ViewRow(start: Self.open + day * 86_400_000, members: Array(members.utf8))
    }
    let members = #""open":187.10,"vwap":null,"volume":100,"trades":7,"known_at":"x","events":[{"a":1}]"#
    #expect(try adjustment.adjusted(row(members, 0)) == row(
      #""open":46.775,"vwap":null,"volume":400,"trades":7,"known_at":"x","events":[{"a":1}]"#, 0))
    #expect(try adjustment.adjusted(row(members, 1)) == row(members, 1), "the day of the split is behind it")
    for number in ["900000000000000000", "9000000000000000000"] {
      #expect(throws: Problem.self) { try adjustment.adjusted(row("\"volume\":\(number)", 0)) }
    }
  }

  @Test func aCursorPinsRunAndSplits() {
    for run in [nil, 12] as [Int64?] {
      for splits in [nil, "0a1b"] as [String?] {
        let cursor = Cursor(Cursor(time: 7, run: run, splits: splits).text)
        #expect(cursor?.run == run && cursor?.splits == splits)
      }
    }
  }

  // MARK: - listeners

  /// A slow listener gets each bar once, in its last state.
  @Test func aLaterStateOfABarStandsForOneThatWaits() {
    let listener = LiveListener(symbols: [], kinds: ["bar"], most: 10)
    for (place, bar) in [
      bar(0, close: 1, known: 1), bar(Self.minute, close: 2, known: 2), bar(0, close: 3, known: 3, revision: 1),
      bar(0, close: 4, known: 4, interval: "1d"),
    ].enumerated() {
      listener.offer(LiveEvent(kind: "bar", symbol: "AAPL", json: bar.encoded()), UInt64(place))
    }
    #expect(listener.takeAll().map(\.0) == [1, 2, 3])
  }
}
