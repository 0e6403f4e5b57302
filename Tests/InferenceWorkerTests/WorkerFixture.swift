import Catalogue
import Core
@testable import Forecasting
@testable import InferenceWorkerService
@testable import Kafka
import Logging
import Messages
import Pipeline
import Routing
import Synchronization
import Values

/// A worker's core with a log and a changelog in memory, without Kafka.
final class WorkerFixture {
  typealias Sink = InferenceSink
  let output = MemoryOutput()
  let models: LoadedModels
  let drivers: DriverTable?
  let settings: Sink.Settings
  private(set) var sink: Sink

  init(
    _ models: [StubModel] = [StubModel()], pattern: String = "#", window: Int = 64, hasDrivers: Bool = false,
    limits: QualityLimits = QualityLimits()
  ) throws {
    self.models = LoadedModels(try models.map { try $0.loaded(window: window) })
    drivers = hasDrivers ? DriverTable(limit: 10_000) : nil
    var settings = Sink.Settings(group: "group", pattern: try RoutingPattern(pattern))
    settings.window = window
    settings.batchSize = 3
    settings.limits = limits
    self.settings = settings
    sink = Self.sink(settings, self.models, drivers, output)
  }

  private static func sink(
    _ settings: Sink.Settings, _ models: LoadedModels, _ drivers: DriverTable?, _ output: MemoryOutput
  ) -> Sink {
    Sink(
      settings, identity: ServiceIdentity(name: "inference-worker"), models: models, drivers: drivers,
      source: output, output: output, logger: Logger(label: "test"))
  }

  /// As after a kill: all that was in memory is gone.
  func crash() { sink = Self.sink(settings, models, drivers, output) }

  @discardableResult
  func take(
    _ observation: CommodityObservation, offset: Int64, partition: Int32 = 0, stamp: Int64? = nil
  ) -> Disposition {
    sink.take(
      observation,
      TopicPartition(Topics.commodityObservations(of: observation.series.category).name, partition), offset: offset,
      stamp: stamp ?? observation.observedAt.microseconds / 1_000, isListened: true)
  }

  /// Takes prices an hour apart, flushes, and gives the newest prediction.
  func predict(
    _ values: [String?], kind: SeriesKind = .price, currency: (Int) -> String? = { _ in "EGP" },
    unit: (Int) -> String? = { _ in "t" }
  ) async throws -> Prediction? {
    for (hour, value) in values.enumerated() {
      guard let value else { continue }
      take(
        observation(hour: hour, value, kind: kind, currency: currency(hour), unit: unit(hour)), offset: Int64(hour))
    }
    _ = try await sink.flush(to: [:])
    return output.predictions.last
  }
}

let pvc = "mena.egypt.polymer.pvc"

func observation(
  _ series: String = pvc, hour: Int, _ value: String, kind: SeriesKind = .price, currency: String? = "EGP",
  unit: String? = "t"
) -> CommodityObservation {
  CommodityObservation(
    series: RoutingKey(series)!, kind: kind, material: "PVC", value: ExactDecimal(value)!, currency: currency,
    unit: unit, observedAt: hourTime(hour), source: "test")
}

func hourTime(_ hour: Int) -> Timestamp {
  Timestamp(microseconds: 1_737_331_200_000_000 + Int64(hour) * 3_600_000_000)!
}

/// What was produced, and the changelog as compaction leaves it.
final class MemoryOutput: SinkOutput, WindowSource {
  private struct State {
    var predictions: [Prediction] = []
    var windows: [[UInt8]: SeriesWindow] = [:]
    var failures = 0
  }
  private let state = Mutex(State())

  var predictions: [Prediction] { state.withLock { $0.predictions } }
  var windows: [SeriesWindow] { state.withLock { Array($0.windows.values) } }
  /// This many sends fail before one succeeds.
  func fail(_ count: Int) { state.withLock { $0.failures = count } }

  func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws {
    try state.withLock { state in
      if state.failures > 0 {
        state.failures -= 1
        throw Failure(.transient, code: "outage", "staged")
      }
      for batch in batches {
        for item in batch.items {
          let value = Array(batch.bytes[item.value.start..<(item.value.start + item.value.count)])
          if batch.topics[item.topic] == Prediction.topic.name {
            state.predictions.append(try Prediction(decoding: value))
          } else {
            let window = try SeriesWindow(decoding: value)
            state.windows[window.key] = window
          }
        }
      }
    }
  }

  func windows(_ wanted: Set<WindowPartition>) async throws -> [WindowPartition: [SeriesName: SeriesHistory]] {
    // Every series of these tests is in the partition of its number; see `partition(of:)`.
    state.withLock { state in
      var found: [WindowPartition: [SeriesName: SeriesHistory]] = [:]
      for window in state.windows.values {
        let place = WindowPartition(window.series.category, partition(of: window.series))
        guard wanted.contains(place) else { continue }
        found[place, default: [:]][SeriesName(window.series, window.kind)] = SeriesHistory(window)
      }
      return found
    }
  }
}

/// `x3.y.polymer.z` is in partition 3; what has no number is in partition 0.
func partition(of series: RoutingKey) -> Int32 { Int32(series.region.filter(\.isNumber)) ?? 0 }
