import Forecasting
import Messages
import Values

/// Compares predicted intervals with the observed values, per model: the recent part of what `prediction_accuracy`
/// covers for all time, as metrics.
///
/// In memory only, without influence on predictions: after a restart or a rebalance it begins with new intervals. An
/// interval is compared with the first value observed in its period, if that has the same currency and unit.
struct CoverageTracker {
  /// Counts the latest compared values inside and outside their intervals.
  struct Tally {
    /// The number of values that count.
    static let window = 1_000
    /// With fewer values `isOffBand` is nil.
    static let fewest = 200
    /// How far the reached coverage may be from the promised one: 80 % may be 75 to 85.
    static let band = 0.05

    private(set) var promised = 0.0
    private var latest: [Bool] = []
    private var next = 0
    private var inside = 0

    mutating func add(_ isInside: Bool, promised: Double) {
      self.promised = promised
      inside += isInside ? 1 : 0
      if latest.count < Self.window {
        latest.append(isInside)
      } else {
        inside -= latest[next] ? 1 : 0
        latest[next] = isInside
        next = (next + 1) % Self.window
      }
    }

    var compared: Int { latest.count }
    /// nil before the first comparison.
    var reached: Double? { latest.isEmpty ? nil : Double(inside) / Double(latest.count) }
    /// nil with fewer than `fewest` values.
    var isOffBand: Bool? {
      guard latest.count >= Self.fewest, let reached else { return nil }
      return abs(reached - promised) > Self.band
    }
  }

  /// The position of a value relative to its interval.
  enum Outcome: String { case inside, below, above }

  private struct Interval {
    var model: String
    /// The period ends at `target`, microseconds since 1970, and begins `period` before it.
    var target: Int64
    var period: Int64
    var lower: ExactDecimal
    var upper: ExactDecimal
    var promised: Double
    var measure: SeriesHistory.Measure
  }

  /// The most open intervals per series.
  private static let mostOpen = 256

  private var open: [SeriesName: [Interval]] = [:]
  private(set) var tallies: [String: Tally] = [:]

  /// Compares the observed value with open intervals, then adds the new ones.
  /// - Parameters:
  ///   - predictions: those for the request.
  ///   - compared: called for each compared interval.
  mutating func take(
    _ request: PredictionRequest, _ predictions: [Prediction], compared: (_ model: String, _ outcome: Outcome) -> Void
  ) {
    var waiting: [Interval] = []
    for interval in open[request.name] ?? [] {
      guard request.observedAt > interval.target - interval.period else {
        waiting.append(interval)
        continue
      }
      // Drops an interval whose period passed without a value.
      guard request.observedAt <= interval.target, request.measure == interval.measure else { continue }
      let outcome: Outcome =
        request.value < interval.lower ? .below : interval.upper < request.value ? .above : .inside
      tallies[interval.model, default: Tally()].add(outcome == .inside, promised: interval.promised)
      compared(interval.model, outcome)
    }
    for prediction in predictions {
      for step in prediction.steps {
        guard step.quantiles.count > 1, let first = step.quantiles.first, let last = step.quantiles.last
        else { continue }
        let target = step.targetAt.microseconds
        waiting.append(Interval(
          model: prediction.model, target: target, period: (target - request.observedAt) / max(1, step.step),
          lower: first.value, upper: last.value,
          promised: last.probability.double - first.probability.double, measure: request.measure))
      }
    }
    open[request.name] = waiting.isEmpty ? nil : Array(waiting.suffix(Self.mostOpen))
  }

  /// Drops the intervals of series that moved to another worker.
  mutating func forget(where isGone: (SeriesName) -> Bool) {
    for name in open.keys where isGone(name) { open[name] = nil }
  }
}
