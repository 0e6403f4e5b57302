import Core

extension ModelManifest {
  /// Limits that keep a wrong manifest from exhausting the machine.
  package enum Limit {
    package static let history = 10_000
    package static let horizon = 1_000
    package static let quantiles = 99
    package static let features = 4_096
    package static let drivers = 64
    package static let groups = 10_000
    package static let layers = 8
    package static let hidden = 4_096
    package static let samples = 10_000
    package static let probes = 16
  }

  /// - Throws: `ForecastError` of kind `.badManifest` that names the wrong field and the rule.
  package func check() throws(ForecastError) {
    guard format == Self.currentFormat else {
      throw ForecastError(.unsupported, "the manifest's format is \(format); this release reads \(Self.currentFormat)")
    }
    try require(Self.isName(name), "name: 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-', not '\(name)'")
    try require(Self.isName(version), "version: 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-', not '\(version)'")
    try require(!series.isEmpty && series.utf8.count <= 255, "series: a routing pattern of at most 255 bytes")
    try require(seriesKind == "price" || seriesKind == "demand", "series_kind: price or demand")
    try require(within(history, Limit.history), "history: 1 to \(Limit.history), not \(history)")
    try require(within(horizon, Limit.horizon), "horizon: 1 to \(Limit.horizon), not \(horizon)")
    try require(within(period, 366 * 86_400), "period: 1 second to a year, not \(period)")
    try require(features.count <= Limit.features, "features: at most \(Limit.features)")
    try require(Set(features).count == features.count, "features: one is there twice")
    try require(drivers.count <= Limit.drivers, "drivers: at most \(Limit.drivers)")
    try require(drivers.allSatisfy { Self.isName($0.name) && !$0.name.contains(".") }
                 && Set(drivers.map(\.name)).count == drivers.count, "drivers: distinct names without dots")
    try require(probes.count <= Limit.probes, "probes: at most \(Limit.probes)")
    try checkQuantiles()
    if case .standard(let mean, let deviation) = scaling {
      try require(
        mean.isFinite && deviation.isFinite && deviation > 0, "scaling: a finite mean and a deviation above 0")
    }
    if kind.isIntermittent { try checkSmoothing() } else { try checkWeights() }
    if kind.isNetwork { try checkNetwork() }
  }

  private func checkQuantiles() throws(ForecastError) {
    try require(quantiles.count <= Limit.quantiles, "quantiles: at most \(Limit.quantiles)")
    try require(quantiles.allSatisfy { $0 > 0 && $0 < 1 }, "quantiles: above 0 and below 1")
    try require(zip(quantiles, quantiles.dropFirst()).allSatisfy { $0 < $1 }, "quantiles: ascending")
    guard let residuals else {
      // Trees and smoothing have no quantiles of their own.
      try require(kind.isNetwork || quantiles.isEmpty, "quantiles: a model of kind \(kind.rawValue) needs residuals")
      try require(groupResiduals == nil, "group_residuals: residuals for the other series are missing")
      return
    }
    let groups = groupResiduals ?? [:]
    try require(groups.count <= Limit.groups, "group_residuals: at most \(Limit.groups)")
    for (field, residuals) in [("residuals", residuals)] + groups.map({ ("group_residuals.\($0.key)", $0.value) }) {
      try require(residuals.count == horizon && residuals.allSatisfy { $0.count == quantiles.count },
                 "\(field): a row for each of \(horizon) steps, a number for each of \(quantiles.count) quantiles")
      // Residuals of a network's own quantiles may narrow them.
      try require(residuals.allSatisfy { row in
        row.allSatisfy(\.isFinite) && (kind.isNetwork || zip(row, row.dropFirst()).allSatisfy { $0 <= $1 })
      }, "\(field): finite, ascending in each row")
    }
  }

  private func checkSmoothing() throws(ForecastError) {
    guard let smoothing else { throw ForecastError(.badManifest, "smoothing: a \(kind.rawValue) model needs it") }
    let range = { (factor: Double) in factor > 0 && factor <= 1 }
    try require(range(smoothing.size) && range(smoothing.interval), "smoothing: above 0, at most 1")
    try require(features.isEmpty && drivers.isEmpty, "features: a \(kind.rawValue) model has none")
    try require(target == .value, "target: a \(kind.rawValue) model gives the value")
    try require(scaling == .none || scaling == .windowMean, "scaling: none or window_mean for \(kind.rawValue)")
    try require(seriesKind == "demand", "series_kind: a \(kind.rawValue) model is for demand")
  }

  private func checkWeights() throws(ForecastError) {
    guard let weights else { throw ForecastError(.badManifest, "weights: a \(kind.rawValue) model needs them") }
    try require(Self.isName(weights.file) && weights.file != "manifest.json",
               "weights: a file name beside the manifest, not '\(weights.file)'")
    try require(weights.bytes > 0, "weights: more than 0 bytes")
    try require(weights.sha256.utf8.count == 64, "weights: sha256 has 64 hexadecimal digits")
    try require(!features.isEmpty, "features: a \(kind.rawValue) model needs some")
  }

  private func checkNetwork() throws(ForecastError) {
    guard let network else { throw ForecastError(.badManifest, "network: a \(kind.rawValue) model needs it") }
    try require(within(network.layers, Limit.layers), "network: 1 to \(Limit.layers) layers")
    try require(within(network.hidden, Limit.hidden), "network: 1 to \(Limit.hidden) cells")
    try require(within(network.context, history), "network: context is 1 to history (\(history))")
    guard kind == .deepar else { return }
    try require(network.head != nil, "network: DeepAR needs a head")
    try require(within(network.samples ?? 0, Limit.samples), "network: 1 to \(Limit.samples) samples")
    try require(target == .value, "target: DeepAR gives the value")
    let isCount = network.head == .negativeBinomial
    try require(scaling == .none || scaling == .windowMean || scaling == .windowStandard && !isCount,
               "scaling: none, window_mean or, but for counts, window_standard for DeepAR")
  }

  private func within(_ number: Int, _ limit: Int) -> Bool { number >= 1 && number <= limit }

  private func require(_ condition: Bool, _ rule: String) throws(ForecastError) {
    guard condition else { throw ForecastError(.badManifest, "the manifest's \(rule)") }
  }

  /// Safe as one segment of an object key.
  package static func isName(_ text: String) -> Bool {
    (1...100).contains(text.utf8.count) && text != "." && text != ".." && text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2e, 0x5f, 0x2d: true
      default: false
      }
    }
  }
}
