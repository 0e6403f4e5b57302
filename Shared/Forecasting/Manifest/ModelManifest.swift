/// What is known of one version of a model: `models/<name>/<version>/manifest.json`.
///
/// Keys are `snake_case`; one that is not known is skipped, so that an older release reads what it can. What a kind
/// needs beyond the common part is checked by ``check()``.
package struct ModelManifest: Codable, Hashable, Sendable {
  /// Of this file; see ``currentFormat``.
  package var format: Int
  package var name: String
  package var version: String
  package var kind: ModelKind
  /// A routing pattern: the series it was trained for, such as `*.*.polymer.*`.
  package var series: String
  /// `price` or `demand`.
  package var seriesKind: String
  /// In the order of the model's inputs; their language is ``Feature``. Empty for Croston, SBA and TSB.
  package var features: [String]
  /// Series that the features look at besides the own one, in the order of `ModelInput.drivers`.
  package var drivers: [Driver]
  /// Observations that an input needs.
  package var history: Int
  /// Steps of a forecast.
  package var horizon: Int
  /// Ascending probabilities between 0 and 1; empty for a model that gives none.
  package var quantiles: [Double]
  /// Seconds between observations, and between steps.
  package var period: Int
  /// How values are made comparable before the model sees them, and back.
  package var scaling: Scaling
  /// What the model's output is.
  package var target: ForecastTarget
  /// A row for each step, a number for each quantile, on the scale of the output: how far that quantile lies from the
  /// model's own (networks), or from the output of a model without (trees, smoothing). Measured on data that the model
  /// was not trained on (split conformal prediction: Lei et al., "Distribution-Free Predictive Inference for
  /// Regression", JASA 2018; of quantiles: Romano et al., "Conformalized Quantile Regression", NeurIPS 2019). Nil where
  /// a network's own quantiles are taken as they are.
  package var residuals: [[Double]]?
  /// Residuals of a group of series by its material, which is the last word of their routing keys; others have
  /// `residuals`.
  package var groupResiduals: [String: [[Double]]]?
  /// What the residuals were measured on; nil for intervals that were not measured.
  package var calibration: Calibration?
  /// Of LSTM and DeepAR.
  package var network: NetworkShape?
  /// Of Croston, SBA and TSB.
  package var smoothing: Smoothing?
  /// Nil for Croston, SBA and TSB, whose parameters are all in `smoothing`.
  package var weights: WeightsFile?
  /// The observations it was trained on lie between these, written as RFC 3339.
  package var trained: TrainedRange
  /// RFC 3339.
  package var created: String
  /// Inputs with what comes out: tried after loading, so that a model that would answer differently here than where
  /// it was trained is refused.
  package var probes: [Probe]

  package static let currentFormat = 1

  package struct Driver: Codable, Hashable, Sendable {
    /// As features name it: `brent`.
    package var name: String
    /// A routing key: `global.world.energy.brent`.
    package var series: String

    package init(name: String, series: String) {
      self.name = name
      self.series = series
    }
  }

  package struct Calibration: Codable, Hashable, Sendable {
    package var windows: Int
    /// RFC 3339.
    package var from: String
    package var to: String
    /// The part of later values within intervals that were made of earlier ones; nil where there were too few.
    package var reached: Double?

    package init(windows: Int, from: String, to: String, reached: Double? = nil) {
      self.windows = windows
      self.from = from
      self.to = to
      self.reached = reached
    }
  }

  /// The part of all values that the outer quantiles say they hold, 0 to 1; nil for a model without an interval.
  package var promisedCoverage: Double? {
    quantiles.count > 1 ? quantiles[quantiles.count - 1] - quantiles[0] : nil
  }

  package struct WeightsFile: Codable, Hashable, Sendable {
    /// A name in the folder of the manifest.
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

    package init(from: String, to: String) {
      self.from = from
      self.to = to
    }
  }

  package struct Probe: Codable, Hashable, Sendable {
    package var values: [Double]
    /// RFC 3339, as many as `values`.
    package var times: [String]
    package var drivers: [[Double]]
    package var seed: UInt64
    /// For each step, or the first ones, within `tolerance`.
    package var means: [Double]
    /// A difference of at most this part of the expected value's size (or of 1, if that is smaller).
    package var tolerance: Double

    package init(
      values: [Double], times: [String], drivers: [[Double]] = [], seed: UInt64 = 0, means: [Double],
      tolerance: Double = 1e-4
    ) {
      self.values = values
      self.times = times
      self.drivers = drivers
      self.seed = seed
      self.means = means
      self.tolerance = tolerance
    }
  }

  package init(
    name: String, version: String, kind: ModelKind, series: String, seriesKind: String = "price",
    features: [String] = [], drivers: [Driver] = [], history: Int, horizon: Int, quantiles: [Double] = [],
    period: Int, scaling: Scaling = .none, target: ForecastTarget = .value, residuals: [[Double]]? = nil,
    groupResiduals: [String: [[Double]]]? = nil, calibration: Calibration? = nil, network: NetworkShape? = nil,
    smoothing: Smoothing? = nil, weights: WeightsFile? = nil, trained: TrainedRange, created: String,
    probes: [Probe] = []
  ) {
    format = Self.currentFormat
    self.name = name
    self.version = version
    self.kind = kind
    self.series = series
    self.seriesKind = seriesKind
    self.features = features
    self.drivers = drivers
    self.history = history
    self.horizon = horizon
    self.quantiles = quantiles
    self.period = period
    self.scaling = scaling
    self.target = target
    self.residuals = residuals
    self.groupResiduals = groupResiduals
    self.calibration = calibration
    self.network = network
    self.smoothing = smoothing
    self.weights = weights
    self.trained = trained
    self.created = created
    self.probes = probes
  }
}
