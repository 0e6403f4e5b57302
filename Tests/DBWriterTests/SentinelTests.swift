import Catalogue
@testable import DBWriterService
import Kafka
import LocalServers
import Messages
import Pipeline
import Postgres
import Testing
import TestSupport
import Values

/// Market observations and predictions, and their views.
@Suite struct SentinelTests {
  private static let polymer = TopicPartition(Topics.commodityObservations(of: .polymer).name, 0)
  private static let energy = TopicPartition(Topics.commodityObservations(of: .energy).name, 0)
  private static let buffer = TopicPartition(Topics.databaseWriteBuffer.name, 0)

  private func write(
    _ messages: [[UInt8]], of source: TopicPartition, each: Bool = true, to fixture: StoreFixture
  ) async throws {
    let store = fixture.store()
    var next = try await store.start([source])[source] ?? 0
    for message in messages {
      #expect(try store.append(source, next, message) == .keep)
      next += 1
      if each { _ = try await store.flushStaged() }
    }
    _ = try await store.flushStaged()
  }

  private func values(_ fixture: StoreFixture) async throws -> String {
    try await fixture.psql("""
      SELECT extract(hour FROM observed_at), value, flags FROM market_observations ORDER BY series, kind, observed_at
      """)
  }

  @Test(arguments: Dialect.allCases, [true, false])
  func theLaterFetchCorrects(dialect: Dialect, each: Bool) async throws {
    let fixture = try await StoreFixture(dialect: dialect)
    try await write([
      Sentinel.observation(hour: 1, "10.50", fetched: 60), Sentinel.observation(hour: 1, "11", fetched: 120),
      // An older one, and one without a time: neither replaces a newer one.
      Sentinel.observation(hour: 1, "9", fetched: 30), Sentinel.observation(hour: 1, "8"),
      Sentinel.observation(hour: 2, "8"), Sentinel.observation(hour: 2, "7"),
      // The last of those fetched at the same time counts.
      Sentinel.observation(hour: 3, "5", fetched: 9), Sentinel.observation(hour: 3, "5.0", fetched: 9, flags: ["late"]),
    ], of: Self.polymer, each: each, to: fixture)
    #expect(try await values(fixture) == "1|11|{}\n2|7|{}\n3|5.0|{late}\n")
  }

  @Test func aRepeatedObservationChangesNothing() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([Self.polymer, Self.energy])
    let message = Sentinel.observation(hour: 1, "10.50", fetched: 60)
    try store.append(Self.polymer, 0, message)
    try store.append(
      Self.energy, 0, Sentinel.observation("global.world.energy.brent", hour: 1, "80", currency: "USD", unit: "bbl"))
    #expect(try await store.flushStaged().written == ["market_observations": 2])
    try store.append(Self.polymer, 1, message)
    let report = try await store.flushStaged()
    #expect((report.written, report.changes) == (["market_observations": 0], 0))
    #expect(report.positions == [Self.polymer: 2])
    #expect(try await fixture.psql("SELECT series, unit FROM market_observations ORDER BY 1")
      == "global.world.energy.brent|bbl\nmena.egypt.polymer.pvc|t\n")
  }

  @Test(arguments: Dialect.allCases, [true, false])
  func aPredictionIsWrittenOnceHoweverOftenItComes(dialect: Dialect, each: Bool) async throws {
    let fixture = try await StoreFixture(dialect: dialect)
    let made = Sentinel.prediction(1, hour: 1, ["100.5", "101"]).encoded()
    let withheld = Sentinel.prediction(2, hour: 2, [], withheld: "too_few_observations").encoded()
    try await write([made, withheld, made, made, withheld], of: Self.buffer, each: each, to: fixture)
    #expect(try await fixture.psql("""
      SELECT right(prediction_id::text, 1), step, series, model_version, extract(hour FROM target_at), mean, quantiles,
        flags, withheld FROM predictions ORDER BY 1, 2
      """) == """
      1|1|mena.egypt.polymer.pvc|1|2|100.5|[[0.1, 90.5], [0.9, 110.5]]|{gap}|
      1|2|mena.egypt.polymer.pvc|1|3|101|[[0.1, 91], [0.9, 111]]|{gap}|
      2|0|mena.egypt.polymer.pvc|1|||[]|{}|too_few_observations

      """)
  }

  @Test func aPredictionThatCannotBeStoredIsRefusedAlone() async throws {
    let fixture = try await StoreFixture()
    let store = fixture.store()
    _ = try await store.start([Self.buffer])
    var silent = Sentinel.prediction(1, hour: 1, [])
    silent.withheld = nil
    var twice = Sentinel.prediction(2, hour: 1, ["1", "2"])
    twice.steps[1].step = 1
    var crossed = Sentinel.prediction(3, hour: 1, ["1"])
    crossed.steps[0].quantiles.reverse()
    var unnamed = Sentinel.prediction(4, hour: 1, ["1"])
    unnamed.predictionID = "4"
    for (offset, bad) in [silent, twice, crossed, unnamed].enumerated() {
      guard case .reject(let rejection) = try store.append(Self.buffer, Int64(offset), bad.encoded()) else {
        Issue.record("prediction \(offset) was not refused")
        continue
      }
      #expect(rejection.code == "bad_value")
    }
    try store.append(Self.buffer, 4, Sentinel.prediction(5, hour: 1, ["1"]).encoded())
    #expect(try await store.flushStaged().positions == [Self.buffer: 5])
    #expect(try await fixture.psql("SELECT count(*) FROM predictions") == "1\n")
  }

  /// A constraint of the operator refuses one step: the whole prediction is refused, the others are written.
  @Test func bisectionFindsWhatTheDatabaseRefuses() async throws {
    let fixture = try await StoreFixture()
    _ = try await fixture.psql("ALTER TABLE predictions ADD CONSTRAINT cheap CHECK (mean < 100)")
    let store = fixture.store()
    _ = try await store.start([Self.buffer])
    let messages = (0..<7).map { Sentinel.prediction($0, hour: 1, ["1", $0 == 3 ? "200" : "2"]).encoded() }
    for (offset, message) in messages.enumerated() { try store.append(Self.buffer, Int64(offset), message) }
    let refused = try #require(try await store.flushStaged().refused.first)
    #expect((refused.offset, refused.isWhole, refused.error.code) == (3, true, "postgres_23514"))
    #expect(try await store.start([Self.buffer]) == [Self.buffer: 3])
    for offset in 3..<7 {
      let disposition = try store.append(Self.buffer, Int64(offset), messages[offset])
      if offset > 3 { #expect(disposition == .keep) }
    }
    #expect(try await store.flushStaged().positions == [Self.buffer: 7])
    #expect(try await fixture.psql("SELECT count(*), max(step) FROM predictions") == "12|2\n")
  }

  @Test func accuracyComparesPredictionsWithObservedValues() async throws {
    let fixture = try await StoreFixture()
    try await write([
      Sentinel.prediction(1, hour: 0, ["100", "110"]).encoded(),
      Sentinel.prediction(2, hour: 1, ["90"], version: "2").encoded(),
      Sentinel.prediction(3, hour: 2, ["90", "500"], version: "2").encoded(),
      Sentinel.prediction(4, hour: 2, ["7"], spread: nil, version: "3").encoded(),
      Sentinel.prediction(5, hour: 2, [], withheld: "gap", version: "2").encoded(),
    ], of: Self.buffer, to: fixture)
    try await write([
      Sentinel.observation(hour: 1, "80"),
      // In the hour before two o'clock, beside an earlier one that is not the last.
      Sentinel.observation(hour: 2, "100"), Sentinel.observation(hour: 3, "0"),
      // Not comparable: another unit.
      Sentinel.observation(hour: 4, "500", unit: "kg"),
      Sentinel.observation("mena.egypt.polymer.hdpe", hour: 1, "1"),
    ], of: Self.polymer, to: fixture)
    // Version 1: |100-80|/80 = 25 %, |110-100|/100 = 10 %; 80 is outside 90..110, 100 is inside 100..120.
    // Version 2: |90-100|/100 = 10 %, inside 80..100; the zero has an error and no percentage, and is outside.
    #expect(try await fixture.psql("""
      SELECT model_version, steps, withheld, compared, round(mae, 2), mape, coverage, promised
      FROM prediction_accuracy ORDER BY 1
      """) == """
      1|2|0|2|15.00|17.50|50.0|80.0
      2|3|1|2|50.00|10.00|50.0|80.0
      3|1|0|1|7.00|||

      """)
  }

  /// With at least 200 compared values, the view reports a coverage more than 5 points from the promise.
  @Test(arguments: [(149, "too narrow"), (150, "hold"), (170, "hold"), (171, "too wide")])
  func intervalsAreCompared(inside: Int, expected: String) async throws {
    let fixture = try await StoreFixture()
    try await write(
      (0..<200).map { Sentinel.prediction($0, hour: $0, ["100"]).encoded() }, of: Self.buffer, to: fixture)
    let observations = (0..<200).map { Sentinel.observation(hour: $0 + 1, $0 < inside ? "100" : "500") }
    try await write(Array(observations.dropLast()), of: Self.polymer, to: fixture)
    let question = "SELECT coalesce(intervals, '-') FROM prediction_accuracy"
    #expect(try await fixture.psql(question) == "-\n", "too few")
    try await write(observations.suffix(1), of: Self.polymer, to: fixture)
    #expect(try await fixture.psql(question) == "\(expected)\n")
  }

  /// A value observed within a step's period, and not at its end, is the step's outcome.
  @Test func theLastValueWithinThePeriodIsCompared() async throws {
    let fixture = try await StoreFixture()
    try await write([Sentinel.prediction(1, hour: 0, ["10", "20", "30"]).encoded()], of: Self.buffer, to: fixture)
    let observation = try CommodityObservation(decoding: Sentinel.observation(hour: 1, "1"))
    let seconds = [-1_800: "8", 0: "9", 1_800: "21", 3_599: "22", 3_601: "31"]
    try await write(seconds.sorted { $0.key < $1.key }.map { second, value in
      var other = observation
      other.observedAt = observation.observedAt.adding(seconds: second)
      other.value = ExactDecimal(value)!
      return other.encoded()
    }, of: Self.polymer, to: fixture)
    #expect(try await fixture.psql("SELECT step, mean, actual FROM prediction_outcomes ORDER BY step")
      == "1|10|9\n2|20|22\n3|30|31\n")
  }
}
