import Core
@testable import FetcherService
import Testing
import Values

@Suite struct QuoteChoiceTests {
  private let due = time("2025-01-20T12:00:00Z")

  private func quote(_ at: String, _ value: String = "5") -> Quote {
    Quote(value: decimal(value), observedAt: time(at))
  }

  private func choose(
    _ quotes: [Quote], maxAge: Duration? = nil, kind: SeriesKind = .price, isPositive: Bool = false,
    now: String = "2025-01-20T12:00:30Z"
  ) throws -> QuoteChoice.Chosen {
    try QuoteChoice(tolerance: .seconds(60), maxAge: maxAge)
      .choose(quotes, kind: kind, isPositive: isPositive, dueAt: due, now: time(now))
  }

  @Test func theLatestValueUpToTheDueTimeIsTakenInAnyOrder() throws {
    let quotes = ["2025-01-20T11:00:00Z", "2025-01-20T12:01:00Z", "2025-01-20T10:00:00Z", "2025-01-20T12:01:01Z"]
    let chosen = try choose(quotes.map { quote($0) })
    #expect(chosen.quote.observedAt == time("2025-01-20T12:01:00Z") && !chosen.isLate)
    let twice = try choose([quote(quotes[0], "1"), quote(quotes[0], "2")])
    #expect(twice.quote.value == decimal("2"))
  }

  @Test func aLateJobTakesAndFlagsTheNextValue() throws {
    let quotes = [quote("2025-01-20T15:00:00Z"), quote("2025-01-20T14:00:00Z")]
    let chosen = try choose(quotes, now: "2025-01-20T16:00:00Z")
    #expect(chosen.quote.observedAt == time("2025-01-20T14:00:00Z") && chosen.isLate)
  }

  @Test func aBarThatClosesAfterTheDueTimeIsLeftToTheNextJob() throws {
    var bar = quote("2025-01-20T14:00:00Z")
    bar.isOfPeriod = true
    #expect { try choose([bar], now: "2025-01-20T16:00:00Z") } throws: { ($0 as? FetchError)?.kind == .noValue }
    let chosen = try choose([bar, quote("2025-01-20T15:00:00Z")], now: "2025-01-20T16:00:00Z")
    #expect(chosen.quote.observedAt == time("2025-01-20T15:00:00Z") && chosen.isLate)
  }

  @Test func futureAndImplausibleValuesAreRefused() {
    func kind(
      _ quotes: [Quote], _ series: SeriesKind = .price, maxAge: Duration? = nil, isPositive: Bool = false
    ) -> FetchError.Kind? {
      do {
        _ = try choose(quotes, maxAge: maxAge, kind: series, isPositive: isPositive)
        return nil
      } catch {
        return (error as? FetchError)?.kind
      }
    }
    #expect(kind([]) == .noValue)
    #expect(kind([quote("2025-01-20T12:01:31Z")]) == .fromFuture)
    #expect(kind([quote("2025-01-20T12:01:30Z")]) == nil)
    // Oil in April 2020: whether a price may be 0 or below is a matter of the series.
    #expect(kind([quote("2025-01-20T11:00:00Z", "-37.63")]) == nil)
    #expect(kind([quote("2025-01-20T11:00:00Z", "0.00")]) == nil)
    #expect(kind([quote("2025-01-20T11:00:00Z", "-1")], isPositive: true) == .implausible)
    #expect(kind([quote("2025-01-20T11:00:00Z", "0.00")], isPositive: true) == .implausible)
    #expect(kind([quote("2025-01-20T11:00:00Z", "0")], .demand) == nil)
    #expect(kind([quote("2025-01-20T11:00:00Z", "-1")], .demand) == .implausible)
    #expect(kind([quote("2025-01-20T10:59:59Z")], maxAge: .seconds(3_600)) == .tooOld)
    #expect(kind([quote("2025-01-20T11:00:00Z")], maxAge: .seconds(3_600)) == nil)
  }

  @Test(arguments: [
    ("100", "2000", false), ("100", "2000.01", true), ("100", "5", false), ("100", "4.99", true),
    ("0.000001", "0.00002", false), ("0.000001", "0.0000200001", true), ("999999999999999999", "1", true),
    ("100", "0", false), ("0", "100", false), ("18.27", "-37.63", false), ("-37.63", "10", false),
  ]) func jumpsAreMoreThanTwentyfoldEitherWay(last: String, next: String, expected: Bool) {
    let state = SeriesState(observedAt: due, value: decimal(last), currency: "USD", unit: "t")
    let quote = Quote(value: decimal(next), observedAt: due, currency: "USD", unit: "t")
    #expect(QuoteChoice.isJump(from: state, to: quote, factor: 20) == expected)
    #expect(!QuoteChoice.isJump(from: state, to: quote, factor: 0))
    var other = quote
    other.unit = "kg"
    #expect(!QuoteChoice.isJump(from: state, to: other, factor: 20))
  }

  @Test func changesFollowEventTime() {
    let last = SeriesState(observedAt: due, value: decimal("5"), currency: "USD", unit: "t")
    func change(_ at: String, _ value: String, unit: String = "t") -> SeriesState.Change {
      SeriesState.change(
        from: last, to: SeriesState(observedAt: time(at), value: decimal(value), currency: "USD", unit: unit))
    }
    #expect(SeriesState.change(from: nil, to: last) == .new)
    #expect(change("2025-01-20T12:00:00Z", "5.00") == .unchanged)
    #expect(change("2025-01-20T12:00:00Z", "5.01") == .corrected)
    #expect(change("2025-01-20T12:00:00Z", "5", unit: "kg") == .corrected)
    #expect(change("2025-01-20T13:00:00Z", "5") == .repeated)
    #expect(change("2025-01-20T13:00:00Z", "6") == .new)
    #expect(change("2025-01-20T11:59:59Z", "6") == .older)
  }
}
