import Runtime

extension ModelManifest {
  /// What a manifest may ask for at most, so that a wrong one cannot take the machine with it.
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

  /// - Throws: `ForecastError` of kind `.badManifest` that says which field is wrong and what would be right.
  package func check() throws(ForecastError) {
    guard format == Self.currentFormat else {
      throw ForecastError(.unsupported, "the manifest's format is \(format); this release reads \(Self.currentFormat)")
    }
    try demand(Self.isName(name), "name: 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-', not '\(name)'")
    try demand(Self.isName(version), "version: 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-', not '\(version)'")
    try demand(!series.isEmpty && series.utf8.count <= 255, "series: a routing pattern of at most 255 bytes")
    try demand(seriesKind == "price" || seriesKind == "demand", "series_kind: price or demand")
    try demand(within(history, Limit.history), "history: 1 to \(Limit.history), not \(history)")
    try demand(within(horizon, Limit.horizon), "horizon: 1 to \(Limit.horizon), not \(horizon)")
    try demand(within(period, 366 * 86_400), "period: 1 second to a year, not \(period)")
    try demand(features.count <= Limit.features, "features: at most \(Limit.features)")
    try demand(Set(features).count == features.count, "features: one is there twice")
    try demand(drivers.count <= Limit.drivers, "drivers: at most \(Limit.drivers)")
    try demand(drivers.allSatisfy { Self.isName($0.name) && !$0.name.contains(".") }
                 && Set(drivers.map(\.name)).count == drivers.count, "drivers: distinct names without dots")
    try demand(probes.count <= Limit.probes, "probes: at most \(Limit.probes)")
    try checkQuantiles()
    if case .standard(let mean, let deviation) = scaling {
      try demand(mean.isFinite && deviation.isFinite && deviation > 0, "scaling: a finite mean and a deviation above 0")
    }
    if kind.isIntermittent { try checkSmoothing() } else { try checkWeights() }
    if kind.isNetwork { try checkNetwork() }
  }

  private func checkQuantiles() throws(ForecastError) {
    try demand(quantiles.count <= Limit.quantiles, "quantiles: at most \(Limit.quantiles)")
    try demand(quantiles.allSatisfy { $0 > 0 && $0 < 1 }, "quantiles: above 0 and below 1")
    try demand(zip(quantiles, quantiles.dropFirst()).allSatisfy { $0 < $1 }, "quantiles: ascending")
    guard let residuals else {
      // Trees and smoothing say nothing of the spread by themselves.
      try demand(kind.isNetwork || quantiles.isEmpty, "quantiles: a model of kind \(kind.rawValue) needs residuals")
      try demand(groupResiduals == nil, "group_residuals: residuals for the other series are missing")
      return
    }
    let groups = groupResiduals ?? [:]
    try demand(groups.count <= Limit.groups, "group_residuals: at most \(Limit.groups)")
    for (field, residuals) in [("residuals", residuals)] + groups.map({ ("group_residuals.\($0.key)", $0.value) }) {
      try demand(residuals.count == horizon && residuals.allSatisfy { $0.count == quantiles.count },
                 "\(field): a row for each of \(horizon) steps, a number for each of \(quantiles.count) quantiles")
      // What is added to quantiles of the network's own may narrow them.
      try demand(residuals.allSatisfy { row in
        row.allSatisfy(\.isFinite) && (kind.isNetwork || zip(row, row.dropFirst()).allSatisfy { $0 <= $1 })
      }, "\(field): finite, ascending in each row")
    }
  }

  private func checkSmoothing() throws(ForecastError) {
    guard let smoothing else { throw ForecastError(.badManifest, "smoothing: a \(kind.rawValue) model needs it") }
    let range = { (factor: Double) in factor > 0 && factor <= 1 }
    try demand(range(smoothing.size) && range(smoothing.interval), "smoothing: above 0, at most 1")
    try demand(features.isEmpty && drivers.isEmpty, "features: a \(kind.rawValue) model has none")
    try demand(target == .value, "target: a \(kind.rawValue) model gives the value")
    try demand(scaling == .none || scaling == .windowMean, "scaling: none or window_mean for \(kind.rawValue)")
    try demand(seriesKind == "demand", "series_kind: a \(kind.rawValue) model is for demand")
  }

  private func checkWeights() throws(ForecastError) {
    guard let weights else { throw ForecastError(.badManifest, "weights: a \(kind.rawValue) model needs them") }
    try demand(Self.isName(weights.file) && weights.file != "manifest.json",
               "weights: a file name beside the manifest, not '\(weights.file)'")
    try demand(weights.bytes > 0, "weights: more than 0 bytes")
    try demand(weights.sha256.utf8.count == 64, "weights: sha256 has 64 hexadecimal digits")
    try demand(!features.isEmpty, "features: a \(kind.rawValue) model needs some")
  }

  private func checkNetwork() throws(ForecastError) {
    guard let network else { throw ForecastError(.badManifest, "network: a \(kind.rawValue) model needs it") }
    try demand(within(network.layers, Limit.layers), "network: 1 to \(Limit.layers) layers")
    try demand(within(network.hidden, Limit.hidden), "network: 1 to \(Limit.hidden) cells")
    try demand(within(network.context, history), "network: context is 1 to history (\(history))")
    guard kind == .deepar else { return }
    try demand(network.head != nil, "network: DeepAR needs a head")
    try demand(within(network.samples ?? 0, Limit.samples), "network: 1 to \(Limit.samples) samples")
    try demand(target == .value, "target: DeepAR gives the value")
    let isCount = network.head == .negativeBinomial
    try demand(scaling == .none || scaling == .windowMean || scaling == .windowStandard && !isCount,
               "scaling: none, window_mean or, but for counts, window_standard for DeepAR")
  }

  private func within(_ number: Int, _ limit: Int) -> Bool { number >= 1 && number <= limit }

  private func demand(_ condition: Bool, _ rule: String) throws(ForecastError) {
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
