import Core
import LocalServers
import ServiceKit

/// Two looks at a fleet as one table. A pure value.
package struct FleetTable {
  private let before: [String: FleetProbe.Answer]
  private let now: FleetProbe.Look
  private let seconds: Double

  package init(_ before: FleetProbe.Look, _ now: FleetProbe.Look) {
    self.before = Dictionary(before.answers.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
    self.now = now
    seconds = max(0.001, (now.at - before.at) / .seconds(1))
  }

  package var report: Report {
    var report = Report("processes", [
      .text("service", "SERVICE"), .text("address", "ADDRESS", rank: 4), .number("in_per_second", "IN/s"),
      .number("out_per_second", "OUT/s"), .number("p50_seconds", "P50", rank: 2),
      .number("p99_seconds", "P99", rank: 1), .number("memory_bytes", "MEMORY", rank: 3),
      .number("lag", "LAG"), .number("lag_seconds", "LAG TIME"),
      .number("dead_lettered", "DEAD"), .text("unready", "NOT READY", least: 12),
    ])
    for answer in now.answers {
      let samples = answer.samples
      let dead = Int(samples.sum("souk_records_dead_lettered_total") ?? 0)
      let memory = samples.sum("process_resident_memory_bytes")
      report.append([
        .text(answer.service), .text(answer.address),
        rate(answer, "souk_records_consumed_total"), rate(answer, "souk_records_kept_total"),
        time(quantile(answer, 0.5)), time(quantile(answer, 0.99)),
        Report.Cell(
          memory.map { .integer(Int64($0)) } ?? .null, memory.map { "\(grouped(Int($0 / 1_048_576))) MiB" } ?? "-"),
        .count(samples.sum("souk_kafka_lag_records").map { Int($0) }),
        time(samples.samples.filter { $0.name == "souk_kafka_lag_seconds" }.map(\.value).max()),
        .count(dead), .text(answer.unready ?? ""),
      ], answer.unready != nil ? .bad : dead > 0 ? .warning : .plain)
    }
    for silent in now.silent {
      report.append(
        [.text("?"), .text(silent.address)] + Array(repeating: .count(Int?.none), count: 8)
          + [.text("\(silent.address) did not answer: \(silent.reason)")], .bad)
    }
    report.nothing = "no process answered"
    let unready = now.answers.count { $0.unready != nil }
    report.notes = [
      "\(grouped(now.answers.count)) processes, \(grouped(unready)) not ready, \(grouped(now.silent.count)) silent",
    ]
    report.fields = [.init("silent", .integer(Int64(now.silent.count))), .init("unready", .integer(Int64(unready)))]
    return report
  }

  /// Of a process that was restarted in between, its own count is all that is known.
  private func rate(_ answer: FleetProbe.Answer, _ name: String) -> Report.Cell {
    guard let value = answer.samples.sum(name) else { return .count(Int?.none) }
    let earlier = before[answer.address]?.samples.sum(name) ?? 0
    let rate = (value >= earlier ? value - earlier : value) / seconds
    let shown = before[answer.address] == nil ? nil : Int(rate.rounded())
    return .count(shown)
  }

  private func time(_ seconds: Double?) -> Report.Cell {
    guard let seconds, seconds.isFinite else { return Report.Cell(.null, "-") }
    let text = seconds < 0.001 ? "\(Int((seconds * 1_000_000).rounded()))us"
      : seconds < 1 ? "\(Int((seconds * 1_000).rounded()))ms" : short(.seconds(seconds))
    return Report.Cell(.number(seconds), seconds == 0 ? "0s" : text)
  }

  /// By linear interpolation within the bucket, as Prometheus' histogram_quantile; of what came since the look before,
  /// or of everything when nothing did.
  private func quantile(_ answer: FleetProbe.Answer, _ share: Double) -> Double? {
    for name in ["souk_job_seconds", "souk_flush_seconds"] {
      let all = Self.buckets(answer.samples, name)
      if all.isEmpty { continue }
      let earlier = before[answer.address].map { Self.buckets($0.samples, name) } ?? [:]
      var recent = all
      for (limit, count) in earlier { recent[limit] = max(0, (recent[limit] ?? 0) - count) }
      let used = recent.values.contains { $0 > 0 } ? recent : all
      return Self.quantile(used, share)
    }
    return nil
  }

  private static func buckets(_ samples: MetricSamples, _ name: String) -> [Double: Double] {
    var buckets: [Double: Double] = [:]
    for sample in samples.samples where sample.name == "\(name)_bucket" {
      guard let text = sample.labels["le"], let limit = text == "+Inf" ? .infinity : Double(text) else { continue }
      buckets[limit, default: 0] += sample.value
    }
    return buckets
  }

  package static func quantile(_ buckets: [Double: Double], _ share: Double) -> Double? {
    let sorted = buckets.sorted { $0.key < $1.key }
    guard let total = sorted.last?.value, total > 0 else { return nil }
    let rank = share * total
    var (lower, below) = (0.0, 0.0)
    for (limit, count) in sorted {
      if count >= rank {
        if limit == .infinity { return lower }
        return count > below ? lower + (limit - lower) * (rank - below) / (count - below) : limit
      }
      (lower, below) = (limit, count)
    }
    return lower
  }
}
