import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import LocalServers
import Messages
import ModelRegistry
import ObjectStore
import Synchronization
import Testing
import TestSupport
import Values

/// From the archive to a prediction: a job compacts what was archived, another trains on it and publishes the model,
/// and a worker that waits for one takes it up and predicts.
@Suite(.serialized, .timeLimit(.minutes(20))) struct TrainTests {
  private static let series = ["mena.egypt.screening.valve", "mena.oman.screening.valve"]

  @Test func aModelOfTheArchiveIsTakenUpLive() async throws {
    let topics = [Topics.batchJobs, Topics.batchJobs.deadLetters, Topics.batchStatus]
      + Topics.commodityObservations + Topics.commodityObservations.map(\.deadLetters)
      + [Topics.seriesWindows, Topics.databaseWriteBuffer]
    let bench = try await RunnerTests.Bench(topics: topics, archive: [
      "demand", Self.series.joined(separator: ","), "150",
    ])
    let worker = try await ServiceProcess.start(
      "inference-worker",
      ["--kind", "screening", "--models", "file://\(bench.folder.path)", "--model-interval", "200ms"],
      environment: [
        "KAFKA_BOOTSTRAP_SERVERS": bench.broker.bootstrapServers, "RETRY_CAP": "1s",
        "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
      ])
    try await eventually("it waits for a model") {
      await worker.get("/readyz").map { $0.status == 503 && $0.body.contains("models") } ?? false
    }
    let runner = try await bench.start()
    let source = "sentinel_market_data.screening"
    try await bench.send(BatchJob(
      jobID: "observations", kind: .compact,
      parameters: TextValues([("dataset", "observations"), ("source", source), ("lateness", "0s")]), submittedNs: 1))
    let compacted = try await bench.end(of: "observations")
    #expect(compacted.state == .done && compacted.rows > 280, "\(compacted.message)")
    let training = BatchJob(
      jobID: "train", kind: .train,
      parameters: TextValues([
        ("model", "valves"), ("program", "croston"), ("method", "tsb"), ("kind", "demand"), ("history", "12"),
        ("horizon", "2"), ("series", "*.*.screening.*"),
      ]), submittedNs: 1_764_599_400_000_000_000)
    try await bench.send(training)
    let trained = try await bench.end(of: "train")
    #expect(trained.state == .done, "\(trained.message)")
    #expect(trained.manifest == "models/valves/20251201T143000Z/manifest.json")
    let registry = ModelRegistry(try FileStore(path: bench.folder.path))
    #expect(try await registry.currentVersion(of: "valves") == "20251201T143000Z")
    try await worker.awaitReady()

    let (heard, tap) = try Heard.predictions(of: bench)
    var batch = OutgoingBatch()
    for day in 0..<20 {
      let time = try #require(Timestamp(microseconds: Int64(1_750_000_000 + day * 86_400) * 1_000_000))
      for series in Self.series {
        let observation = CommodityObservation(
          series: try #require(RoutingKey(series)), kind: .demand, material: "valve", country: "Egypt",
          value: try #require(ExactDecimal("\(day % 4 == 0 ? 7 : 0)")), unit: "pc", observedAt: time, source: "test")
        batch.append(topic: source, key: observation.key, value: observation.encoded())
      }
    }
    try await bench.producer.send(batch)
    try await eventually("the model predicts") {
      heard.predictions.withLock { made in
        Self.series.allSatisfy { name in
          made.contains { $0.series.text == name && $0.model == "valves" && $0.withheld == nil && !$0.steps.isEmpty }
        }
      }
    }
    // The next version replaces it while it runs.
    try await bench.send(BatchJob(
      jobID: "train", kind: .train, parameters: training.parameters, submittedNs: 1_764_603_000_000_000_000))
    let again = try await bench.end(of: "train", run: "train-1764603000000000000")
    #expect(again.state == .done && again.manifest == "models/valves/20251201T153000Z/manifest.json")
    try await eventually("the worker has it") {
      worker.log.contains { $0.contains("model replaced") && $0.contains("20251201T153000Z") }
    }
    await tap.closeAndWait()
    #expect(await runner.terminate() == .exited(0))
    #expect(await worker.terminate() == .exited(0))
  }

  /// The closes of archived bars, trained on by a worker of a Dask cluster.
  @Test func aModelOfBarsIsTrainedOnDaskAndTakenUpLive() async throws {
    let topics = [Topics.batchJobs, Topics.batchJobs.deadLetters, Topics.batchStatus]
      + Topics.commodityObservations + Topics.commodityObservations.map(\.deadLetters)
      + [Topics.seriesWindows, Topics.databaseWriteBuffer]
    let bench = try await RunnerTests.Bench(topics: topics, archive: ["daily", "AAPL,MSFT", "180"])
    let cluster = try await PrivateDask.start(workers: 1, modules: JobProgramsTests.modules)
    let worker = try await ServiceProcess.start(
      "inference-worker",
      ["--kind", "polymer", "--models", "file://\(bench.folder.path)", "--model-interval", "200ms"],
      environment: [
        "KAFKA_BOOTSTRAP_SERVERS": bench.broker.bootstrapServers, "RETRY_CAP": "1s",
        "KAFKA_PROPERTIES": "session.timeout.ms=6000,heartbeat.interval.ms=500",
      ])
    let runner = try await bench.start([
      "DASK_ENABLED": "true", "DASK_SCHEDULER_ADDRESS": cluster.address, "DASK_PATIENCE": "120s",
    ])
    try await bench.send(BatchJob(
      jobID: "bars", kind: .compact, parameters: TextValues([("lateness", "0s")]), submittedNs: 1))
    #expect(try await bench.end(of: "bars").rows > 300)
    try await bench.send(BatchJob(
      jobID: "train", kind: .train,
      parameters: TextValues([
        ("dataset", "bars"), ("model", "closes"), ("program", "xgboost"), ("kind", "price"), ("history", "20"),
        ("horizon", "2"), ("rounds", "20"), ("series", "market.*.polymer.*"),
      ]), submittedNs: 1_764_599_400_000_000_000))
    let trained = try await bench.end(of: "train")
    #expect(trained.state == .done && trained.engine == "dask", "\(trained.message)")
    #expect(trained.manifest == "models/closes/20251201T143000Z/manifest.json")
    try await worker.awaitReady()

    let (heard, tap) = try Heard.predictions(of: bench)
    var batch = OutgoingBatch()
    for day in 0..<40 {
      let time = try #require(Timestamp(microseconds: Int64(1_750_000_000 + day * 86_400) * 1_000_000))
      let observation = CommodityObservation(
        series: try #require(RoutingKey("market.polygon_stocks.polymer.aapl")), kind: .price, material: "aapl",
        country: "polygon_stocks", value: try #require(ExactDecimal("\(200 + day % 7)")), currency: "USD",
        observedAt: time, source: "test")
      batch.append(topic: "sentinel_market_data.polymer", key: observation.key, value: observation.encoded())
    }
    try await bench.producer.send(batch)
    try await eventually("the model predicts") {
      heard.predictions.withLock { made in
        made.contains { $0.model == "closes" && $0.withheld == nil && !$0.steps.isEmpty }
      }
    }
    await tap.closeAndWait()
    #expect(await runner.terminate() == .exited(0))
    #expect(await worker.terminate() == .exited(0))
    await cluster.stop()
  }

  private final class Heard: Sendable {
    let predictions = Mutex<[Prediction]>([])

    /// What the worker predicts from now on, and the reader that listens to it.
    static func predictions(of bench: RunnerTests.Bench) throws -> (Heard, TableReader) {
      let heard = Heard()
      let tap = try TableReader(
        bench.options.tableConfiguration(
          clientID: "tap", topic: Topics.databaseWriteBuffer.name, logger: RunnerTests.Bench.logger)
      ) { heard.take($0) }
      return (heard, tap)
    }

    func take(_ batch: RecordBatch) {
      batch.forEach { record in
        guard let prediction = try? Prediction(decoding: record.valueBytes) else { return }
        predictions.withLock { $0.append(prediction) }
      }
    }
  }
}
