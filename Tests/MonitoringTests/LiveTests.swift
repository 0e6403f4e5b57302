import Catalogue
import Foundation
import LocalServers
import Testing
import TestSupport

import Glibc

/// Each system of the fleet as `souk up` runs it, scraped by a real Prometheus with the repository's configuration:
/// every panel and every rule is asked, and answers where the demo has data.
@Suite(.serialized) struct LiveTests {
  @Test(.timeLimit(.minutes(20)), arguments: FleetSystem.allCases)
  func everyPanelHasAnAnswer(_ system: FleetSystem) async throws {
    let declared = try await DeclaredMetrics.gather()
    try await withTemporaryDirectory { folder in
      let souk = try await ServiceProcess.start(
        "souk", ["up", "--no-exit", "--system", system.rawValue, "--run-folder", folder + "/run"],
        environment: ["SOUK_WEED": ProcessInfo.processInfo.environment["SOUK_WEED"]])
      let targets = try await started(system, souk)
      let prometheus = try await PrivatePrometheus.start(targets)
      do {
        try await eventually("everything has arrived", timeout: .seconds(600)) {
          try stillRuns(souk)
          return souk.log.contains { $0.contains("Everything is still running") }
        }
        try await ask(prometheus, targets, system, declared)
        for target in targets { try await compare(target, with: declared) }
      } catch {
        print(souk.log.suffix(30).joined(separator: "\n"))
        await prometheus.stop()
        await souk.kill()
        throw error
      }
      await prometheus.stop()
      souk.signal(SIGINT)
      #expect(await souk.wait(atMost: .seconds(120)) == .exited(0))
    }
  }

  /// Where the processes of the system answer, as the run's own lines say.
  private func started(_ system: FleetSystem, _ souk: ServiceProcess) async throws -> [PrivatePrometheus.Target] {
    let services = Set(system.services.map(\.name))
    return try await eventuallySome("all services of \(system.rawValue) start", timeout: .seconds(600)) {
      try stillRuns(souk)
      let targets = souk.log.compactMap { line -> PrivatePrometheus.Target? in
        guard let match = line.firstMatch(of: /^started +([a-z0-9-]+) +http:\/\/127\.0\.0\.1:([0-9]+)\/metrics/),
          let port = UInt16(match.2)
        else { return nil }
        let service = services.first { match.1 == $0 || match.1.hasPrefix("\($0)-") }
        return service.map { PrivatePrometheus.Target(service: $0, port: port) }
      }
      return Set(targets.map(\.service)) == services ? targets : nil
    }
  }

  private func stillRuns(_ souk: ServiceProcess) throws {
    guard let status = souk.status else { return }
    throw ConditionNotMet(
      description: "souk up ended with \(status)\n\(souk.log.suffix(30).joined(separator: "\n"))")
  }

  private func ask(
    _ prometheus: PrivatePrometheus, _ targets: [PrivatePrometheus.Target], _ system: FleetSystem,
    _ declared: DeclaredMetrics
  ) async throws {
    // Rates need two samples, recordings an evaluation after them, statistics their interval.
    try await eventually("every process was scraped and recorded") {
      let scraped = try await prometheus.count(#"min_over_time(up{job="souk"}[1m]) == 1"#)
      let counted = try await prometheus.count(#"count_over_time(souk_kafka_brokers_up[1m]) > 2"#)
      let recorded = try await prometheus.count("souk:lag_seconds")
      return scraped == targets.count && counted >= targets.count && recorded > 0
    }
    for service in Set(targets.map(\.service)) {
      #expect(try await prometheus.count(#"souk_ready{service="\#(service)"} == 1"#) > 0, "\(service) is not ready")
    }
    #expect(try await prometheus.brokenRules() == [])
    // Once everything is committed there is nothing left to wait for, and nothing unaccounted for.
    try await eventually("no lag in records or in time") {
      let lag = try await prometheus.value("max(souk_kafka_lag_records) + max(souk_kafka_lag_seconds)")
      let missing = try await prometheus.value("max(abs(souk:records_unaccounted))")
      return lag == 0 && missing == 0
    }
    for alert in ["SoukServiceDown", "SoukNobodySchedules", "SoukPartitionStuck", "SoukUnaccountedRecords"] {
      let firing = #"ALERTS{alertname="\#(alert)", alertstate="firing"}"#
      #expect(try await prometheus.count(firing) == 0, "\(alert) is firing")
    }
    #expect(try await prometheus.count(#"ALERTS{severity="critical", alertstate="firing"}"#) == 0)

    var (answered, silent): (Int, [String]) = (0, [])
    for dashboard in try Dashboard.all() {
      for (panel, expression, _) in dashboard.expressions {
        do {
          if try await prometheus.count(expression) > 0 {
            answered += 1
          } else if try await mustAnswer(expression, prometheus) {
            Issue.record("\(panel) shows nothing though there is data: \(expression)")
          } else if ["fleet.json", "\(system.rawValue).json"].contains(dashboard.file),
            declared.isRecorded(expression, by: system.services.map(\.name))
          {
            silent.append("\(panel): \(expression)")
          }
        } catch {
          Issue.record("\(panel): \(error), in \(expression)")
        }
      }
    }
    #expect(answered > 40, "only \(answered) panels have an answer")
    // A healthy run has no such events; any other silent panel never shows anything.
    for line in silent where !Self.quiet.contains(where: { line.contains($0) }) {
      Issue.record("\(line) shows nothing without a known reason")
    }
  }

  /// Metrics that have no values while all is well.
  private static let quiet = [
    "ALERTS", "_dead_lettered", "_skipped_total", "_retries_total", "_errors_total", "_failures_total", "_drift_total",
    "_unchanged_total", "_cut_total", "_relisted_total", "_links_expired_total", "_unmatched_total",
    "_missed_total", "_flagged_total", "_refused_total", "_reread_total",
    "== 0", "> 0",
  ]

  /// Each of its selectors finds something, and it does not filter: so it has something to show.
  private func mustAnswer(_ expression: String, _ prometheus: PrivatePrometheus) async throws -> Bool {
    let query = PromQL(expression)
    if query.isFiltering { return false }
    for selector in query.selectors where try await prometheus.count(selector.text) == 0 { return false }
    return true
  }

  /// Of every sample of a process the name and the labels are declared.
  private func compare(_ target: PrivatePrometheus.Target, with declared: DeclaredMetrics) async throws {
    let text = await LoopbackHTTP.shared.get(port: target.port, path: "/metrics")?.body ?? ""
    let samples = MetricSamples(text: text).samples
    #expect(samples.count > 20, "\(target.service)")
    let families = declared.families[target.service] ?? []
    for sample in samples {
      let family = ["_bucket", "_sum", "_count"].first { suffix in
        sample.name.hasSuffix(suffix) && families.contains(String(sample.name.dropLast(suffix.count)))
      }.map { String(sample.name.dropLast($0.count)) } ?? sample.name
      let labels = Set(sample.labels.keys).subtracting(["le"])
      guard families.contains(family), let known = declared.labels[family], labels == known else {
        Issue.record("\(target.service) does not declare \(sample.name) with the labels \(labels.sorted())")
        continue
      }
    }
  }
}
