import CoreMetrics
import Synchronization

/// One time series: a metric with fixed label values.
class MetricSeries: @unchecked Sendable {  // all state of the subclasses is atomic or behind a Mutex
  let name: String
  let labels: [(String, String)]

  init(name: String, labels: [(String, String)]) {
    self.name = name
    self.labels = labels
  }

  func appendSamples(to text: inout ExpositionText) {}
}

final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler, @unchecked Sendable {
  private let whole = Atomic<Int64>(0)
  private let fraction = Mutex<Double>(0)

  func increment(by amount: Int64) {
    // A counter never falls: a negative amount is a mistake of the caller that must not look like a restart.
    guard amount > 0 else { return }
    whole.wrappingAdd(amount, ordering: .relaxed)
  }

  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    fraction.withLock { $0 += amount }
  }

  func reset() {
    whole.store(0, ordering: .relaxed)
    fraction.withLock { $0 = 0 }
  }

  override func appendSamples(to text: inout ExpositionText) {
    let whole = whole.load(ordering: .relaxed)
    let fraction = fraction.withLock { $0 }
    if fraction == 0 {
      text.sample(name, labels, integer: whole)
    } else {
      text.sample(name, labels, Double(whole) + fraction)
    }
  }
}

final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler, @unchecked Sendable {
  private let value = Mutex<Double>(0)

  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLock { $0 = value } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }
  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }

  override func appendSamples(to text: inout ExpositionText) {
    text.sample(name, labels, value.withLock { $0 })
  }
}

final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler, @unchecked Sendable {
  private struct State {
    /// One count per bound and one for what lies above the last; not cumulative.
    var counts: [UInt64]
    var sum = 0.0
  }
  private let bounds: [Double]
  private let state: Mutex<State>

  init(name: String, labels: [(String, String)], bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: [UInt64](repeating: 0, count: bounds.count + 1)))
    super.init(name: name, labels: labels)
  }

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    guard !value.isNaN else { return }
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[bucket] += 1
      state.sum += value
    }
  }

  /// Exported in seconds, the base unit of Prometheus.
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  override func appendSamples(to text: inout ExpositionText) {
    let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
    var total: UInt64 = 0
    for (count, bound) in zip(counts, bounds + [.infinity]) {
      total += count
      text.sample("\(name)_bucket", labels + [("le", ExpositionText.number(bound))], integer: Int64(total))
    }
    text.sample("\(name)_sum", labels, sum)
    text.sample("\(name)_count", labels, integer: Int64(total))
  }
}
