import Messages
@testable import OptionsDetectorService
import Testing

/// Prints to orders to events, one situation after the other.
@Suite struct OrderTests {
  @Test func printsOfOneSideOverExchangesAreASweep() throws {
    var book = Book()
    for (index, exchange) in [302, 309, 316].enumerated() {
      #expect(book.take(Flow.print(at: Int64(index) * 100, 2.10, 50, x: exchange)) == .taken)
    }
    let event = try #require(book.standing.first)
    #expect(book.standing.count == 1 && event.rule == .sweep && event.side == .buy && event.confidence == 1)
    #expect(event.size == 150 && event.prints == 3 && event.exchanges == 3 && event.premium == 31_500)
    #expect(event.price == 2.10 && event.contracts == [Flow.call] && event.day == Flow.day && event.revision == 1)
    #expect(event.numbers["prints"] == 3 && event.numbers["span_ms"] == 200 && event.condition.contains("250ms"))
    #expect(event.firstNs == Flow.open && event.lastNs == Flow.open + 200_000_000)
  }

  /// What is no sweep: too slow, on one exchange, to both sides, too little money, in the middle of the quote.
  @Test func whatIsNoSweep() {
    let cases: [[OptionTrade]] = [
      [Flow.print(at: 0, 2.10, 100), Flow.print(at: 251, 2.10, 100, x: 309)],
      [Flow.print(at: 0, 2.10, 100), Flow.print(at: 10, 2.10, 100)],
      [Flow.print(at: 0, 2.10, 100), Flow.print(at: 10, 2.00, 100, x: 309)],
      [Flow.print(at: 0, 2.10, 50), Flow.print(at: 10, 2.10, 60, x: 309)],
      [Flow.print(at: 0, 2.05, 100), Flow.print(at: 10, 2.05, 100, x: 309)],
      [Flow.print(at: 0, 2.10, 100), Flow.print(Flow.put, at: 10, 2.10, 99, x: 309)],
      [Flow.print(at: 0, 2.10, 100, [227]), Flow.print(at: 10, 2.10, 100, x: 309, [227])],
      [Flow.print(at: 0, 2.10, 100, [204]), Flow.print(at: 10, 2.10, 100, x: 309)],
    ]
    for (index, prints) in cases.enumerated() {
      var book = Book()
      for print in prints { book.take(print) }
      #expect(book.standing.isEmpty, "case \(index)")
    }
  }

  @Test func aPrintThatWasSentAsASweepIsOneAlone() throws {
    var book = Book()
    book.take(Flow.print(at: 0, 2.10, 200, [219]))
    let event = try #require(book.standing.first)
    #expect(event.rule == .sweep && event.prints == 1 && event.numbers["marked"] == 1)
  }

  @Test func oneLargePrintIsABlockAndPartsOfAnOrderCountOnce() throws {
    var book = Book()
    book.take(Flow.print(at: 0, 2.00, 500))
    #expect(book.standing.map(\.rule) == [.block] && book.standing[0].side == .sell)
    // By its money.
    book.take(Flow.print(Flow.put, at: 1_000, 50, 250, quote: (49, 50)))
    #expect(book.standing.map(\.rule) == [.block, .block])
    // Two large prints of one order are one event; the third is another order.
    book.take(Flow.print(at: 5_000, 2.10, 600))
    book.take(Flow.print(at: 5_100, 2.10, 700))
    book.take(Flow.print(at: 5_400, 2.10, 500))
    let events = book.standing.suffix(2)
    #expect(events.map(\.size) == [1_300, 500] && events.map(\.prints) == [2, 1])
    // A large print that goes on over other exchanges is a sweep, under the same id.
    book.take(Flow.print(at: 9_000, 2.10, 600))
    let block = try #require(book.standing.last)
    book.take(Flow.print(at: 9_050, 2.10, 100, x: 309))
    let sweep = try #require(book.standing.last)
    #expect(block.rule == .block && sweep.rule == .sweep && sweep.eventID == block.eventID && sweep.size == 700)
    #expect(sweep.revision == block.revision + 1)
  }

  @Test func legsAreOneEventWithoutASide() throws {
    var book = Book()
    book.take(Flow.print(at: 0, 2.10, 300, x: 312, [232]))
    #expect(book.standing.isEmpty)
    book.take(Flow.print(Flow.put, at: 1, 2.10, 300, x: 312, [232]))
    let event = try #require(book.standing.first)
    #expect(event.rule == .multiLeg && event.contracts == [Flow.call, Flow.put] && event.side == .unknown)
    #expect(event.size == 600 && event.confidence == 0)
    // On another exchange, or later, it is another order.
    book.take(Flow.print(at: 2, 2.10, 900, x: 313, [232]))
    #expect(book.standing.count == 1)
  }

  /// Prints that no condition marks: equal sizes on one exchange at one time are legs, and no blocks.
  @Test func coincidingPrintsAreLegs() throws {
    var book = Book()
    book.take(Flow.print(at: 0, 2.10, 600, x: 312))
    #expect(book.standing.map(\.rule) == [.block])
    book.take(Flow.print(Flow.put, at: 1, 2.10, 600, x: 312))
    #expect(book.standing.map(\.rule) == [.multiLeg] && book.standing[0].size == 1_200)
    // The block was taken back, and its first print begins the order of several legs.
    #expect(book.book.events.count == 1 && book.standing[0].revision == 3)
    for other in [Flow.print(Flow.put, at: 10_000, 2.10, 601, x: 312), Flow.print(Flow.put, at: 10_000, 2.10, 600),
                  Flow.print(Flow.put, at: 10_002, 2.10, 600, x: 312)] {
      var book = Book()
      book.take(Flow.print(at: 10_000, 2.10, 600, x: 312))
      book.take(other)
      #expect(book.standing.map(\.rule) == [.block, .block], "\(other)")
    }
  }

  @Test func aCancelledPrintTakesItsPartOrAllOfAnEvent() throws {
    var book = Book()
    for (index, exchange) in [302, 309, 316].enumerated() {
      book.take(Flow.print(at: Int64(index), 2.10, 100, x: exchange))
    }
    #expect(book.standing[0].size == 300)
    // Long after: the event's prints are remembered.
    #expect(book.take(Flow.print(at: 600_000, 2.10, 100, x: 309, [201])) == .cancelled)
    #expect(book.standing[0].size == 200 && book.standing[0].exchanges == 2)
    #expect(book.take(Flow.print(at: 600_100, 2.10, 100, x: 302, [203])) == .cancelled)
    let gone = try #require(book.book.events.values.first)
    #expect(book.standing.isEmpty && gone.status == .withdrawn && gone.revision == 4)
    #expect(book.take(Flow.print(at: 600_200, 2.20, 100, x: 302, [201])) == .cancelledNothing)
  }

  @Test func aRepeatChangesNothingAndALatePrintJoinsItsOrder() {
    var book = Book()
    book.take(Flow.print(at: 0, 2.10, 100))
    book.take(Flow.print(at: 100, 2.10, 100, x: 309))
    let once = book.book.events
    #expect(book.take(Flow.print(at: 0, 2.10, 100)) == .repeated)
    #expect(book.book.events == once)
    // It was missed before and comes from an answer about the past.
    book.take(Flow.print(at: 50, 2.10, 100, x: 316, knownAfter: 2_000))
    #expect(book.standing.count == 1 && book.standing[0].size == 300)
  }

  /// The state in bytes goes on as the book itself.
  @Test func aStateIsReadBack() throws {
    var book = Book()
    book.take(Flow.page([Flow.contract(volume: 600, openInterest: 200, of: "2025-11-28")]))
    for (index, exchange) in [302, 309, 316].enumerated() {
      book.take(Flow.print(at: Int64(index) * 10, 2.10, 100, x: exchange))
    }
    var again = Book()
    try again.book.restore(nil, #require(book.book.encoded(nil)))
    try again.book.restore("2025-12-19", #require(book.book.encoded("2025-12-19")))
    #expect(again.book.encoded(nil) == book.book.encoded(nil) && again.book.events == book.book.events)
    for other in [Flow.print(at: 100, 2.10, 100, x: 320), Flow.print(at: 0, 2.10, 100, x: 302),
                  Flow.print(at: 9_000, 2.10, 100, x: 309, [201])] {
      #expect(again.take(other) == book.take(other))
    }
    #expect(again.book.encoded(nil) == book.book.encoded(nil))
    #expect(throws: DecodingFailure.self) { try again.book.restore(nil, Array(#"{"version":2}"#.utf8)) }
  }
}
