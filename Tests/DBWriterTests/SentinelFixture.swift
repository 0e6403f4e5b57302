@testable import DBWriterService
import Messages
import Values

/// Messages of the market data system.
enum Sentinel {
  static let series = "mena.egypt.polymer.pvc"

  static func observation(
    _ series: String = series, hour: Int, _ value: String, fetched: Int? = nil, kind: SeriesKind = .price,
    currency: String? = "EGP", unit: String? = "t", flags: [String] = []
  ) -> [UInt8] {
    CommodityObservation(
      series: RoutingKey(series)!, kind: kind, material: "PVC", country: "Egypt", value: ExactDecimal(value)!,
      currency: currency, unit: unit, observedAt: hourTime(hour), source: "Provider", jobID: "job",
      fetchedAt: fetched.map { hourTime(hour).adding(seconds: $0) }, flags: flags
    ).encoded()
  }

  /// One step an hour; `steps` are their means, and the outer quantiles lie `spread` around them.
  static func prediction(
    _ number: Int, hour: Int, _ steps: [String], spread: String? = "10", withheld: String? = nil,
    version: String = "1", series: String = series
  ) -> Prediction {
    Prediction(
      predictionID: fileID(number), series: RoutingKey(series)!, kind: .price, model: "pvc", modelVersion: version,
      modelKind: "xgboost", issuedAt: hourTime(hour), currency: "EGP", unit: "t",
      steps: steps.enumerated().map { index, mean in
        let mean = ExactDecimal(mean)!
        let quantiles = spread.map { spread in
          [("0.1", "-" + spread), ("0.9", spread)].map { probability, distance in
            Prediction.Quantile(
              probability: ExactDecimal(probability)!, value: mean.adding(ExactDecimal(distance)!)!)
          }
        }
        return Prediction.Step(
          step: Int64(index + 1), targetAt: hourTime(hour + index + 1), mean: mean, quantiles: quantiles ?? [])
      },
      inputDigest: fileID(1_000 + number), flags: withheld == nil ? ["gap"] : [], withheld: withheld)
  }
}

extension Timestamp {
  func adding(seconds: Int) -> Timestamp { Timestamp(microseconds: microseconds + Int64(seconds) * 1_000_000)! }
}
