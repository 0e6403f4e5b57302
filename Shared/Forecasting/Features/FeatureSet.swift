import Core
import Glibc

/// The features of a manifest, compiled once.
struct FeatureSet: Sendable {
  let features: [Feature]
  /// The largest reach of a feature, in periods.
  let reach: Int
  /// Columns of the features that vary by step when all steps share one position.
  private let stepColumns: [Int]

  /// - Throws: `ForecastError` of kind `.unknownFeature`, or `.badManifest` when the history is too short or the kind
  ///   of model cannot use a feature.
  init(_ manifest: ModelManifest) throws(ForecastError) {
    var features: [Feature] = []
    for text in manifest.features {
      let feature = try Feature(text, drivers: manifest.drivers)
      guard Self.isAllowed(feature, manifest.kind) else {
        throw ForecastError(
          .badManifest, "the feature '\(text)' has no meaning for a model of kind \(manifest.kind.rawValue)")
      }
      features.append(feature)
    }
    self.features = features
    reach = features.map(\.reach).max() ?? 0
    stepColumns = features.indices.filter { index in
      switch features[index] {
      case .calendar, .step: true
      default: false
      }
    }
    let needed = reach + (manifest.network?.context ?? 1) - 1
    guard manifest.history >= needed else {
      throw ForecastError(
        .badManifest, "history is \(manifest.history), but the features look back over \(needed) observations")
    }
  }

  /// A network reads period by period and has no steps. DeepAR computes features of its own series from sampled values
  /// too, so only lags.
  private static func isAllowed(_ feature: Feature, _ kind: ModelKind) -> Bool {
    switch feature {
    case .lag, .driverLag, .driverChange, .calendar, .logScale: true
    case .step: kind == .xgboost
    case .mean, .deviation, .change: kind != .deepar
    }
  }

  var count: Int { features.count }

  /// Writes the features at `place` for forecast step `step`, whose time is that of `timePlace`.
  /// - Parameter row: `count` numbers.
  /// - Returns: the reason if that is impossible; nil when done.
  func fill(
    _ row: UnsafeMutablePointer<Float>, of input: PreparedInput, at place: Int, timePlace: Int, step: Int
  ) -> WithheldReason? {
    for (index, feature) in features.enumerated() {
      let number = value(of: feature, in: input, at: place, timePlace: timePlace, step: step)
      row[index] = Float(number)
      guard !number.isFinite else { continue }
      switch feature {
      case .driverLag: return .missingDriver
      case .change, .driverChange: return .notPositive
      default: return .resultNotFinite
      }
    }
    return nil
  }

  /// Derives the row of a later step from that of an earlier step at the same position.
  func refill(
    _ row: UnsafeMutablePointer<Float>, from earlier: UnsafePointer<Float>, of input: PreparedInput, at place: Int,
    timePlace: Int, step: Int
  ) {
    row.update(from: earlier, count: features.count)
    for column in stepColumns {
      row[column] = Float(value(of: features[column], in: input, at: place, timePlace: timePlace, step: step))
    }
  }

  func value(of feature: Feature, in input: PreparedInput, at place: Int, timePlace: Int, step: Int) -> Double {
    switch feature {
    case .lag(let periods): return input.scale.scaled(input.value(at: place - periods))
    case .mean(let periods):
      return input.scale.scaled(window(input, place, periods).reduce(0, +) / Double(periods))
    case .deviation(let periods):
      return AffineScale.moments(window(input, place, periods)).deviation / input.scale.scale
    case .change(let periods):
      return Self.change(from: input.value(at: place - 1 - periods), to: input.value(at: place - 1))
    case .driverLag(let driver, let periods):
      return input.driverScales[driver].scaled(input.driver(driver, at: place - periods))
    case .driverChange(let driver, let periods):
      return Self.change(from: input.driver(driver, at: place - 1 - periods), to: input.driver(driver, at: place - 1))
    case .calendar(let part): return part.value(at: input.time(at: timePlace))
    case .step: return Double(step)
    case .logScale: return log(input.scale.scale)
    }
  }

  private func window(_ input: PreparedInput, _ place: Int, _ periods: Int) -> ArraySlice<Double> {
    let end = input.values.startIndex + place
    return input.values[end - periods..<end]
  }

  /// NaN unless both are above zero.
  private static func change(from earlier: Double, to later: Double) -> Double {
    earlier > 0 && later > 0 ? log(later / earlier) : .nan
  }
}
