import Catalogue
@testable import Forecasting
@testable import InferenceWorkerService
@testable import Kafka
import Messages
import Testing
import Values

@Suite struct CoverageTrackerTests {
  private func request(
    _ hour: Int, _ value: String, _ series: String = pvc, unit: String? = "t"
  ) -> PredictionRequest {
    PredictionRequest(
      partition: TopicPartition("t", 0), offset: Int64(hour), name: SeriesName(RoutingKey(series)!, .price),
      observedAt: hourTime(hour).microseconds, value: ExactDecimal(value)!,
      measure: SeriesHistory.Measure(currency: "EGP", unit: unit), stamp: 0, trace: nil)
  }

  /// Steps of an hour, each 90 to 110 with 80 % promised.
  private func prediction(_ hour: Int, steps: Int = 1, model: String = "m", _ series: String = pvc) -> Prediction {
    Prediction(
      predictionID: "", series: RoutingKey(series)!, kind: .price, model: model, modelVersion: "1", modelKind: "lstm",
      issuedAt: hourTime(hour), currency: "EGP", unit: "t",
      steps: (1...steps).map {
        Prediction.Step(
          step: Int64($0), targetAt: hourTime(hour + $0), mean: ExactDecimal("100")!,
          quantiles: [("0.1", "90"), ("0.5", "100"), ("0.9", "110")].map {
            .init(probability: ExactDecimal($0.0)!, value: ExactDecimal($0.1)!)
          })
      }, inputDigest: "", flags: [])
  }

  private func outcomes(_ tracker: inout CoverageTracker, _ requests: [(PredictionRequest, [Prediction])]) -> [String] {
    var seen: [String] = []
    for (request, predictions) in requests {
      tracker.take(request, predictions) { seen.append("\($0) \($1.rawValue)") }
    }
    return seen
  }

  @Test func anObservedValueIsComparedOnce() {
    var tracker = CoverageTracker()
    let seen = outcomes(&tracker, [
      (request(0, "100"), [prediction(0, steps: 3), prediction(0, model: "n")]),
      // Ends are inside.
      (request(1, "110"), []), (request(1, "500"), []), (request(2, "89.99"), []),
      (request(3, "111", "mena.egypt.polymer.hdpe"), []), (request(3, "111"), []), (request(4, "100"), []),
    ])
    #expect(seen == ["m inside", "n inside", "m below", "m above"])
    #expect(tracker.tallies["m"]?.compared == 3 && tracker.tallies["m"]?.reached == 1.0 / 3)
    #expect(abs((tracker.tallies["m"]?.promised ?? 0) - 0.8) < 1e-12)
    #expect(tracker.tallies["m"]?.isOffBand == nil, "too few to judge")
  }

  @Test func anotherUnitAMissedPeriodAndAnotherOwnerCompareNothing() {
    var tracker = CoverageTracker()
    #expect(outcomes(&tracker, [
      (request(0, "100"), [prediction(0, steps: 2)]), (request(1, "1", unit: "kg"), []), (request(5, "100"), []),
      (request(6, "100"), [prediction(6)]),
    ]).isEmpty)
    tracker.forget { $0.series.text == pvc }
    #expect(outcomes(&tracker, [(request(7, "100"), [])]).isEmpty)
  }

  /// 80 % are promised: 75 to 85 keep the band, over the latest thousand.
  @Test(arguments: [(740, true), (760, false), (840, false), (860, true)])
  func aModelThatLeavesItsBandIsFlagged(inside: Int, isOff: Bool) {
    var tally = CoverageTracker.Tally()
    for _ in 0..<199 { tally.add(false, promised: 0.8) }
    #expect(tally.isOffBand == nil)
    tally.add(false, promised: 0.8)
    #expect(tally.isOffBand == true)
    for index in 0..<1_000 { tally.add(index < inside, promised: 0.8) }
    #expect(tally.isOffBand == isOff && tally.compared == 1_000)
  }

  /// Through the sink; a flush that fails and is made again counts once.
  @Test func theSinkComparesPredictionsWithObservations() async throws {
    let fixture = try WorkerFixture()
    _ = try await fixture.predict(["10", "10", "10", "10"])
    // Expected of the hours after: 11 and 12, give or take one.
    fixture.take(observation(hour: 4, "11.5"), offset: 4)
    fixture.output.fail(1)
    await #expect(throws: (any Error).self) { try await fixture.sink.flush(to: [:]) }
    #expect(fixture.sink.coverage.tallies.isEmpty)
    _ = try await fixture.sink.flush(to: [:])
    fixture.take(observation(hour: 5, "20"), offset: 5)
    _ = try await fixture.sink.flush(to: [:])
    let tally = try #require(fixture.sink.coverage.tallies["stub"])
    // The hour 5 was expected twice: at 3 and at 4.
    #expect(tally.compared == 3 && tally.reached == 1.0 / 3)
    fixture.sink.drop([TopicPartition(Topics.commodityObservations(of: .polymer).name, 0)])
    fixture.take(observation(hour: 6, "20"), offset: 6)
    _ = try await fixture.sink.flush(to: [:])
    #expect(fixture.sink.coverage.tallies["stub"]?.compared == 3)
  }
}
