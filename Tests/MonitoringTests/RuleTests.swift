import Foundation
import LocalServers
import Testing
import Yams

/// The configuration of Prometheus, by Prometheus' own tool.
@Suite struct RuleTests {
  @Test func configurationAndRulesAreValid() async throws {
    let config = try await Repository.promtool("check", "config", "compose/prometheus/prometheus.yml")
    #expect(config.status.isSuccess, "\(config.output)\(config.errorOutput)")
    for file in try Repository.files(in: "compose/prometheus/rules", ending: ".yml") {
      let outcome = try await Repository.promtool("check", "rules", "--lint=all", "--lint-fatal", file)
      #expect(outcome.status.isSuccess, "\(outcome.output)\(outcome.errorOutput)")
    }
  }

  @Test func rulesPassTheirPromtoolTests() async throws {
    let files = try Repository.files(in: "Tests/MonitoringTests/Rules", ending: ".yml")
    #expect(files.count >= 3)
    for file in files {
      let outcome = try await Repository.promtool("test", "rules", file)
      #expect(outcome.status.isSuccess, "\(file):\n\(outcome.output)\(outcome.errorOutput)")
    }
  }

  /// An alert is tested only if it was seen both firing and silent.
  @Test func everyAlertIsTestedFiringAndSilent() throws {
    var loud: Set<String> = []
    var silent: Set<String> = []
    for file in try Repository.files(in: "Tests/MonitoringTests/Rules", ending: ".yml") {
      for test in try Repository.yaml(file)["tests"] as? [[String: Any]] ?? [] {
        for check in test["alert_rule_test"] as? [[String: Any]] ?? [] {
          let name = try #require(check["alertname"] as? String)
          if (check["exp_alerts"] as? [Any] ?? []).isEmpty { silent.insert(name) } else { loud.insert(name) }
        }
      }
    }
    let alerts = try Rule.all().filter(\.isAlert)
    #expect(alerts.count >= 20)
    for alert in alerts {
      #expect(loud.contains(alert.name), "no test sees \(alert.name) (\(alert.file)) fire")
      #expect(silent.contains(alert.name), "no test sees \(alert.name) (\(alert.file)) keep silent")
    }
    #expect(loud.union(silent).isSubset(of: Set(alerts.map(\.name))), "tests of alerts that are gone")
  }

  @Test func everyAlertHasASeverityAndADescription() throws {
    let rules = try Rule.all()
    #expect(Set(rules.map(\.name)).count == rules.count, "two rules share a name")
    for rule in rules where rule.isAlert {
      #expect(["critical", "warning", "info"].contains(rule.severity ?? ""), "\(rule.name)")
      #expect(rule.annotations["summary"]?.isEmpty == false, "\(rule.name)")
      #expect(rule.annotations["description"]?.isEmpty == false, "\(rule.name)")
    }
  }

  /// Under Kubernetes the operator sets labels of its own: the job is the one that rules and dashboards ask for, and no
  /// label of a target hides a label of a metric.
  @Test func kubernetesScrapesUnderTheSameLabels() async throws {
    let monitor = try Repository.yaml("k8s/components/monitoring/monitor.yaml")
    let spec = try #require(monitor["spec"] as? [String: Any])
    let label = try #require(spec["jobLabel"] as? String)
    let common = try Repository.yaml("k8s/components/common/kustomization.yaml")
    let pairs = (common["labels"] as? [[String: Any]])?.first?["pairs"] as? [String: String] ?? [:]
    #expect(pairs[label] == "souk", "the Service's label \(label) is not the job of the rules")
    let endpoint = try #require((spec["endpoints"] as? [[String: Any]])?.first)
    let relabelings = endpoint["relabelings"] as? [[String: Any]] ?? []
    let set = Set(relabelings.compactMap { $0["targetLabel"] as? String })
    #expect(set.isSuperset(of: ["service", "instance"]))
    // What the operator adds to each target, by its own documentation.
    let added = set.union(["job", "namespace", "pod", "container", "endpoint", "service", "node"])
    let dropped = Set(
      (endpoint["metricRelabelings"] as? [[String: Any]] ?? []).filter { $0["action"] as? String == "labeldrop" }
        .compactMap { $0["regex"] as? String })
    // A recording, which has a colon in its name, is made of what was scraped.
    for (name, labels) in try await DeclaredMetrics.gather().labels where !name.contains(":") {
      for label in labels.intersection(added) {
        #expect(dropped.contains("exported_\(label)"), "\(name): the target's \(label) hides the metric's")
      }
    }
  }
}
