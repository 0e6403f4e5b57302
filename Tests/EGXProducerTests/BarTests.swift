import Core
@testable import EGXProducerService
import Foundation
import Messages
import Testing
import Values

@Suite struct BarTests {
  let clock: ExchangeClock
  let now: LocalDateTime

  init() throws {
    clock = try ExchangeClock()
    now = try #require(LocalDateTime("2025-01-20T14:30:52.123456"))
  }

  private func review(_ interval: BarInterval, closeOnly: Bool = true, republish: Bool = false) -> BarReview {
    BarReview(
      settings: .init(interval: interval, exchange: "EGX", closeOnly: closeOnly, republish: republish), clock: clock)
  }

  @Test func theDailyMessageIsThatOfTheReference() throws {
    // 2025-01-20T08:00:00Z, 10:00 in Cairo.
    let outcome = review(.daily).review(
      [bar(1_737_360_000, "45.50", "46.20", "45.10", "46.00", "1250000.0")], symbol: "COMI", memory: nil, now: now)
    #expect(
      String(decoding: try #require(outcome.outgoing.first).bar.encoded(), as: UTF8.self) == """
        {"symbol":"COMI","exchange":"EGX","interval":"Daily","datetime":"2025-01-20T00:00:00","open":45.50,\
        "high":46.20,"low":45.10,"close":46.00,"volume":1250000,"ingestion_timestamp":"2025-01-20T14:30:52.123456",\
        "observed_at":"2025-01-20T00:00:00+02:00"}
        """)
  }

  @Test func theIntradayMessageHasTheCloseOnly() throws {
    let outcome = review(.fiveMinutes).review(
      [bar(1_737_358_500, "45.5", "46", "45", "45.75")], symbol: "COMI", memory: nil, now: now)
    let text = String(decoding: try #require(outcome.outgoing.first).bar.encoded(), as: UTF8.self)
    #expect(text.contains(#""interval":"5 Minute","datetime":"2025-01-20T09:35:00","value":45.75,"field":"close""#))
    #expect(text.contains(#""observed_at":"2025-01-20T09:35:00+02:00""#))
  }

  /// Foundation carries its own zone rules.
  @Test func stampsFollowCairoThroughItsChangesOfClock() throws {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = try #require(TimeZone(identifier: "Africa/Cairo"))
    formatter.dateFormat = "yyyy-MM-dd'T'HH:mm:ss"
    for start in [Int64(1_745_500_000), 1_761_800_000, 1_777_000_000] {
      for time in stride(from: start, to: start + 7 * 86_400, by: 1_740) {
        let stamp = try #require(clock.stamp(bar(time, "1", "1", "1", "1"), .minute))
        #expect("\(stamp.datetime)" == formatter.string(from: Date(timeIntervalSince1970: Double(time))))
        #expect(stamp.observedAt.microseconds == time * 1_000_000)
      }
    }
  }

  @Test func onlyNewAndChangedBarsGoOut() throws {
    var memory = SeriesMemory(capacity: 10)
    let bars = [bar(600, "1", "2", "1", "2"), bar(660, "2", "3", "2", "3")]
    for out in review(.minute).review(bars, symbol: "A", memory: nil, now: now).outgoing {
      memory.note(out.position, out.fingerprint)
    }
    let again = review(.minute).review(bars, symbol: "A", memory: memory, now: now)
    #expect(again.outgoing.isEmpty && again.unchanged == 2)
    #expect(review(.minute, republish: true).review(bars, symbol: "A", memory: memory, now: now).outgoing.count == 2)
    // 3.00 is 3; 3.01 is not.
    let same = review(.minute).review([bar(660, "2", "3", "2", "3.00")], symbol: "A", memory: memory, now: now)
    #expect(same.outgoing.isEmpty)
    let changed = review(.minute).review([bar(660, "2", "4", "2", "3.01")], symbol: "A", memory: memory, now: now)
    #expect(changed.outgoing.map(\.isChange) == [true])
    #expect(changed.outgoing.first?.bar.flags == [])
  }

  @Test func anImpossibleRangeIsFlaggedAndPublished() {
    let outcome = review(.daily).review([bar(0, "5", "4", "3", "4")], symbol: "A", memory: nil, now: now)
    #expect(outcome.outgoing.map(\.bar.flags) == [.inconsistentRange])
  }

  /// Oil on 20 April 2020: some series allow negative prices.
  @Test func pricesOfZeroAndBelowAreFlaggedAndPublished() throws {
    let bars = [
      bar(0, "17.73", "17.85", "-40.32", "-37.63", "247947"), bar(86_400, "0", "1", "0", "1"),
      bar(172_800, "1", "1", "1", "1"), bar(259_200, "1", "1", "1", "1", "-1"),
    ]
    let outcome = review(.daily).review(bars, symbol: "CL", memory: nil, now: now)
    #expect(outcome.outgoing.map(\.bar.flags) == [.nonPositivePrice, .nonPositivePrice, []])
    #expect(outcome.unusable == 1, "a volume below zero")
    let text = String(decoding: try #require(outcome.outgoing.first).bar.encoded(), as: UTF8.self)
    #expect(text.contains(#""low":-40.32,"close":-37.63"#) && text.hasSuffix(#""flags":["non_positive_price"]}"#))
    // Of the value alone only the value counts.
    let values = review(.minute).review([bar(0, "0", "1", "0", "1")], symbol: "CL", memory: nil, now: now)
    #expect(values.outgoing.map(\.bar.flags) == [[]])
  }

  @Test func missedBarsAreFlaggedAndSparseOnesAreNot() {
    var memory = SeriesMemory(capacity: 10)
    memory.note(600, 1)
    memory.note(1_200, 2)
    let bars = [bar(900, "1", "1", "1", "1"), bar(1_260, "1", "1", "1", "1"), bar(6_000, "1", "1", "1", "1")]
    let quietMarket = review(.minute).review(bars, symbol: "A", memory: memory, now: now)
    #expect(quietMarket.outgoing.map(\.bar.flags) == [.refilled, [], []])
    let outage = review(.minute).review(bars, symbol: "A", memory: memory, missedUntil: 5_000, now: now)
    #expect(outage.outgoing.map(\.bar.flags) == [.refilled, .refilled, []])
    #expect(review(.minute).review(bars, symbol: "A", memory: nil, missedUntil: 5_000, now: now).refilled.isEmpty)
  }

  @Test func memoryIsBoundedAndForgottenBarsStaySilent() {
    var memory = SeriesMemory(capacity: 100)
    for position in 0..<Int64(1_000) { memory.note(position, 7) }
    #expect(memory.entries.count <= 125 && memory.newest == 999)
    #expect(memory.compare(3, 8) == .forgotten)
    #expect(memory.compare(999, 8) == .changed)
    #expect(memory.compare(999, 7) == .unchanged)
    #expect(memory.compare(1_000, 7) == .new)
  }

  @Test func theExchangeOpensOnItsDays() throws {
    let holiday = try #require(CivilDate("2025-01-20")?.daysSinceEpoch)
    let calendar = TradingCalendar(clock: clock, holidays: [holiday], afterClose: 20)
    func at(_ text: String) throws -> Int64 { try #require(Timestamp(text)).microseconds / 1_000_000 }
    #expect(try calendar.isOpen(at: at("2025-01-21T10:00:00+02:00")))
    #expect(try !calendar.isOpen(at: at("2025-01-21T09:59:59+02:00")))
    #expect(try calendar.isOpen(at: at("2025-01-21T14:49:59+02:00")))
    #expect(try !calendar.isOpen(at: at("2025-01-21T14:50:00+02:00")))
    #expect(try !calendar.isOpen(at: at("2025-01-24T12:00:00+02:00")))  // Friday
    #expect(try !calendar.isOpen(at: at("2025-01-20T12:00:00+02:00")))
    // In summer the same clock is an hour earlier; over a weekend and a holiday the next opening is far.
    #expect(try calendar.isOpen(at: at("2025-06-03T10:00:00+03:00")))
    #expect(try calendar.nextOpening(after: at("2025-01-16T15:00:00+02:00")) == at("2025-01-19T10:00:00+02:00"))
    #expect(try calendar.nextOpening(after: at("2025-01-19T15:00:00+02:00")) == at("2025-01-21T10:00:00+02:00"))
    #expect(try TradingCalendar.holidays("2025-01-07 # Christmas\n\n2025-04-25\n", path: "h").count == 2)
    #expect(throws: Failure.self) { try TradingCalendar.holidays("2025-02-30", path: "h") }
  }

  @Test func stateRoundTrips() throws {
    let path = NSTemporaryDirectory() + "egx-state-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let state = BarState(path: path, interval: .daily, closeOnly: true)
    #expect(try state.load(capacity: 8).isEmpty)
    var memory = SeriesMemory(capacity: 8)
    for position in 0..<Int64(30) { memory.note(position * 86_400, UInt64(position) &* 0x9e37_79b9_7f4a_7c15) }
    try state.save(["COMI": memory])
    #expect(try state.load(capacity: 8) == ["COMI": memory])
    #expect(throws: Failure.self) {
      try BarState(path: path, interval: .minute, closeOnly: true).load(capacity: 8)
    }
  }

  @Test func unacknowledgedBarsAreSentAgainInOrder() async throws {
    let topic = KeptBars()
    let publisher = BarPublisher(
      review: review(.minute), topic: topic, metrics: ProducerMetrics(), drain: Interruption(), logger: quiet,
      now: { .epoch })
    topic.failNext(1)
    _ = try await publisher.publish("A", [bar(60, "1", "1", "1", "1")])
    _ = try await publisher.publish("A", [bar(60, "1", "2", "1", "2")])
    try await publisher.settle()
    let closes = topic.bars.map(\.values)
    #expect(closes.last == .value(ExactDecimal(2), field: "close"))
    #expect(closes.contains(.value(ExactDecimal(1), field: "close")))
    #expect(try await publisher.publish("A", [bar(60, "1", "2", "1", "2")]).unchanged == 1)
  }
}
