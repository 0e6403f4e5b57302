import CoreMetrics
import ServiceKit
import Testing

@Suite struct MetricsTests {
  let registry = PrometheusRegistry(seriesLimit: 4)

  @Test func countersAddUpUnderTheirNameAndLabels() throws {
    registry.describe([MetricDescription("souk_records_consumed_total", .counter, "Records read.\nAll \\ of them.")])
    for _ in 0..<3 {
      Counter(label: "souk_records_consumed_total", dimensions: [("topic", "a")], factory: registry).increment(by: 2)
    }
    Counter(label: "souk_records_consumed_total", dimensions: [("topic", "b")], factory: registry).increment()
    let parsed = try ParsedExposition(registry.exposition)
    #expect(parsed.types["souk_records_consumed_total"] == "counter")
    #expect(parsed.helps["souk_records_consumed_total"] == "Records read.\nAll \\ of them.")
    #expect(parsed.value("souk_records_consumed_total", ["topic": "a"]) == 6)
    #expect(parsed.value("souk_records_consumed_total", ["topic": "b"]) == 1)
  }

  @Test func describedMetricsExistFromTheStart() throws {
    registry.describe([
      MetricDescription("plain_total", .counter, "Without labels."),
      MetricDescription("labelled_total", .counter, "With labels.", labels: ["a"]),
      MetricDescription("level", .gauge, "A gauge."), MetricDescription("wait_seconds", .histogram, "Times."),
    ])
    let before = try ParsedExposition(registry.exposition)
    #expect(
      before.types
        == ["plain_total": "counter", "labelled_total": "counter", "level": "gauge", "wait_seconds": "histogram"])
    #expect(before.helps["level"] == "A gauge.")
    #expect(before.samples.map(\.name) == ["plain_total"], "the other metrics have no value yet")
    #expect(before.value("plain_total") == 0)
    Counter(label: "plain_total", factory: registry).increment(by: 3)
    Counter(label: "labelled_total", dimensions: [("a", "b")], factory: registry).increment()
    let after = try ParsedExposition(registry.exposition)
    #expect(after.value("plain_total") == 3 && after.value("labelled_total", ["a": "b"]) == 1)
    #expect(after.types.count == 4)
  }

  @Test func counterNeverFalls() throws {
    let counter = Counter(label: "c_total", factory: registry)
    counter.increment(by: 5)
    counter.increment(by: -3)
    #expect(try ParsedExposition(registry.exposition).value("c_total") == 5)
  }

  @Test func fractionsAreCounted() throws {
    let counter = FloatingPointCounter(label: "cpu_seconds_total", factory: registry)
    counter.increment(by: 0.25)
    counter.increment(by: 0.5)
    #expect(try ParsedExposition(registry.exposition).value("cpu_seconds_total") == 0.75)
  }

  @Test(arguments: [#"back\slash"#, "new\nline", #"quo"te"#, "שוק", "", "a,b}c{d"])
  func labelValuesSurviveTheFormat(_ value: String) throws {
    Gauge(label: "g", dimensions: [("v", value)], factory: registry).record(1)
    #expect(try ParsedExposition(registry.exposition).value("g", ["v": value]) == 1)
  }

  @Test func gaugesHoldTheLastValue() throws {
    let gauge = Gauge(label: "g", factory: registry)
    gauge.record(3)
    gauge.record(-1.5)
    #expect(try ParsedExposition(registry.exposition).value("g") == -1.5)
    let meter = Meter(label: "m", factory: registry)
    meter.set(10)
    meter.increment(by: 2)
    meter.decrement(by: 0.5)
    #expect(try ParsedExposition(registry.exposition).value("m") == 11.5)
  }

  @Test(arguments: [(Double.infinity, "+Inf"), (-Double.infinity, "-Inf"), (1e300, "1e+300"),
    (123_456_789, "123456789")])
  func numbersAreWrittenAsPrometheusReadsThem(_ value: Double, _ text: String) throws {
    Meter(label: "m", factory: registry).set(value)
    #expect(registry.exposition.contains("m \(text)\n"))
  }

  @Test func histogramCountsCumulatively() throws {
    registry.describe([MetricDescription("flush_seconds", .histogram, "Flushes.", buckets: [0.1, 1, 10])])
    let timer = Timer(label: "flush_seconds", dimensions: [("sink", "pg")], factory: registry)
    for milliseconds in [50, 100, 101, 5_000, 60_000] { timer.recordMilliseconds(milliseconds) }
    let parsed = try ParsedExposition(registry.exposition)
    #expect(parsed.types["flush_seconds"] == "histogram")
    for (bound, count) in [("0.1", 2.0), ("1", 3), ("10", 4), ("+Inf", 5)] {
      #expect(parsed.value("flush_seconds_bucket", ["sink": "pg", "le": bound]) == count, "le=\(bound)")
    }
    #expect(parsed.value("flush_seconds_count", ["sink": "pg"]) == 5)
    let sum = try #require(parsed.value("flush_seconds_sum", ["sink": "pg"]))
    #expect(abs(sum - 65.251) < 1e-9)
  }

  @Test func recordersAreHistogramsOfTheirUnit() throws {
    Recorder(label: "batch_bytes", factory: registry).record(2_000)
    Recorder(label: "batch_records", factory: registry).record(2)
    let parsed = try ParsedExposition(registry.exposition)
    #expect(parsed.value("batch_bytes_bucket", ["le": "1024"]) == 0)
    #expect(parsed.value("batch_bytes_bucket", ["le": "4096"]) == 1)
    #expect(parsed.value("batch_records_bucket", ["le": "3"]) == 1)
  }

  @Test func excessLabelValuesAreCountedTogether() throws {
    for value in 0..<10 {
      Counter(label: "c_total", dimensions: [("id", "\(value)")], factory: registry).increment()
    }
    let parsed = try ParsedExposition(registry.exposition)
    let series = parsed.samples.filter { $0.name == "c_total" }
    #expect(series.count == 5)
    #expect(series.map(\.value).reduce(0, +) == 10)
    #expect(parsed.value("c_total", ["id": "other"]) == 6)
    #expect(parsed.value("souk_metrics_overflow_total", ["metric": "c_total"]) == 6)
  }

  @Test func aNameOfTwoKindsKeepsTheFirst() throws {
    Counter(label: "x", factory: registry).increment()
    Meter(label: "x", factory: registry).set(7)
    let parsed = try ParsedExposition(registry.exposition)
    #expect(parsed.types["x"] == "counter")
    #expect(parsed.value("x") == 1)
  }

  @Test func destroyedSeriesIsGone() throws {
    let meter = Meter(label: "lag", dimensions: [("partition", "0")], factory: registry)
    meter.set(5)
    Meter(label: "lag", dimensions: [("partition", "1")], factory: registry).set(6)
    meter.destroy()
    let parsed = try ParsedExposition(registry.exposition)
    #expect(parsed.value("lag", ["partition": "0"]) == nil)
    #expect(parsed.value("lag", ["partition": "1"]) == 6)
  }

  @Test func invalidNamesAreSanitised() throws {
    Counter(label: "2 ways-in.total", dimensions: [("my-label", "a")], factory: registry).increment()
    #expect(try ParsedExposition(registry.exposition).value("_2_ways_in_total", ["my_label": "a"]) == 1)
  }

  @Test func manyThreadsLoseNothing() async throws {
    let registry = registry
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<1_000 {
            Counter(label: "c_total", factory: registry).increment()
            Recorder(label: "r", factory: registry).record(1)
          }
        }
      }
    }
    let parsed = try ParsedExposition(registry.exposition)
    #expect(parsed.value("c_total") == 8_000)
    #expect(parsed.value("r_count") == 8_000)
  }
}
