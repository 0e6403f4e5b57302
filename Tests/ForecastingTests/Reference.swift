@testable import Forecasting
import Foundation
import LocalServers
import TestSupport
import Values

/// Programs of the reference libraries, run by the tests.
enum Reference {
  /// The Debian packages python3-torch and python3-xgboost belong to this one.
  static let systemPython = "/usr/bin/python3"

  static var folder: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Reference")
  }

  /// The folder of real bars; made-up series alone are compared when `SOUK_REAL_DATA` names none.
  static let bars = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].map { "\($0)/egx" }

  static func environmentPython() throws -> String {
    try Program.require("python3", in: Program.environmentFolders, package: "python3-venv")
  }

  /// - Throws: what the program printed; it says which package is missing.
  @discardableResult
  static func run(_ script: String, _ arguments: [String], python: String = systemPython) async throws -> String {
    var launch = Launch(python, [folder.appendingPathComponent(script).path] + arguments)
    launch.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    launch.environment["OMP_NUM_THREADS"] = "1"
    return try await ChildProcess.runOrThrow(launch, atMost: .seconds(600))
  }

  struct Input: Codable {
    var values: [Double]
    /// Seconds since 1970.
    var times: [Int64]
    var drivers: [[Double]]
    var seed: UInt64

    var model: ModelInput {
      ModelInput(
        values: values, times: times.compactMap { Timestamp(microseconds: $0 * 1_000_000) }, drivers: drivers,
        seed: seed)
    }
  }

  /// A model that a reference program published under `folder`.
  static func model(
    _ name: String, in folder: String, _ change: (inout ModelManifest) -> Void = { _ in }
  ) throws -> any ForecastModel {
    let home = URL(fileURLWithPath: "\(folder)/models/\(name)/1")
    var manifest = try ModelManifest(json: Array(Data(contentsOf: home.appendingPathComponent("manifest.json"))))
    change(&manifest)
    let weights = try manifest.weights.map { Array(try Data(contentsOf: home.appendingPathComponent($0.file))) }
    return try ModelLoader.load(manifest, weights: weights)
  }

  static func expected<T: Decodable>(_ type: T.Type, in folder: String) throws -> T {
    try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/expected.json")))
  }

  /// The largest difference, as a part of the expected number's size (or of 1, if that is smaller).
  static func difference(_ ours: [Double], _ theirs: [Double]) -> Double {
    guard ours.count == theirs.count else { return .infinity }
    return zip(ours, theirs).reduce(0) { max($0, abs($1.0 - $1.1) / max(1, abs($1.1))) }
  }

  /// The largest difference as a part of the expected number.
  static func relativeDifference(_ ours: [Double], _ theirs: [Double]) -> Double {
    guard ours.count == theirs.count else { return .infinity }
    return zip(ours, theirs).reduce(0) { max($0, abs($1.0 - $1.1) / max(abs($1.1), 1e-12)) }
  }
}
