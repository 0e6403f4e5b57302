import Foundation
import LocalServers
import Testing
import TestSupport
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

  /// Each alert names its section of the runbook, and each section says what is meant, where to look and what to do.
  @Test func everyAlertHasItsSectionOfTheRunbook() throws {
    let page = "Services/Runbook.md"
    let sections = try Repository.text(page).components(separatedBy: "\n### ").dropFirst().map { section in
      (name: String(section.prefix { $0 != "\n" }), text: section)
    }
    let alerts = try Rule.all().filter(\.isAlert)
    #expect(sections.map(\.name).sorted() == alerts.map(\.name).sorted())
    for alert in alerts {
      #expect(alert.annotations["runbook_url"] == "\(page)#\(alert.name.lowercased())", "\(alert.name)")
    }
    for section in sections {
      for part in ["- **Means**: ", "- **Look**:", "- **Do**: "] {
        #expect(section.text.contains(part), "\(section.name) lacks \(part)")
      }
    }
  }

  /// Links between the operators' pages lead somewhere, and their commands are those of the program.
  @Test(arguments: ["Services/Runbook.md", "Services/Operations.md"])
  func operatorsPagesAreRight(_ page: String) async throws {
    let text = try Repository.text(page)
    for match in text.matches(of: /\]\(([^)#]*)(#[a-z0-9-]+)?\)/) {
      let target = match.1.isEmpty ? page : "Services/\(match.1)"
      #expect(FileManager.default.fileExists(atPath: Repository.path(target)), "\(match.0)")
      guard let anchor = match.2?.dropFirst() else { continue }
      let headings = try Repository.text(target).split(separator: "\n").filter { $0.hasPrefix("#") }
      let anchors = headings.map { $0.drop { "# ".contains($0) }.lowercased().replacing(" ", with: "-") }
      #expect(anchors.contains(String(anchor)), "\(match.0)")
    }
    var helps: [[String]: String] = [:]
    for match in text.matches(of: /(?:`|\n)souk ([^`\n]+)/) {
      let command = match.1.prefix { $0 != "#" && $0 != "|" }.split(separator: " ").map(String.init)
      let words = Array(command.prefix(["dlq", "topics", "models"].contains(command[0]) ? 2 : 1))
        .filter { $0.allSatisfy { $0.isLowercase } }
      if helps[words] == nil {
        let outcome = try await ServiceProcess.run("souk", words + ["--help"])
        let usage = "USAGE: souk \(words.joined(separator: " "))"
        #expect(outcome.status.isSuccess && outcome.output.contains(usage), "\(match.0)")
        helps[words] = outcome.output
      }
      for flag in command where flag.hasPrefix("--") {
        #expect(helps[words]?.contains(flag) == true, "\(match.0): no \(flag)")
      }
    }
    #expect(helps.count >= 6)
  }

  /// What is critical goes to its own receiver, and an alert that follows from another is held back.
  @Test func alertsFindTheirReceiver() async throws {
    let path = Repository.path("compose/alertmanager/alertmanager.yml")
    let amtool = try Program.require("amtool", package: "the Debian package prometheus-alertmanager")
    func run(_ arguments: String...) async throws -> ChildProcess.Outcome {
      try await ChildProcess.run(Launch(amtool, arguments), atMost: .seconds(300))
    }
    let checked = try await run("check-config", path)
    #expect(checked.status.isSuccess, "\(checked.output)\(checked.errorOutput)")
    for (severity, receiver) in [("critical", "now"), ("warning", "later"), ("info", "shown")] {
      let routed = try await run(
        "config", "routes", "test", "--config.file=\(path)", "severity=\(severity)", "service=parser")
      #expect(routed.output.trimmingCharacters(in: .whitespacesAndNewlines) == receiver, "\(routed)")
    }
    let alerts = Set(try Rule.all().map(\.name))
    for match in try Repository.text("compose/alertmanager/alertmanager.yml").matches(of: /Souk[A-Za-z]+/) {
      #expect(alerts.contains(String(match.0)), "there is no alert \(match.0)")
    }
    let prometheus = try Repository.text("compose/prometheus/prometheus.yml")
    #expect(prometheus.contains("targets: [alertmanager:9093]"))
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
