import Catalogue
import Core
@testable import Forecasting
import Foundation
import LocalServers
import Messages
import ModelRegistry
import ObjectStore
import Routing
import TestSupport
import Values

/// Demand of parts: in PostgreSQL, with a forecast of Croston's method for each value of each series.
struct SentinelFaults: Faultable {
  let stage: FaultStage
  let size: Int
  private let postgres: PostgresOfSeed
  private let demands: [Int]

  private static let series = (0..<8).map { "mena.c\($0).screening.valve" }
  private static let history = 6
  private static let smoothing = (size: 0.3, interval: 0.2)
  private static let input = Topics.commodityObservations(of: .screening)
  private static let group = "inference-worker-screening"

  init(_ folder: String, _ plan: FaultPlan, _ random: inout TestRandom) async throws {
    stage = try await FaultStage(
      folder, topics: Topics.commodityObservations + [Topics.databaseWriteBuffer, Topics.seriesWindows],
      settings: plan.settings)
    size = plan.size ?? Int.random(in: 100...400, using: &random)
    demands = (0..<size).map { _ in
      Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 1...20, using: &random) : 0
    }
    try FileManager.default.createDirectory(atPath: folder + "/registry", withIntermediateDirectories: true)
    let registry = ModelRegistry(try FileStore(path: folder + "/registry"))
    try await registry.publish(
      ModelManifest(
        name: "croston", version: "1", kind: .croston, series: "*.*.screening.*", seriesKind: "demand",
        history: Self.history, horizon: 1, period: 3_600,
        smoothing: Smoothing(size: Self.smoothing.size, interval: Self.smoothing.interval),
        trained: .init(from: "2025-01-01T00:00:00Z", to: "2025-01-19T00:00:00Z"), created: "2025-01-20T00:00:00Z"),
      weights: nil)
    postgres = try await PostgresOfSeed(plan)
  }

  func start(_ service: String) async throws -> ServiceProcess {
    var environment = stage.environment(service)
    if service == ServiceCatalogue.inferenceWorker.name {
      return try await ServiceProcess.start(
        service, ["--kind", "screening", "--models", "file://\(stage.folder)/registry", "--batch-wait", "10ms"],
        environment: environment)
    }
    environment.merge(postgres.environment) { $1 }
    environment["TABLES"] = "observations,predictions"
    environment["REFRESH_INTERVAL"] = "0s"
    return try await ServiceProcess.start(service, environment: environment)
  }

  // MARK: Input

  private func series(_ number: Int) -> String { Self.series[number % Self.series.count] }
  private func hour(_ number: Int) -> Int { number / Self.series.count }
  /// Seconds since 1970.
  private func time(_ number: Int) -> Int { 1_737_331_200 + hour(number) * 3_600 }

  func feed(_ parts: Range<Int>) async throws {
    try await stage.send(parts.map { number in
      let time = Timestamp(microseconds: Int64(time(number)) * 1_000_000)?.description ?? ""
      let text = """
        {"series":"\(series(number))","kind":"demand","material":"Valve","value":\(demands[number]),"unit":"pc",\
        "observed_at":"\(time)","source":"test"}
        """
      return .init(topic: Self.input, key: series(number), value: Array(text.utf8))
    })
  }

  func poison(_ count: Int, _ random: inout TestRandom) async throws {
    try await stage.poison((0..<count).map { _ in
      let number = Int.random(in: 0..<1_000_000_000, using: &random)
      if Bool.random(using: &random) {
        return (.init(
          topic: Topics.databaseWriteBuffer, value: "no prediction \(number)",
          services: [ServiceCatalogue.dbWriter.name]), series(number))
      }
      return (.init(
        topic: Self.input, value: "no observation \(number)",
        services: [ServiceCatalogue.dbWriter.name, ServiceCatalogue.inferenceWorker.name]), series(number))
    })
  }

  // MARK: Faults

  func begin(_ outage: String) async throws -> String? {
    try await postgres.begin(outage.split(separator: " ")[1], stage.names)
    return nil
  }

  func attempts(_ outage: String) -> Int { postgres.attempts }

  func heal() async throws {
    stage.names.recover()
    try await postgres.heal()
  }

  // MARK: The oracle

  func processed(of fed: Int) async throws -> Double {
    let (done, there) = try await stage.progress(of: Self.group, in: [Self.input])
    if done < there { return Double(done) / Double(there) }
    for topic in [Self.input, Topics.databaseWriteBuffer] {
      let (_, there) = try await stage.progress(of: "nobody", in: [topic])
      if try await postgres.read(of: topic.name) < there { return 0.99 }
    }
    return 1
  }

  func problems() async throws -> [String] {
    var observations = Ledger("observations", expected: (0..<size).map {
      "\(series($0))|\(time($0))|\(demands[$0])"
    })
    for row in try await postgres.query("""
      SELECT series, extract(epoch FROM observed_at)::bigint, trim_scale(value) FROM market_observations
      """) { observations.find(row) }
    let forecasts = Dictionary(uniqueKeysWithValues: (0..<size).map { ("\(series($0))|\(time($0))", forecast($0)) })
    var predictions = Ledger("predictions", expected: forecasts.keys)
    var wrong: [String] = []
    for row in try await postgres.query("""
      SELECT series, extract(epoch FROM issued_at)::bigint, mean FROM predictions
      """) {
      let fields = row.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      let name = fields[0] + "|" + fields[1]
      predictions.find(name)
      // The last digit of what is stored is rounded.
      let expected = forecasts[name] ?? nil
      let isRight = expected.map { abs($0 - (Double(fields[2]) ?? .infinity)) < 1e-5 } ?? fields[2].isEmpty
      if !isRight { wrong.append("predictions: \(row), expected \(expected.map { "\($0)" } ?? "none")") }
    }
    return observations.problems + predictions.problems + wrong.prefix(5)
  }

  /// Croston's forecast after a value, of the last six of its series (Operational Research Quarterly 23(3), 1972): size
  /// and interval smoothed at each demand, their quotient. Nil with fewer values, or without a demand.
  private func forecast(_ number: Int) -> Double? {
    guard hour(number) + 1 >= Self.history else { return nil }
    var (size, interval, since) = (0.0, 0.0, 0.0)
    for back in (0..<Self.history).reversed() {
      let demand = Double(demands[number - back * Self.series.count])
      since += 1
      guard demand > 0 else { continue }
      size = interval == 0 ? demand : Self.smoothing.size * demand + (1 - Self.smoothing.size) * size
      interval = interval == 0 ? since : Self.smoothing.interval * since + (1 - Self.smoothing.interval) * interval
      since = 0
    }
    return interval == 0 ? nil : size / interval
  }

  func close() async {
    try? await heal()
    await postgres.close()
  }
}
