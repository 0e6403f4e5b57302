@testable import Forecasting
import Values

/// Small manifests and inputs.
enum Samples {
  static func manifest(
    _ kind: ModelKind, history: Int, smoothing: Smoothing? = nil, features: [String] = []
  ) -> ModelManifest {
    ModelManifest(
      name: "sample", version: "1", kind: kind, series: "#", seriesKind: kind.isIntermittent ? "demand" : "price",
      features: features, history: history, horizon: 2, period: 86_400, smoothing: smoothing,
      trained: ModelManifest.TrainedRange(from: "2025-01-01T00:00:00Z", to: "2025-06-01T00:00:00Z"),
      created: "2025-06-02T00:00:00Z")
  }

  static func input(_ values: [Double], drivers: [[Double]] = []) -> ModelInput {
    let times = values.indices.compactMap {
      Timestamp(microseconds: 1_736_000_000_000_000 + Int64($0) * 86_400_000_000)
    }
    return ModelInput(values: values, times: times, drivers: drivers)
  }
}
