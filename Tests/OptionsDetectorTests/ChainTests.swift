import Messages
@testable import OptionsDetectorService
import Testing

/// Volume against open interest and average, and what the next morning says.
@Suite struct ChainTests {
  @Test func volumeIsComparedWithTheOpenInterestOfTheDayBefore() throws {
    var book = Book()
    // Too little of either, and exactly enough.
    for (volume, open, fires) in [
      (499, 200, false), (500, 99, false), (500, 401, false), (500, 400, true), (600, 100, true),
    ] as [(Int64, Int64, Bool)] {
      var book = Book()
      book.take(Flow.page([Flow.contract(volume: volume, openInterest: open, of: "2025-11-28")]))
      #expect(book.standing.map(\.rule) == (fires ? [.volumeOI] : []), "\(volume) of \(open)")
    }
    // That of the day itself is none of the day before, and none is no zero.
    book.take(Flow.page([Flow.contract(volume: 900, openInterest: 100, of: Flow.day)]))
    book.take(Flow.page([Flow.contract(Flow.put, volume: 900)], at: 1))
    #expect(book.standing.isEmpty)
    var zero = Book()
    zero.rules.minOpenInterest = 0
    zero.take(Flow.page([Flow.contract(volume: 900, openInterest: 0, of: "2025-11-28")]))
    #expect(zero.standing.first?.numbers["ratio"] == 900)
    // A price of almost nothing.
    var cheap = Book()
    cheap.take(Flow.page([Flow.contract(volume: 900, openInterest: 100, of: "2025-11-28", last: 0.05)]))
    #expect(cheap.standing.isEmpty)
  }

  @Test func anEventIsRevisedWhenItsVolumeHasDoubled() throws {
    var book = Book()
    for (index, volume) in [400, 500, 700, 999, 1_000, 1_500, 2_100].enumerated() {
      book.take(Flow.page(
        [Flow.contract(volume: Int64(volume), openInterest: 200, of: "2025-11-28")], at: Int64(index) * 60_000))
    }
    let event = try #require(book.standing.first)
    #expect(book.standing.count == 1 && event.revision == 3 && event.size == 2_100)
    #expect(event.numbers["ratio"] == 10.5 && event.openInterestBefore == 200)
    // All of it at the price of the snapshots, each at the ask: bought, half as sure as one print.
    #expect(event.premium == 2_100 * 210 && event.side == .buy && event.confidence == 0.25)
    #expect(event.firstNs == Flow.open + 60_000_000_000)
  }

  @Test func volumeIsComparedWithTheContractsOwnAverage() throws {
    var book = Book()
    for (day, volume) in [("24", 200), ("25", 300), ("26", 100)] {
      book.take(Flow.page([Flow.contract(volume: Int64(volume))], day: "2025-11-\(day)"))
    }
    // Two whole days are too few; the third makes an average of 200.
    book.take(Flow.page([Flow.contract(volume: 599)], day: "2025-11-28"))
    #expect(book.standing.isEmpty)
    book.take(Flow.page([Flow.contract(volume: 600)], at: 1, day: "2025-11-28"))
    let event = try #require(book.standing.first)
    #expect(event.rule == .volumeAverage && event.numbers["average"] == 200 && event.numbers["ratio"] == 3)
    #expect(event.day == "2025-11-28")
    // The next day counts anew, against an average with the one before.
    book.take(Flow.page([Flow.contract(volume: 899)], day: "2025-12-01"))
    #expect(book.standing.count == 1)
    book.take(Flow.page([Flow.contract(volume: 901)], at: 1, day: "2025-12-01"))
    #expect(book.standing.count == 2)
  }

  /// By how much open interest grew decides; the follow-up is the same event.
  @Test(arguments: [(300, 600, OptionsFlow.Status.confirmed), (300, 549, .refuted), (300, 550, .confirmed),
                    (300, 100, .refuted)] as [(Int64, Int64, OptionsFlow.Status)])
  func theNextMorningConfirmsOrRefutes(_ before: Int64, _ after: Int64, _ status: OptionsFlow.Status) throws {
    var book = Book()
    book.take(Flow.page([Flow.contract(volume: 10, openInterest: before, of: "2025-11-28")]))
    book.take(Flow.print(at: 10, 2.10, 500))
    let first = try #require(book.standing.first)
    #expect(first.openInterestBefore == before && first.openInterestAfter == nil)
    // Still that of the day before.
    book.take(Flow.page([Flow.contract(volume: 0, openInterest: before, of: "2025-11-28")], day: "2025-12-02"))
    #expect(book.standing.first?.status == .reported)
    book.take(Flow.page([Flow.contract(volume: 0, openInterest: after, of: Flow.day)], at: 1, day: "2025-12-02"))
    let event = try #require(book.standing.first)
    #expect(event.eventID == first.eventID && event.status == status && event.revision == 2)
    #expect(event.openInterestBefore == before && event.openInterestAfter == after)
  }

  /// The open interest of all legs, and an event whose chain came later than itself.
  @Test func legsAreComparedTogetherAndAnUnknownOneWaits() throws {
    var book = Book()
    book.take(Flow.print(at: 0, 2.10, 300, x: 312, [232]))
    book.take(Flow.print(Flow.put, at: 1, 2.10, 300, x: 312, [232]))
    book.take(Flow.page([
      Flow.contract(volume: 1, openInterest: 10, of: "2025-11-28"),
      Flow.contract(Flow.put, volume: 1, openInterest: 20, of: "2025-11-28"),
    ]))
    book.take(Flow.page([Flow.contract(volume: 1, openInterest: 200, of: Flow.day)], day: "2025-12-02", of: 2))
    #expect(book.standing.first?.status == .reported)
    book.take(Flow.page(
      [Flow.contract(Flow.put, volume: 1, openInterest: 140, of: Flow.day)], day: "2025-12-02", page: 1, of: 2))
    let event = try #require(book.standing.first)
    #expect(event.status == .confirmed && event.openInterestBefore == 30 && event.openInterestAfter == 340)
  }

  @Test func aWholeSnapshotSaysWhatIsGone() {
    var book = Book()
    #expect(book.take(Flow.page([Flow.contract(volume: 1)], of: 2)) == .taken)
    #expect(book.take(Flow.page([Flow.contract(Flow.put, volume: 1)], page: 1, of: 2)) == .completed(gone: 0))
    // Of the next one a page is missing: nothing is known to be gone.
    #expect(book.take(Flow.page([Flow.contract(volume: 2)], at: 1, page: 1, of: 2)) == .taken)
    #expect(book.book.state(of: Flow.put) != nil)
    #expect(book.take(Flow.page([Flow.contract(volume: 2)], at: 2)) == .completed(gone: 1))
    #expect(book.book.state(of: Flow.put) == nil && book.book.state(of: Flow.call) != nil)
    #expect(book.take(Flow.page([Flow.contract(volume: 2)], day: "2025-11-28")) == .tooOld)
  }

  /// As Alpaca's: volume is compared with its own average alone, and no event is said to be confirmed or refuted.
  @Test func withoutAnyOpenInterestNothingIsComparedWithIt() throws {
    var book = Book()
    for (day, volume) in [("24", 200), ("25", 300), ("26", 100), ("28", 9_000)] {
      book.take(Flow.page([Flow.contract(volume: Int64(volume))], day: "2025-11-\(day)"))
    }
    let event = try #require(book.standing.first)
    #expect(book.standing.map(\.rule) == [.volumeAverage] && event.openInterestBefore == nil)
    book.take(Flow.page([Flow.contract(volume: 1)], day: "2025-12-01"))
    #expect(book.standing.map(\.status) == [.reported] && book.standing.first?.openInterestAfter == nil)
  }

  @Test func whatNoOpenInterestDecidesIsForgottenAndCounted() {
    var book = Book()
    book.take(Flow.print(at: 0, 2.10, 500))
    book.book.settle()
    book.take(Flow.page([Flow.contract(volume: 1)], day: "2025-12-05"))
    #expect(book.standing.count == 1)
    book.take(Flow.page([Flow.contract(volume: 1)], day: "2025-12-09"))
    #expect(book.standing.isEmpty && book.book.unverified == 1)
  }
}
