import Catalogue
import Core
import Kafka
import Messages
import Operations
import ServiceKit
import Values

/// What a person should look at: findings of services, and alerts that fire.
extension Board {
  var alertPages: [Page] {
    guard let sources else { return [] }
    return [
      Page(
        ["alerts"], .alerts, "Alerts", "What services found that a person should look at, and what fires.",
        [
          Parameter("severity", .choice(["", "warning", "critical"], standard: ""), "Only alerts as severe as this."),
          Parameter("service", .word(most: 64), "Only alerts of this service."),
          Gateway.limit(100, 1_000),
        ], refresh: .seconds(15)
      ) { view in
        PageContent((settings.prometheus.map { [firing($0, sources)] } ?? []) + [feed(view, sources)])
      },
    ]
  }

  private func feed(_ view: PageRequest, _ sources: BoardSources) -> Panel {
    Panel(
      "alerts", "Findings, the newest first", .command("souk tap \(Topics.alerts.name) --from earliest --no-follow")
    ) {
      let reader = TopicReader(cluster: sources.cluster, topic: Topics.alerts.name, most: 5_000)
      let found = try await reader.read()
      var table = Table([
        .text("time", "Time"), .text("severity", "Severity"), .text("service", "Service"), .text("kind", "Kind"),
        .text("subject", "About"), .text("message", "What"), .hidden("place"),
      ], name: "alerts")
      for record in found.records {
        guard table.report.rows.count < view.count("limit") else { break }
        guard let alert = record.value.flatMap({ try? Alert(decoding: $0) }),
          view.text("severity").isEmpty || alert.severity.rawValue == view.text("severity"),
          view.optional("service").map({ $0 == alert.service }) ?? true
        else { continue }
        table.append([
          .text(alert.observedAt.description), .text(alert.severity.rawValue), .text(alert.service),
          .text(alert.kind.rawValue.replacing("_", with: " ")), .text(alert.subject), .text(alert.message),
          .text(record.id),
        ], alert.severity == .critical ? .bad : .warning, links: [
          "time": Link(["record"], [("topic", Topics.alerts.name), ("at", record.id)]),
          "service": view.link(["service": alert.service]),
        ])
      }
      return Panel.Filling([.table(table)], nothing: "No service has found anything that a person should look at.")
    }
  }

  private func firing(_ prometheus: String, _ sources: BoardSources) -> Panel {
    Panel("firing", "Firing and pending", .promql("ALERTS{alertstate=~\"firing|pending\"}")) {
      let answer = try await sources.json("\(prometheus)/api/v1/alerts")
      guard case .list(let alerts)? = answer["data"]?["alerts"] else {
        throw Problem(503, "no_alerts", "\(prometheus) names no alerts.")
      }
      var table = Table([
        .text("name", "Alert"), .text("state", "State"), .text("severity", "Severity"), .text("since", "Since"),
        .text("summary", "What"), .text("runbook", "What to do"),
      ], name: "firing")
      func text(_ value: DataValue?) -> String? { if case .text(let text)? = value { text } else { nil } }
      for alert in alerts {
        let (labels, notes) = (alert["labels"], alert["annotations"])
        let runbook = text(notes?["runbook_url"])
        table.append([
          .text(text(labels?["alertname"])), .text(text(alert["state"])), .text(text(labels?["severity"])),
          .text(text(alert["activeAt"])), .text(text(notes?["summary"]) ?? text(notes?["description"])),
          .text(runbook == nil ? nil : "runbook"),
        ], text(alert["state"]) == "firing" ? .bad : .warning,
          links: runbook.flatMap { Link(external: $0) }.map { ["runbook": $0] } ?? [:])
      }
      return Panel.Filling([.table(table)], nothing: "Nothing fires, and nothing waits to.")
    }
  }
}
