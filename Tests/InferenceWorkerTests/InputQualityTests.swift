@testable import Forecasting
@testable import InferenceWorkerService
import Messages
import Pipeline
import Testing
import Values

/// Predictions from poor input are flagged, or withheld with a reason.
@Suite struct InputQualityTests {
  @Test func aGoodInputIsAnsweredWithoutAFlag() async throws {
    let fixture = try WorkerFixture()
    let made = try #require(try await fixture.predict(["10", "20", "30", "40"]))
    #expect(made.flags == [] && made.withheld == nil)
    #expect((made.currency, made.unit, made.model, made.modelVersion) == ("EGP", "t", "stub", "1"))
    #expect(made.issuedAt == hourTime(3))
    #expect(made.steps.map(\.mean) == [ExactDecimal(26), ExactDecimal(27)])
    #expect(made.steps.map(\.targetAt) == [hourTime(4), hourTime(5)])
    #expect(made.steps[0].quantiles.map(\.probability) == [ExactDecimal("0.1")!, ExactDecimal("0.9")!])
    #expect(made.steps[0].quantiles.map(\.value) == [ExactDecimal(25), ExactDecimal(27)])
    #expect((made.predictionID.utf8.count, made.inputDigest.utf8.count) == (32, 32))
  }

  @Test func theFirstObservationsAreTooFew() async throws {
    let fixture = try WorkerFixture()
    _ = try await fixture.predict(["10", "20", "30", "40"])
    #expect(fixture.output.predictions.map(\.withheld) == [
      "too_few_observations", "too_few_observations", "too_few_observations", nil,
    ])
  }

  @Test func aSmallGapIsFilledAndFlagged() async throws {
    let fixture = try WorkerFixture()
    let made = try #require(try await fixture.predict(["10", nil, "30", "40"]))
    #expect(made.flags == ["gap"])
    // The price of the hour before stays.
    #expect(made.steps[0].mean == ExactDecimal("23.5"))
  }

  @Test func aMissingDemandIsZero() async throws {
    let fixture = try WorkerFixture([StubModel(kind: "demand")])
    let made = try #require(
      try await fixture.predict(["8", nil, "0", "4"], kind: .demand, currency: { _ in nil }, unit: { _ in "pc" }))
    #expect((made.flags, made.steps[0].mean, made.kind) == (["gap"], ExactDecimal(4), .demand))
    #expect((made.currency, made.unit) == (nil, "pc"))
  }

  @Test func aGapBeyondTheLimitIsWithheld() async throws {
    let fixture = try WorkerFixture([StubModel(history: 8)])
    let hours = ["10", "11", "12", nil, nil, nil, nil, "13"]
    let made = try #require(try await fixture.predict(hours))
    #expect((made.withheld, made.steps) == ("gap", []))
    // Three in a row are filled.
    let other = try WorkerFixture([StubModel(history: 8)])
    #expect(try await other.predict(["10", "11", "12", "12", nil, nil, nil, "13"])?.flags == ["gap"])
  }

  /// Observations that come a little early or late are no gaps.
  @Test func timesSlightlyOffAreNoGaps() async throws {
    let fixture = try WorkerFixture()
    for (hour, wavering) in [0: 3, 1: -200, 2: 700, 3: -600].sorted(by: { $0.key < $1.key }) {
      var one = observation(hour: hour, "10")
      one.observedAt = Timestamp(microseconds: one.observedAt.microseconds + Int64(wavering) * 1_000_000)!
      fixture.take(one, offset: Int64(hour))
    }
    _ = try await fixture.sink.flush(to: [:])
    #expect(fixture.output.predictions.last?.flags == [])
    #expect(fixture.output.predictions.last?.withheld == nil)
  }

  @Test func anotherUnitOrCurrencyRestartsTheSeries() async throws {
    let unit = try WorkerFixture()
    #expect(try await unit.predict(["10", "20", "30", "40", "50"], unit: { $0 < 2 ? "kg" : "t" })?.withheld
      == "unit_changed")
    let currency = try WorkerFixture()
    #expect(try await currency.predict(["10", "20", "30", "40", "50"], currency: { $0 < 3 ? "EGP" : "USD" })?.withheld
      == "currency_changed")
    let long = try WorkerFixture()
    let hours = (0..<8).map { _ in "10" }
    #expect(try await long.predict(hours, unit: { $0 < 4 ? "kg" : "t" })?.withheld == nil)
  }

  @Test func anImplausibleNewestPriceIsWithheld() async throws {
    for price in ["1300", "0.9", "0", "-3"] {
      let fixture = try WorkerFixture([StubModel(history: 6)])
      let made = try #require(try await fixture.predict(["12", "13", "12", "13", "12", price]))
      #expect((made.withheld, made.steps) == ("outlier", []), "\(price)")
    }
  }

  @Test func anImplausibleOldPriceIsRemoved() async throws {
    let fixture = try WorkerFixture([StubModel(history: 6)])
    let made = try #require(try await fixture.predict(["12", "12", "1200", "12", "12", "12"]))
    #expect((made.flags, made.steps[0].mean) == (["gap", "outlier"], ExactDecimal(13)))
  }

  @Test func aPriceFarFromTheOthersIsFlagged() async throws {
    let fixture = try WorkerFixture([StubModel(history: 6)])
    let made = try #require(try await fixture.predict(["12", "13", "12", "13", "12", "60"]))
    #expect((made.flags, made.withheld) == (["outlier"], nil))
  }

  @Test func aLateObservationIsPredictedFromThePointsUpToItsTime() async throws {
    let fixture = try WorkerFixture()
    for (offset, hour) in [0, 1, 2, 4, 5, 3].enumerated() {
      fixture.take(observation(hour: hour, "\(10 * hour + 10)"), offset: Int64(offset))
    }
    _ = try await fixture.sink.flush(to: [:])
    let late = try #require(fixture.output.predictions.last)
    #expect((late.issuedAt, late.flags) == (hourTime(3), ["late"]))
    #expect(late.steps[0].mean == ExactDecimal(26))
  }

  @Test func aRepeatCausesNoPredictionAndACorrectionDoes() async throws {
    let fixture = try WorkerFixture()
    for hour in 0..<4 { fixture.take(observation(hour: hour, "10"), offset: Int64(hour)) }
    #expect(fixture.take(observation(hour: 3, "10.0"), offset: 4) == .skip(reason: "repeated"))
    #expect(fixture.take(observation(hour: 3, "14"), offset: 5) == .keep)
    // The value from before the correction is a new correction.
    #expect(fixture.take(observation(hour: 3, "10"), offset: 6) == .keep)
    _ = try await fixture.sink.flush(to: [:])
    let made = fixture.output.predictions.suffix(3)
    #expect(made.compactMap { $0.steps.first?.mean } == [ExactDecimal(11), ExactDecimal(12), ExactDecimal(11)])
    #expect(Set(made.map(\.predictionID)).count == 2)
    #expect(made.first == made.last)
  }
}

/// Driver values are those of the observation's time, independent of when they were read.
@Suite struct DriverTests {
  private static let brent = "global.world.energy.brent"

  private func fixture(_ prices: [(hour: Int, price: String, unit: String)]) throws -> WorkerFixture {
    let fixture = try WorkerFixture([StubModel(drivers: [Self.brent])], hasDrivers: true)
    for (offset, price) in prices.enumerated() {
      fixture.drivers?.insert(
        observation(Self.brent, hour: price.hour, price.price, currency: "USD", unit: price.unit),
        offset: Int64(offset), stamp: hourTime(price.hour).microseconds / 1_000)
    }
    return fixture
  }

  @Test func theLatestValueAsOfTheTimeIsJoined() async throws {
    let fixture = try fixture([(-9, "50", "bbl"), (2, "60", "bbl"), (4, "99", "bbl")])
    let made = try #require(try await fixture.predict(["10", "10", "10", "10"]))
    #expect((made.flags, made.steps[0].mean) == ([], ExactDecimal(71)))
  }

  /// A value that was written only after the observation is not known to it, in the first run as in any other.
  @Test func aValueCountsOnlyAfterTheDelay() async throws {
    let fixture = try fixture([(-1, "50", "bbl")])
    let written = hourTime(3).microseconds / 1_000
    for (offset, late) in [1_999, 2_000].enumerated() {
      fixture.drivers?.insert(
        observation(Self.brent, hour: 2, "6\(offset)", currency: "USD", unit: "bbl"), offset: Int64(10 + offset),
        stamp: written - Int64(late))
    }
    #expect(try await fixture.predict(["10", "10", "10", "10"])?.steps[0].mean == ExactDecimal(72))
    let other = try self.fixture([(-1, "50", "bbl"), (3, "70", "bbl")])
    #expect(try await other.predict(["10", "10", "10", "10"])?.steps[0].mean == ExactDecimal(61))
  }

  @Test func anOldDriverIsFlaggedAndAVeryOldOneWithheld() async throws {
    #expect(try await fixture([(-1, "50", "bbl")]).predict(["1", "1", "1", "1"])?.flags == ["stale_driver"])
    #expect(try await fixture([(-69, "50", "bbl")]).predict(["1", "1", "1", "1"])?.flags == ["stale_driver"])
    #expect(try await fixture([(-70, "50", "bbl")]).predict(["1", "1", "1", "1"])?.withheld == "stale_driver")
  }

  @Test func aMissingDriverIsWithheld() async throws {
    #expect(try await fixture([]).predict(["1", "1", "1", "1"])?.withheld == "missing_driver")
    #expect(try await fixture([(4, "50", "bbl")]).predict(["1", "1", "1", "1"])?.withheld == "missing_driver")
  }

  @Test func aDriverOfTwoUnitsIsWithheld() async throws {
    let fixture = try fixture([(-1, "50", "bbl"), (2, "300", "t")])
    #expect(try await fixture.predict(["1", "1", "1", "1"])?.withheld == "driver_unit_changed")
  }
}
