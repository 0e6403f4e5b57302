/// The description of one version of a model: `models/<name>/<version>/manifest.json`.
///
/// Keys are `snake_case`; unknown ones are skipped, so that an older release reads what it can. ``check()`` verifies
/// what a kind needs.
package struct ModelManifest: Codable, Hashable, Sendable {
  /// Format of this file; see ``currentFormat``.
  package var format = currentFormat
  package var name: String
  package var version: String
  package var kind: ModelKind
  /// A routing pattern of the series it was trained for, such as `*.*.polymer.*`.
  package var series: String
  /// `price` or `demand`.
  package var seriesKind = "price"
  /// In the order of the model's inputs, in the notation of ``Feature``. Empty for Croston, SBA and TSB.
  package var features: [String] = []
  /// Other series that the features use, in the order of `ModelInput.drivers`.
  package var drivers: [Driver] = []
  /// Observations that an input needs.
  package var history: Int
  /// Steps of a forecast.
  package var horizon: Int
  /// Ascending probabilities between 0 and 1; empty for a model that gives none.
  package var quantiles: [Double] = []
  /// Seconds between observations, and between steps.
  package var period: Int
  /// How values are scaled for the model, and back.
  package var scaling = Scaling.none
  /// The meaning of the model's output.
  package var target = ForecastTarget.value
  /// A row for each step, a number for each quantile, on the scale of the output: the offset of that quantile from the
  /// model's own (networks), or from the output (trees, smoothing). Measured on data that the model was not trained on
  /// (split conformal prediction: Lei et al., "Distribution-Free Predictive Inference for Regression", JASA 2018; of
  /// quantiles: Romano et al., "Conformalized Quantile Regression", NeurIPS 2019). Nil where a network's own quantiles
  /// are used unchanged.
  package var residuals: [[Double]]?
  /// Residuals by material, the last word of a series' routing key; other series use `residuals`.
  package var groupResiduals: [String: [[Double]]]?
  /// The data behind the residuals; nil for intervals that were not measured.
  package var calibration: Calibration?
  /// For LSTM and DeepAR.
  package var network: NetworkShape?
  /// For Croston, SBA and TSB.
  package var smoothing: Smoothing?
  /// Nil for Croston, SBA and TSB, whose parameters are all in `smoothing`.
  package var weights: WeightsFile?
  /// The span of the training data, in RFC 3339.
  package var trained: TrainedRange
  /// RFC 3339.
  package var created: String
  /// Inputs with their expected outputs, run after loading, so that a model that answers differently here than where it
  /// was trained is refused.
  package var probes: [Probe] = []

  package static let currentFormat = 1

  package struct Driver: Codable, Hashable, Sendable {
    /// The name in features: `brent`.
    package var name: String
    /// A routing key: `global.world.energy.brent`.
    package var series: String
  }

  package struct Calibration: Codable, Hashable, Sendable {
    package var windows: Int
    /// RFC 3339.
    package var from: String
    package var to: String
    /// The share of later values inside intervals made from earlier ones; nil where there were too few.
    package var reached: Double?
  }

  /// The share of values that the outer quantiles promise to contain, 0 to 1; nil for a model without an interval.
  package var promisedCoverage: Double? {
    quantiles.count > 1 ? quantiles[quantiles.count - 1] - quantiles[0] : nil
  }

  package struct WeightsFile: Codable, Hashable, Sendable {
    /// A file name in the manifest's folder.
    package var file: String
    /// 64 hexadecimal digits.
    package var sha256: String
    package var bytes: Int

    package init(file: String, sha256: String, bytes: Int) {
      self.file = file
      self.sha256 = sha256
      self.bytes = bytes
    }
  }

  package struct TrainedRange: Codable, Hashable, Sendable {
    package var from: String
    package var to: String
  }

  package struct Probe: Codable, Hashable, Sendable {
    package var values: [Double]
    /// RFC 3339, as many as `values`.
    package var times: [String]
    package var drivers: [[Double]] = []
    package var seed: UInt64 = 0
    /// For each step, or the first ones, within `tolerance`.
    package var means: [Double]
    /// The allowed difference, relative to the expected value (or to 1, if that is smaller).
    package var tolerance = 1e-4
  }
}
