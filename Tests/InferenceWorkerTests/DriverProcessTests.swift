import Catalogue
@testable import Forecasting
import Foundation
import LocalServers
import Messages
import Testing
import TestSupport
import Values

/// A polymer model with the oil price as a driver, trained here, in the executable.
@Suite struct DriverProcessTests {
  private static let brent = "global.world.energy.brent"
  private static let series = ["mena.egypt.polymer.pvc", "mena.oman.polymer.pvc"]
  private static let hours = 40

  private static var trainer: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Services/InferenceWorker/Training/train_xgboost.py").path
  }

  private static func price(_ hour: Int, _ size: Double) -> String {
    String(format: "%.2f", size * (1 + 0.05 * sin(Double(hour) / 5) + 0.01 * Double((hour * 7) % 5)))
  }

  private static func oil(_ hour: Int) -> CommodityObservation {
    observation(brent, hour: hour, price(hour, 70), currency: "USD", unit: "bbl")
  }

  private static func polymers(_ hours: Range<Int>) -> [CommodityObservation] {
    hours.flatMap { hour in
      series.enumerated().map { observation($1, hour: hour, price(hour + $0, 1_000)) }
    }
  }

  private static func train(into folder: String) async throws {
    var lines = ["series,kind,observed_at,value,brent"]
    for hour in 0..<200 {
      lines.append("\(series[0]),price,\(hourTime(hour - 300)),\(price(hour, 1_000)),\(price(hour, 70))")
    }
    try (lines.joined(separator: "\n") + "\n").write(toFile: "\(folder)/prices.csv", atomically: false, encoding: .utf8)
    var launch = Launch("/usr/bin/python3", [
      trainer, "\(folder)/prices.csv", folder, "--driver", "brent=\(brent)", "--history", "12", "--horizon", "2",
      "--period", "3600", "--rounds", "10", "--name", "trees", "--version", "1",
    ])
    launch.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    try await ChildProcess.runOrThrow(launch, atMost: .seconds(600))
  }

  /// - Parameter disturb: given the worker in the middle of the work.
  private static func run(
    _ folder: String, _ disturb: (WorkerCluster, ServiceProcess) async throws -> ServiceProcess
  ) async throws -> [String: Set<[UInt8]>] {
    let cluster = try WorkerCluster(folder: folder)
    var worker = try await cluster.start(kind: "polymer")
    try await worker.awaitReady()
    try await cluster.feed((-20..<hours).map(oil))
    let energy = Topics.commodityObservations(of: .energy)
    // Times here are not those of the clock, so `--driver-delay` cannot be waited for.
    try await eventually("the drivers are read") {
      await worker.metrics().sum("souk_kafka_table_records_total", where: ["topic": energy.name]) ?? 0 >= 60
    }
    try await cluster.feed(polymers(0..<20))
    worker = try await disturb(cluster, worker)
    try await cluster.feed(polymers(20..<hours))
    try await cluster.awaitCaughtUp(
      "inference-worker-polymer", [Topics.commodityObservations(of: .polymer), energy])
    #expect(await worker.terminate() == .exited(0))
    let made = cluster.predictions
    #expect(made.allSatisfy { $0.flags.isEmpty && $0.modelKind == "xgboost" })
    #expect(Set(made.compactMap(\.withheld)) == ["too_few_observations"])
    await cluster.close()
    return cluster.byID
  }

  @Test(.timeLimit(.minutes(20))) func treesWithADriverPredictTheSameAfterAKill() async throws {
    try await withTemporaryDirectory { folder in
      try await Self.train(into: folder)
      let undisturbed = try await Self.run(folder) { $1 }
      let killed = try await Self.run(folder) { cluster, worker in
        await worker.kill()
        return try await cluster.start(kind: "polymer")
      }
      #expect(undisturbed.count == Self.hours * Self.series.count)
      #expect(killed == undisturbed)
    }
  }
}
