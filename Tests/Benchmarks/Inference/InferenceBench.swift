import ArgumentParser
import Catalogue
import Forecasting
import Foundation
import InferenceWorkerService
import Kafka
import LocalServers
import Logging
import Messages
import ModelRegistry
import ObjectStoreFlags
import Pipeline
import Routing
import TestSupport
import Values

/// `souk-bench inference`: how long one observation takes in the worker, and from Kafka to a row of `predictions`.
struct InferenceBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inference", abstract: "From an observation to its prediction, in the worker and to the row.",
    discussion: """
      First the worker's core alone, without Kafka: its throughput in batches, then single observations that come at \
      half that rate, whether it keeps up or not. Then the executables inference-worker and db-writer beside this one, \
      on an embedded broker and a private PostgreSQL: observations at a steady rate, each stamped when it is sent; a \
      row's time is that of its commit, by the server (track_commit_timestamp). The model is Croston's unless \
      --models names a registry.
      """)

  @Option(help: "Observations a second, end to end.")
  var rate = 2_000

  @Option(help: "Seconds of it.")
  var seconds = 20

  @Option(help: "Series.")
  var series = 2_000

  @Option(help: "A registry with the model to use, as inference-worker's --models.")
  var models: String?

  @Option(help: "The model of --models.")
  var model: String?

  func validate() throws {
    guard (1...50_000).contains(rate), (1...600).contains(seconds), (1...100_000).contains(series) else {
      throw ValidationError("--rate is 1 to 50000, --seconds 1 to 600, --series 1 to 100000")
    }
    guard (models == nil) == (model == nil) else { throw ValidationError("--models and --model go together") }
  }

  func run() async throws {
    let folder = try PrivateFolder("inference")
    let location = models ?? "file://\(folder.path)"
    let registry = ModelRegistry(try ObjectStoreOptions.parse(["--object-store", location]).makeStore())
    let croston = try Self.croston()
    if models == nil { try await registry.publish(croston, weights: nil) }
    let loaded = try LoadedModel(try await registry.load(model ?? croston.name), windowLimit: 4_096)
    guard loaded.manifest.drivers.isEmpty else {
      throw ValidationError("a model with drivers cannot be measured by itself")
    }
    print("model \(loaded.manifest.name) \(loaded.manifest.version) (\(loaded.manifest.kind.rawValue))")
    try await CoreMeasure(loaded, series: series).run()
    try await TickToRow(
      loaded.manifest, location: location, rate: rate, seconds: seconds, series: series
    ).run()
  }

  private static func croston() throws -> ModelManifest {
    try ModelManifest(json: Array("""
      {"format": 1, "name": "croston", "version": "1", "kind": "croston", "series": "#", "series_kind": "demand",
       "history": 12, "horizon": 3, "period": 3600, "smoothing": {"size": 0.1, "interval": 0.1},
       "trained": {"from": "2025-01-01T00:00:00Z", "to": "2025-01-19T00:00:00Z"}, "created": "2025-01-20T00:00:00Z"}
      """.utf8))
  }

  /// The observation of a series in a round: rounds are one period apart.
  static func observation(
    _ manifest: ModelManifest, series: Int, round: Int, fetchedAt: Timestamp? = nil
  ) -> CommodityObservation? {
    let isDemand = manifest.seriesKind == "demand"
    let value = isDemand ? ((round + series) % 3 == 0 ? 5 + (round * 7 + series) % 20 : 0) : 100 + (round + series) % 7
    guard let key = RoutingKey("mena.c\(series).screening.valve"), let kind = SeriesKind(rawValue: manifest.seriesKind),
      let time = Timestamp(microseconds: 1_737_331_200_000_000 + Int64(round * manifest.period) * 1_000_000)
    else { return nil }
    return CommodityObservation(
      series: key, kind: kind, material: "Valve", value: ExactDecimal(Int32(value)),
      currency: isDemand ? nil : "EGP", unit: "pc", observedAt: time, source: "bench", fetchedAt: fetchedAt)
  }

  static func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }
}

/// The worker's core alone: as a sink whose output discards everything.
struct CoreMeasure {
  private let model: LoadedModel
  private let series: Int
  private let sink: InferenceSink
  private let partition = TopicPartition(Topics.commodityObservations(of: .screening).name, 0)

  private struct Nothing: SinkOutput, WindowSource {
    func send(_ batches: [OutgoingBatch], for positions: [TopicPartition: Int64]) async throws {}
    func windows(_ wanted: Set<WindowPartition>) async throws -> [WindowPartition: [SeriesName: SeriesHistory]] { [:] }
  }

  init(_ model: LoadedModel, series: Int) throws {
    self.model = model
    self.series = series
    var settings = InferenceSink.Settings(group: "bench", pattern: try RoutingPattern("#"))
    settings.window = max(128, model.manifest.history * 2)
    sink = InferenceSink(
      settings, identity: ServiceIdentity(name: "inference-worker"), models: LoadedModels([model]), drivers: nil,
      source: Nothing(), output: Nothing(), logger: Logger(label: "bench"))
  }

  func run() async throws {
    _ = try await sink.start([partition])
    var offset: Int64 = 0
    let rounds = model.manifest.history + 20
    let clock = ContinuousClock()
    let start = clock.now
    for round in 0..<rounds {
      for number in 0..<series {
        try take(number, round, &offset)
        if offset % 256 == 0 { try await flush(offset) }
      }
    }
    try await flush(offset)
    let capacity = Double(offset) / ((clock.now - start) / .seconds(1))
    print("core, batches of 256: \(Int(capacity)) observations/s, decoding, windows and encoding included")
    let gap = Duration.seconds(2 / (capacity * 0.25))
    var times: [Duration] = []
    let began = clock.now
    for index in 0..<min(20_000, series * 10) {
      // Single observations cost more than batches: half of their capacity is a quarter of the batches'.
      let due = began + gap * index
      while clock.now < due {}
      try take(index % series, rounds + index / series, &offset)
      try await flush(offset)
      times.append(clock.now - due)
    }
    times.sort()
    let mark = { (share: Double) in
      String(format: "%.3f", InferenceBench.milliseconds(times[Int(Double(times.count - 1) * share)]))
    }
    print("core, one by one at \(Int(1 / (gap / .seconds(1))))/s: p50 \(mark(0.5)) ms, p99 \(mark(0.99)) ms, "
      + "longest \(mark(1)) ms  (bound: p99 below 10 ms)")
  }

  /// With the worker's decoding.
  private func take(_ number: Int, _ round: Int, _ offset: inout Int64) throws {
    guard let made = InferenceBench.observation(model.manifest, series: number, round: round) else { return }
    let read = try CommodityObservation(decoding: made.encoded())
    _ = sink.take(read, partition, offset: offset, stamp: -1, isListened: true)
    offset += 1
  }

  private func flush(_ offset: Int64) async throws {
    _ = try await sink.flush(to: [partition: offset])
    sink.committed([partition: offset])
  }
}
