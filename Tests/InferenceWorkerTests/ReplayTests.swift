import Catalogue
@testable import Forecasting
@testable import InferenceWorkerService
import Kafka
import Messages
import Pipeline
import Testing
import TestSupport
import Values

/// With kills at any time and repeated reads, the predictions are those of an undisturbed run.
@Suite struct ReplayTests {
  /// A log of two partitions: six series, with late observations, corrections, repeats, gaps and other units.
  private static func log(_ random: inout TestRandom) -> [Int32: [CommodityObservation]] {
    var log: [Int32: [CommodityObservation]] = [0: [], 1: []]
    var hours: [String: Int] = [:]
    for _ in 0..<220 {
      let number = Int32.random(in: 0...1, using: &random)
      let series = "x\(number).y.polymer.m\(Int.random(in: 0...2, using: &random))"
      var hour = hours[series] ?? 0
      switch Int.random(in: 0...9, using: &random) {
      case 0: hour = max(0, hour - Int.random(in: 1...12, using: &random))
      case 1: hour += 5
      case 2: break
      default: hour += 1
      }
      hours[series] = max(hour, hours[series] ?? 0)
      let value = Int.random(in: 0...20, using: &random) == 0 ? "9000" : "\(Int.random(in: 90...110, using: &random))"
      let unit = Int.random(in: 0...60, using: &random) == 0 ? "kg" : "t"
      let made = observation(series, hour: hour, value, unit: unit)
      log[number]?.append(made)
      if Int.random(in: 0...7, using: &random) == 0 { log[number]?.append(made) }
    }
    return log
  }

  /// Reads both partitions to their ends, with kills; commits lag behind what was flushed.
  /// - Parameter chance: one in so many steps is a kill; 0 is none.
  private static func run(
    _ log: [Int32: [CommodityObservation]], killing chance: Int, _ random: inout TestRandom
  ) async throws -> WorkerFixture {
    let fixture = try WorkerFixture([StubModel(), StubModel("other", history: 6, horizon: 1)], window: 12)
    let partitions = log.keys.sorted().map { TopicPartition(Topics.commodityObservations(of: .polymer).name, $0) }
    var committed: [TopicPartition: Int64] = [:]
    for partition in partitions { committed[partition] = 0 }
    var read = committed
    _ = try await fixture.sink.start(Set(partitions))
    while true {
      let open = partitions.filter { Int(read[$0] ?? 0) < log[$0.partition]?.count ?? 0 }
      if open.isEmpty, read == committed { return fixture }
      switch Int.random(in: 0...9, using: &random) {
      case 0...6 where !open.isEmpty:
        let partition = open[Int.random(in: 0..<open.count, using: &random)]
        let offset = read[partition] ?? 0
        fixture.take(
          (log[partition.partition] ?? [])[Int(offset)], offset: offset, partition: partition.partition)
        read[partition] = offset + 1
      default:
        if chance > 0, Int.random(in: 0...9, using: &random) == 0 {
          fixture.output.fail(1)
          await #expect(throws: (any Error).self) { try await fixture.sink.flush(to: read) }
        }
        _ = try await fixture.sink.flush(to: read)
        // A commit may be put off, and the process may end before it.
        if chance == 0 || open.isEmpty || Bool.random(using: &random) {
          committed = read
          fixture.sink.committed(committed)
        }
      }
      if chance > 0, !open.isEmpty, Int.random(in: 0..<chance, using: &random) == 0 {
        fixture.crash()
        read = committed
        _ = try await fixture.sink.start(Set(partitions))
      }
    }
  }

  private static func byID(_ predictions: [Prediction]) -> [String: Set<[UInt8]>] {
    Dictionary(grouping: predictions, by: \.predictionID).mapValues { Set($0.map { $0.encoded() }) }
  }

  @Test(arguments: 0..<25) func killsChangeNothing(round: Int) async throws {
    var random = TestRandom("replay \(round)")
    let log = Self.log(&random)
    let undisturbed = Self.byID(try await Self.run(log, killing: 0, &random).output.predictions)
    let killed = try await Self.run(log, killing: 12, &random)
    let disturbed = Self.byID(killed.output.predictions)
    #expect(disturbed == undisturbed)
    #expect(undisturbed.values.allSatisfy { $0.count == 1 })
    // The log holds what it is meant to test.
    let reasons = Set(killed.output.predictions.compactMap(\.withheld))
    let flags = Set(killed.output.predictions.flatMap(\.flags))
    if round == 0 {
      #expect(reasons.isSuperset(of: ["too_few_observations"]) && flags.isSuperset(of: ["gap", "late"]))
    }
  }

  @Test func theNextOwnerReadsTheFlushedWindows() async throws {
    let fixture = try WorkerFixture()
    let partition = TopicPartition(Topics.commodityObservations(of: .polymer).name, 0)
    for hour in 0..<3 { fixture.take(observation(hour: hour, "10"), offset: Int64(hour)) }
    _ = try await fixture.sink.flush(to: [partition: 3])
    fixture.sink.drop([partition])
    #expect(fixture.sink.load.rows == 0)
    fixture.crash()
    _ = try await fixture.sink.start([partition])
    fixture.take(observation(hour: 3, "14"), offset: 3)
    _ = try await fixture.sink.flush(to: [partition: 4])
    #expect(fixture.output.predictions.last?.steps.first?.mean == ExactDecimal(12))
  }

  @Test func aFailedFlushIsRepeatedUnchanged() async throws {
    let fixture = try WorkerFixture()
    for hour in 0..<4 { fixture.take(observation(hour: hour, "10"), offset: Int64(hour)) }
    fixture.output.fail(2)
    for _ in 0..<2 { await #expect(throws: (any Error).self) { try await fixture.sink.flush(to: [:]) } }
    #expect((fixture.output.predictions.count, fixture.sink.load.rows) == (0, 4))
    _ = try await fixture.sink.flush(to: [:])
    #expect((fixture.output.predictions.count, fixture.sink.load.rows, fixture.output.windows.count) == (4, 0, 1))
  }
}

/// The limit of one series or version does not suppress the others.
@Suite struct ModelUseTests {
  @Test func aSeriesWhoseModelFailsIsWithheldAlone() async throws {
    let fixture = try WorkerFixture([StubModel(history: 1, poison: 13)])
    for (index, value) in ["11", "12", "13", "14", "15"].enumerated() {
      fixture.take(observation("mena.egypt.polymer.m\(index)", hour: 1, value), offset: Int64(index))
    }
    _ = try await fixture.sink.flush(to: [:])
    #expect(fixture.output.predictions.map(\.withheld) == [nil, nil, "model_failed", nil, nil])
  }

  @Test func aNewVersionBeginsBetweenTwoFlushes() async throws {
    let fixture = try WorkerFixture([StubModel(history: 1)])
    fixture.take(observation(hour: 1, "1"), offset: 1)
    _ = try await fixture.sink.flush(to: [:])
    fixture.take(observation(hour: 2, "1"), offset: 2)
    fixture.models.put(try StubModel(version: "2", history: 1, horizon: 1).loaded())
    _ = try await fixture.sink.flush(to: [:])
    #expect(fixture.output.predictions.map(\.modelVersion) == ["1", "2"])
    #expect(fixture.output.predictions.map(\.steps.count) == [2, 1])
  }

  @Test func modelsAnswerForTheirOwnSeriesAndKind() async throws {
    let fixture = try WorkerFixture([
      StubModel("all", series: "#", history: 1), StubModel("demand", series: "#", kind: "demand", history: 1),
      StubModel("egypt", series: "mena.egypt.#", history: 1), StubModel("steel", series: "#.steel", history: 1),
    ])
    fixture.take(observation(hour: 1, "1"), offset: 0)
    fixture.take(observation("mena.oman.polymer.pvc", hour: 1, "1", kind: .demand), offset: 1)
    _ = try await fixture.sink.flush(to: [:])
    #expect(fixture.output.predictions.map(\.model) == ["all", "egypt", "demand"])
  }

  @Test func aModelThatDoesNotFitTheWorkerIsRefused() throws {
    #expect(throws: ForecastError.self) { try StubModel(history: 33).loaded(window: 64) }
    #expect(throws: ForecastError.self) { try StubModel(series: "*.egypt*").loaded() }
    #expect(throws: ForecastError.self) { try StubModel(drivers: ["mena.egypt.polymer.pvc"]).loaded() }
    #expect(throws: ForecastError.self) { try StubModel(kind: "weight").loaded() }
    _ = try StubModel(history: 32).loaded(window: 64)
  }
}
