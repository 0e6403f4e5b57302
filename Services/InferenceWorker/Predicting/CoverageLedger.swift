import Forecasting
import Schemas

/// Compares the intervals that were predicted with what came, for each model: what `prediction_accuracy` says of all
/// time, as metrics of now.
///
/// In memory only, and no part of a prediction: after a restart or a hand-over it begins with the intervals made since.
/// A value is compared with an interval when it is the first one observed in the period the interval is about, in the
/// same currency and unit.
struct CoverageLedger {
  /// Values within intervals and outside them, of the latest ones compared.
  struct Tally {
    /// How many of the latest values count.
    static let window = 1_000
    /// With fewer than these no model is judged.
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
    /// nil before anything was compared.
    var reached: Double? { latest.isEmpty ? nil : Double(inside) / Double(latest.count) }
    /// nil while there are too few.
    var isOffBand: Bool? {
      guard latest.count >= Self.fewest, let reached else { return nil }
      return abs(reached - promised) > Self.band
    }
  }

  /// Where a value lay.
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

  /// At most this many intervals wait for one series.
  private static let mostOpen = 256

  private var open: [SeriesName: [Interval]] = [:]
  private(set) var tallies: [String: Tally] = [:]

  /// Compares what came, then remembers what is expected.
  /// - Parameters:
  ///   - predictions: of the occasion.
  ///   - compared: called for each interval whose value came.
  mutating func take(
    _ occasion: Occasion, _ predictions: [Prediction], compared: (_ model: String, _ outcome: Outcome) -> Void
  ) {
    var waiting: [Interval] = []
    for interval in open[occasion.name] ?? [] {
      guard occasion.observedAt > interval.target - interval.period else {
        waiting.append(interval)
        continue
      }
      // What is past its period without a value is forgotten.
      guard occasion.observedAt <= interval.target, occasion.measure == interval.measure else { continue }
      let outcome: Outcome =
        occasion.value < interval.lower ? .below : interval.upper < occasion.value ? .above : .inside
      tallies[interval.model, default: Tally()].add(outcome == .inside, promised: interval.promised)
      compared(interval.model, outcome)
    }
    for prediction in predictions {
      for step in prediction.steps {
        guard step.quantiles.count > 1, let first = step.quantiles.first, let last = step.quantiles.last
        else { continue }
        let target = step.targetAt.microseconds
        waiting.append(Interval(
          model: prediction.model, target: target, period: (target - occasion.observedAt) / max(1, step.step),
          lower: first.value, upper: last.value,
          promised: last.probability.double - first.probability.double, measure: occasion.measure))
      }
    }
    open[occasion.name] = waiting.isEmpty ? nil : Array(waiting.suffix(Self.mostOpen))
  }

  /// Another worker has the series.
  mutating func forget(where isGone: (SeriesName) -> Bool) {
    for name in open.keys where isGone(name) { open[name] = nil }
  }
}
