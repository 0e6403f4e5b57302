import Core
import Foundation

extension ModelManifest {
  enum CodingKeys: String, CodingKey {
    case format, name, version, kind, series
    case seriesKind = "series_kind"
    case features, drivers, history, horizon, quantiles, period, scaling, target, residuals, calibration
    case groupResiduals = "group_residuals"
    case network, smoothing, weights, trained, created, probes
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    format = try fields.decode(Int.self, forKey: .format)
    name = try fields.decode(String.self, forKey: .name)
    version = try fields.decode(String.self, forKey: .version)
    kind = try fields.decode(ModelKind.self, forKey: .kind)
    series = try fields.decode(String.self, forKey: .series)
    seriesKind = try fields.decodeIfPresent(String.self, forKey: .seriesKind) ?? "price"
    features = try fields.decodeIfPresent([String].self, forKey: .features) ?? []
    drivers = try fields.decodeIfPresent([Driver].self, forKey: .drivers) ?? []
    history = try fields.decode(Int.self, forKey: .history)
    horizon = try fields.decode(Int.self, forKey: .horizon)
    quantiles = try fields.decodeIfPresent([Double].self, forKey: .quantiles) ?? []
    period = try fields.decode(Int.self, forKey: .period)
    scaling = try fields.decodeIfPresent(Scaling.self, forKey: .scaling) ?? .none
    target = try fields.decodeIfPresent(ForecastTarget.self, forKey: .target) ?? .value
    residuals = try fields.decodeIfPresent([[Double]].self, forKey: .residuals)
    groupResiduals = try fields.decodeIfPresent([String: [[Double]]].self, forKey: .groupResiduals)
    calibration = try fields.decodeIfPresent(Calibration.self, forKey: .calibration)
    network = try fields.decodeIfPresent(NetworkShape.self, forKey: .network)
    smoothing = try fields.decodeIfPresent(Smoothing.self, forKey: .smoothing)
    weights = try fields.decodeIfPresent(WeightsFile.self, forKey: .weights)
    trained = try fields.decode(TrainedRange.self, forKey: .trained)
    created = try fields.decode(String.self, forKey: .created)
    probes = try fields.decodeIfPresent([Probe].self, forKey: .probes) ?? []
  }

  /// - Throws: `ForecastError` of kind `.badManifest` that names the field.
  package init(json: [UInt8]) throws(ForecastError) {
    do {
      self = try JSONDecoder().decode(ModelManifest.self, from: Data(json))
    } catch let error as DecodingError {
      throw ForecastError(.badManifest, "the manifest \(Self.words(for: error))")
    } catch {
      throw ForecastError(.badManifest, "the manifest is not readable: \(error)")
    }
    try check()
  }

  /// With sorted keys, so that equal manifests are equal bytes.
  package func json() throws(ForecastError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do { return Array(try encoder.encode(self)) } catch {
      throw ForecastError(.badManifest, "the manifest holds a number that JSON cannot write")
    }
  }

  private static func words(for error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "has no '\(path(context, key))'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "has something else than expected at '\(path(context))'"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty: "has a bad value at '\(path(context))'"
    default: "is not JSON"
    }
  }

  private static func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
    (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
  }
}

/// `{"kind": "standard", "mean": 12.5, "deviation": 2}`.
extension Scaling: Codable {
  private enum CodingKeys: String, CodingKey { case kind, mean, deviation }
  private enum Kind: String, Codable {
    case none, standard
    case windowMean = "window_mean"
    case windowStandard = "window_standard"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    switch try fields.decode(Kind.self, forKey: .kind) {
    case .none: self = .none
    case .windowMean: self = .windowMean
    case .windowStandard: self = .windowStandard
    case .standard:
      self = .standard(
        mean: try fields.decode(Double.self, forKey: .mean),
        deviation: try fields.decode(Double.self, forKey: .deviation))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .none: try fields.encode(Kind.none, forKey: .kind)
    case .windowMean: try fields.encode(Kind.windowMean, forKey: .kind)
    case .windowStandard: try fields.encode(Kind.windowStandard, forKey: .kind)
    case .standard(let mean, let deviation):
      try fields.encode(Kind.standard, forKey: .kind)
      try fields.encode(mean, forKey: .mean)
      try fields.encode(deviation, forKey: .deviation)
    }
  }
}
