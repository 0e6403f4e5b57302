import ArgumentParser
import Forecasting
import Foundation
import LocalServers
import ModelRegistry
import ObjectStore
import Values

/// `souk-bench models`: predictions per second of every kind of model, beside its reference library.
struct ModelsBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "Predict in micro-batches with every kind of model; xgboost, PyTorch and statsforecast do the same.",
    discussion: """
      The models are made by the reference program (random weights, small trees) and loaded from the registry it \
      writes. Rates are per second of CPU time of one thread. The libraries are given their features ready made; what \
      is measured here begins with the series and ends with means and quantiles.
      """)

  @Option(help: "Inputs of one call.")
  var batch = 256
  @Option(help: "CPU seconds for each figure.")
  var seconds = 2.0
  @Option(help: "A Python with PyTorch and xgboost (the Debian packages python3-torch and python3-xgboost).")
  var python = "/usr/bin/python3"

  mutating func run() async throws {
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    let folder = try PrivateFolder("bench-models")
    defer { folder.remove() }
    let venv = try Program.require(
      "python3", in: Program.environmentFolders, package: "python3-venv, and statsforecast from PyPI")
    print("batch \(batch), predictions/s per core")
    for (part, python) in [("trees", python), ("networks", python), ("demand", venv)] {
      let rates = try await reference(folder.path, part, python)
      let registry = ModelRegistry(try FileStore(path: folder.path))
      for (kind, theirs) in rates.sorted(by: { $0.key < $1.key }) {
        try await measure(kind, theirs, registry, folder.path)
      }
    }
  }

  private func reference(_ folder: String, _ part: String, _ python: String) async throws -> [String: Double] {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("models_reference.py").path
    var launch = Launch(python, [script, folder, "\(batch)", "\(seconds)", part])
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] { launch.environment[name] = "1" }
    let text = try await ChildProcess.runOrThrow(launch, atMost: .seconds(900))
    guard let line = text.split(separator: "\n").last else { throw ExitCode(1) }
    return try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
  }

  private struct Inputs: Decodable {
    var values: [[Double]]
    var times: [[Int64]]
  }

  private func measure(
    _ kind: String, _ theirs: Double, _ registry: ModelRegistry, _ folder: String
  ) async throws {
    let name = kind.replacing(" ", with: "-")
    let file = URL(fileURLWithPath: "\(folder)/\(name).json")
    let read = try JSONDecoder().decode(Inputs.self, from: Data(contentsOf: file))
    let inputs = zip(read.values, read.times).enumerated().map { index, row in
      ModelInput(
        values: row.0, times: row.1.compactMap { Timestamp(microseconds: $0 * 1_000_000) }, seed: UInt64(index))
    }
    let model = try await registry.load(name)
    guard try model.predict(inputs).allSatisfy({ $0.forecast != nil }) else {
      print("  \(kind): a forecast is missing")
      throw ExitCode(1)
    }
    var failure: ForecastError?
    let calls = rate(seconds: seconds) {
      do throws(ForecastError) { _ = try model.predict(inputs) } catch { failure = error }
    }
    let single = rate(seconds: seconds / 4) {
      do throws(ForecastError) { _ = try model.predict([inputs[0]]) } catch { failure = error }
    }
    if let failure { throw failure }
    let ours = calls * Double(batch)
    print(String(
      format: "  %@ %9.0f, the library %9.0f: %6.2f times; one alone takes %7.3f ms", pad(kind), ours, theirs,
      ours / theirs, 1_000 / single))
  }
}
