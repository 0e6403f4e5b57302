import CoreMetrics
import Synchronization

/// All metrics of a process, as swift-metrics records them and Prometheus reads them.
///
/// Counters, gauges (meters, and recorders that do not aggregate) and histograms (recorders that do, and timers,
/// in seconds). Names and label names are exported as given, except for characters that Prometheus does not allow.
/// The same name and labels always mean the same series, however often they are asked for.
///
/// A metric has at most `seriesLimit` series; label values beyond that are counted together in one series whose
/// values are all `other`, and `souk_metrics_overflow_total` tells that it happened.
package final class PrometheusRegistry: MetricsFactory, Sendable {
  /// The registry that swift-metrics uses in a running service.
  package static let shared = PrometheusRegistry()

  static let overflow = MetricDescription(
    "souk_metrics_overflow_total", .counter, "Series refused because a metric has too many.", labels: ["metric"])

  private struct Family {
    var kind: MetricDescription.Kind
    var series: [String: MetricSeries] = [:]
  }
  private struct State {
    var families: [String: Family] = [:]
    var descriptions: [String: MetricDescription] = [:]
    var collectors: [@Sendable (inout ExpositionText) -> Void] = []
    var overflowed: [String: Int64] = [:]
  }
  private let state = Mutex(State())
  private let seriesLimit: Int

  package init(seriesLimit: Int = 1_000) { self.seriesLimit = seriesLimit }

  /// Declares help texts and buckets; before the first use of a histogram whose buckets they set.
  package func describe(_ descriptions: [MetricDescription]) {
    state.withLock { state in
      for description in descriptions { state.descriptions[ExpositionText.metricName(description.name)] = description }
    }
  }

  /// Adds samples that are taken when `/metrics` is read.
  func collect(_ collector: @escaping @Sendable (inout ExpositionText) -> Void) {
    state.withLock { $0.collectors.append(collector) }
  }

  /// The whole exposition, sorted by name and labels.
  ///
  /// What was described is there from the start, so that dashboards and alerts can be checked against it: without
  /// samples while nothing was recorded, except that a counter without labels begins at 0 (else its first increment
  /// would not be a growth to anyone).
  package var exposition: String {
    let (families, descriptions, collectors, overflowed) = state.withLock {
      ($0.families, $0.descriptions, $0.collectors, $0.overflowed)
    }
    var text = ExpositionText()
    for name in Set(families.keys).union(descriptions.keys).sorted() {
      let description = descriptions[name]
      guard let family = families[name] else {
        guard let description else { continue }
        text.family(name, description.kind, help: description.help)
        if description.kind == .counter, description.labels.isEmpty { text.sample(name, [], integer: 0) }
        continue
      }
      text.family(name, family.kind, help: description?.help)
      for (_, series) in family.series.sorted(by: { $0.key < $1.key }) { series.appendSamples(to: &text) }
    }
    if !overflowed.isEmpty {
      text.family(Self.overflow.name, Self.overflow.kind, help: Self.overflow.help)
      for (name, count) in overflowed.sorted(by: { $0.key < $1.key }) {
        text.sample(Self.overflow.name, [("metric", name)], integer: count)
      }
    }
    for collector in collectors { collector(&text) }
    return text.text
  }

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, dimensions, .counter) { CounterSeries(name: $0, labels: $1) }
  }

  package func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    series(label, dimensions, .counter) { CounterSeries(name: $0, labels: $1) }
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, dimensions, .gauge) { GaugeSeries(name: $0, labels: $1) }
  }

  package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    if !aggregate { return series(label, dimensions, .gauge) { GaugeSeries(name: $0, labels: $1) } }
    return histogram(label, dimensions, unit: label)
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    histogram(label, dimensions, unit: "_seconds")
  }

  package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
  package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

  private func histogram(_ label: String, _ dimensions: [(String, String)], unit: String) -> HistogramSeries {
    let name = ExpositionText.metricName(label)
    let bounds = state.withLock { $0.descriptions[name]?.buckets } ?? Buckets.standard(for: unit)
    return series(label, dimensions, .histogram) { HistogramSeries(name: $0, labels: $1, bounds: bounds) }
  }

  private func series<Series: MetricSeries>(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricDescription.Kind,
    _ make: (String, [(String, String)]) -> Series
  ) -> Series {
    let name = ExpositionText.metricName(label)
    let labels = dimensions.map { (ExpositionText.labelName($0.0), $0.1) }.sorted { $0.0 < $1.0 }
    return state.withLock { state in
      var family = state.families[name] ?? Family(kind: kind)
      // One name cannot be two kinds of metric: what comes second is counted, but not exported.
      guard family.kind == kind else {
        state.overflowed[name, default: 0] += 1
        return make(name, labels)
      }
      var key = Self.key(labels)
      if let known = family.series[key] as? Series { return known }
      var kept = labels
      if family.series.count >= seriesLimit {
        state.overflowed[name, default: 0] += 1
        kept = labels.map { ($0.0, "other") }
        key = Self.key(kept)
        if let known = family.series[key] as? Series { return known }
      }
      let series = make(name, kept)
      family.series[key] = series
      state.families[name] = family
      return series
    }
  }

  private func remove(_ handler: AnyObject) {
    guard let series = handler as? MetricSeries else { return }
    let key = Self.key(series.labels)
    state.withLock { state in
      guard state.families[series.name]?.series[key] === series else { return }
      state.families[series.name]?.series[key] = nil
      if state.families[series.name]?.series.isEmpty == true { state.families[series.name] = nil }
    }
  }

  private static func key(_ labels: [(String, String)]) -> String {
    labels.map { "\($0.0)\u{1}\($0.1)" }.joined(separator: "\u{2}")
  }
}

/// Default bucket bounds by unit.
enum Buckets {
  /// 1 ms to 60 s.
  static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
  /// 1 KiB to 1 GiB.
  static let bytes = (5...15).map { Double(1 << (2 * $0)) }
  /// Counts of things: 1 to a million.
  static let counts: [Double] = [
    1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000,
  ]

  static func standard(for name: String) -> [Double] {
    if name.hasSuffix("_seconds") { return seconds }
    if name.hasSuffix("_bytes") { return bytes }
    return counts
  }
}
