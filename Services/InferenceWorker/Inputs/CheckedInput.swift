import Core
import Forecasting
import Messages
import Values

/// A model's input for one observation, or the reason to withhold; with the digest that identifies the input.
package struct CheckedInput: Sendable {
  package enum Decision: Sendable {
    case ask(ModelInput)
    case withhold(InputReason)
  }
  package var decision: Decision
  package var flags: [InputFlag]
  /// 32 hexadecimal digits.
  package var digest: String
  /// Currency and unit of the newest observation.
  package var measure: SeriesHistory.Measure
}

/// Makes inputs. A pure function of the known points, so the same points always give the same input.
package struct InputBuilder: Sendable {
  package let limits: QualityLimits

  package init(_ limits: QualityLimits) { self.limits = limits }

  /// - Parameters:
  ///   - known: the series' points as of the observation, newest first, beginning with the observation itself.
  ///   - isLate: a later observation of the series was already known.
  ///   - drivers: one for each driver of the manifest, nil for an unknown one.
  ///   - stamp: drivers' records written until then count.
  package func prepare(
    _ known: [SeriesHistory.Point], measures: [SeriesHistory.Measure], name: SeriesName, isLate: Bool,
    manifest: ModelManifest, drivers: [SeriesHistory?], stamp: Int64
  ) -> CheckedInput {
    let newest = known[0]
    let period = Int64(manifest.period) * 1_000_000
    var draft = Draft(flags: isLate ? [.late] : [])
    var series = RegularSeries(known, measures: measures, period: period, history: manifest.history)
    if name.kind == .price { checkOutliers(&series, &draft) }
    let gap = series.longestGap
    if draft.reason == nil {
      if series.reach < manifest.history {
        draft.reason = series.measureChange ?? .tooFewObservations
      } else if gap > limits.maxGap {
        draft.reason = .gap
      } else if gap > 0 {
        draft.flags.insert(.gap)
      }
    }
    let times = (0..<manifest.history).reversed().map { newest.observedAt - Int64($0) * period }
    var rows: [[Double]] = []
    for driver in drivers { rows.append(row(of: driver, at: times, stamp: stamp, period: period, &draft)) }
    let values = series.filled(name.kind)
    let flags = InputFlag.allCases.filter(draft.flags.contains)
    let digest = Self.digest(
      manifest, newest, measures[newest.measure], values: values, drivers: rows, flags: flags, reason: draft.reason)
    let decision: CheckedInput.Decision
    if let reason = draft.reason {
      decision = .withhold(reason)
    } else {
      decision = .ask(ModelInput(
        values: values, times: times.map { Timestamp(microseconds: $0) ?? .epoch }, drivers: rows,
        seed: digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, group: name.series.material))
    }
    return CheckedInput(
      decision: decision, flags: flags, digest: String(digest.hex.prefix(32)), measure: measures[newest.measure])
  }

  private struct Draft {
    var flags: Set<InputFlag>
    var reason: InputReason?
  }

  /// Removes older prices far from all others. When the newest price is that far, the prediction is withheld.
  private func checkOutliers(_ series: inout RegularSeries, _ draft: inout Draft) {
    guard let newest = series.slots[0], let middle = series.median, middle > 0 else { return }
    let isImplausible = { (value: Double) in
      value > middle * limits.implausible || value < middle / limits.implausible
    }
    if isImplausible(newest) { draft.reason = .outlier }
    if abs(newest - middle) > limits.outlier * series.deviation(around: middle) { draft.flags.insert(.outlier) }
    if series.remove(where: isImplausible) > 0 { draft.flags.insert(.outlier) }
  }

  /// The driver's value as of each time; NaN where it is unknown.
  private func row(
    of driver: SeriesHistory?, at times: [Int64], stamp: Int64, period: Int64, _ draft: inout Draft
  ) -> [Double] {
    let values = times.map { driver?.value(asOf: $0, writtenUpTo: stamp) }
    guard let newest = values.last ?? nil, let time = times.last else {
      draft.reason = draft.reason ?? .missingDriver
      return times.map { _ in .nan }
    }
    let age = (time - newest.point.observedAt) / period
    if age > limits.maxDriverAge {
      draft.reason = draft.reason ?? .staleDriver
    } else if age > limits.staleDriver {
      draft.flags.insert(.staleDriver)
    }
    if values.contains(where: { $0.map { $0.1 != newest.1 } ?? false }) {
      draft.reason = draft.reason ?? .driverUnitChanged
    }
    return values.map { $0?.point.value.double ?? .nan }
  }

  /// The SHA-256 of everything that the prediction depends on.
  private static func digest(
    _ manifest: ModelManifest, _ newest: SeriesHistory.Point, _ measure: SeriesHistory.Measure, values: [Double],
    drivers: [[Double]], flags: [InputFlag], reason: InputReason?
  ) -> SHA256Digest {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64 + 8 * (values.count + drivers.count * values.count))
    let texts = [manifest.name, manifest.version, measure.currency ?? "", measure.unit ?? "", reason?.rawValue ?? ""]
    for text in texts + flags.map(\.rawValue) {
      bytes += text.utf8
      bytes.append(0)
    }
    func add(_ bits: UInt64) { withUnsafeBytes(of: bits.littleEndian) { bytes += $0 } }
    add(UInt64(bitPattern: newest.observedAt))
    for value in values { add(value.bitPattern) }
    for row in drivers { for value in row { add(value.isNaN ? Double.nan.bitPattern : value.bitPattern) } }
    return SHA256.hash(bytes)
  }
}

/// From which input quality on a prediction is flagged or withheld.
package struct QualityLimits: Hashable, Sendable {
  /// The most missing periods in a row that are filled; the prediction is flagged.
  package var maxGap = 3
  /// Age of a driver's last value beyond which the prediction is flagged, in periods of the model.
  package var staleDriver = 3
  /// The same age beyond which the prediction is withheld.
  package var maxDriverAge = 72
  /// A price this many times above or below the median of its history is an error of unit or digits.
  package var implausible: Double = 10
  /// Distance of the newest price from the median beyond which the prediction is flagged, in deviations.
  package var outlier: Double = 8
}

/// Flags of a prediction from a poor input, in the order in which predictions name them.
package enum InputFlag: String, CaseIterable, Hashable, Sendable {
  /// Periods without an observation: a price stays the same, a demand is zero.
  case gap
  case staleDriver = "stale_driver"
  case outlier
  /// A later observation of the series was already known.
  case late
}

/// Why a prediction is withheld, besides the models' own reasons.
package enum InputReason: String, CaseIterable, Hashable, Sendable {
  case tooFewObservations = "too_few_observations"
  case gap
  case unitChanged = "unit_changed"
  case currencyChanged = "currency_changed"
  case missingDriver = "missing_driver"
  case staleDriver = "stale_driver"
  case driverUnitChanged = "driver_unit_changed"
  case outlier
  /// The model failed on this input.
  case modelFailed = "model_failed"
  /// A result that is not a finite decimal.
  case resultNotFinite = "result_not_finite"
}
