import Catalogue
import Foundation
import Testing
import Yams

/// Dashboards as they lie in the repository, and what they and the rules ask for.
@Suite struct DashboardTests {
  @Test func dashboardsCanBeProvisioned() throws {
    let dashboards = try Dashboard.all()
    #expect(Set(dashboards.map(\.file)).isSuperset(of: ["fleet.json", "prices.json", "sentinel.json"]))
    #expect(Set(dashboards.map(\.uid)).count == dashboards.count, "two dashboards share a uid")
    #expect(Set(dashboards.map(\.title)).count == dashboards.count, "two dashboards share a title")
    for system in FleetSystem.allCases {
      #expect(dashboards.contains { $0.file == "\(system.rawValue).json" }, "\(system.rawValue) has no dashboard")
    }
    var sources: [String: String] = [:]
    for file in try Repository.files(in: "compose/grafana/provisioning/datasources", ending: ".yml") {
      for source in try Repository.yaml(file)["datasources"] as? [[String: Any]] ?? [] {
        sources[source["uid"] as? String ?? ""] = source["type"] as? String
      }
    }
    #expect(sources["prometheus"] == "prometheus")
    for dashboard in dashboards {
      // The name of a data source is the operator's; its type is not.
      let chosen = dashboard.variables.filter { $0.type == "datasource" }
      for variable in chosen {
        #expect(sources.values.contains(variable.query), "\(dashboard.file): compose has no \(variable.query)")
      }
      func check(_ source: String?, _ type: String?, of place: String) {
        let isKnown = chosen.contains { source == "${\($0.name)}" && $0.query == type }
        #expect(isKnown, "\(dashboard.file): \(place) asks \(source ?? "no data source"), which no variable chooses")
      }
      for panel in dashboard.panels {
        for query in panel.queries { check(query.datasource, query.datasourceType, of: panel.title) }
      }
      for variable in dashboard.variables where variable.type == "query" {
        check(variable.datasource, variable.datasourceType, of: variable.name)
      }
    }
    let providers = try Repository.yaml("compose/grafana/provisioning/dashboards/souk.yml")["providers"]
    #expect((providers as? [[String: Any]])?.count == 1)
  }

  /// A variable that is not there stays in the query as it is written, which then finds nothing.
  @Test func everyVariableIsDeclared() throws {
    for dashboard in try Dashboard.all() {
      let declared = Set(dashboard.variables.map(\.name) + ["timeFilter", "tag_symbol", "tag_bar"])
      for match in dashboard.text.matches(of: /\$\{?([a-z][A-Za-z_]*)/) where !match.0.hasPrefix("$__") {
        #expect(declared.contains(String(match.1)), "\(dashboard.file) uses \(match.0)")
      }
    }
  }

  /// In Kubernetes and in compose the dashboards are the same files.
  @Test func everyDashboardIsDeployed() throws {
    let component = try Repository.yaml("k8s/components/monitoring/kustomization.yaml")
    let map = (component["configMapGenerator"] as? [[String: Any]])?.first
    #expect(Set(map?["files"] as? [String] ?? []) == Set(try Dashboard.all().map { "dashboards/\($0.file)" }))
    let compose = try Repository.text("compose/docker-compose.yml")
    #expect(compose.contains("../k8s/components/monitoring/dashboards:/var/lib/grafana/dashboards:ro"))
  }

  @Test func panelsHaveTitlesUnitsPlacesAndDescriptions() throws {
    for dashboard in try Dashboard.all() {
      #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count, "\(dashboard.file): an id is used twice")
      var taken: Set<Int> = []
      for panel in dashboard.panels {
        let name = "\(dashboard.file): \(panel.title)"
        #expect(!panel.title.isEmpty, "\(name)")
        #expect(panel.place.x >= 0 && panel.place.width > 0 && panel.place.x + panel.place.width <= 24, "\(name)")
        for row in panel.place.y..<(panel.place.y + panel.place.height) {
          for column in panel.place.x..<(panel.place.x + panel.place.width) {
            let isFree = taken.insert(row * 24 + column).inserted
            if !isFree { Issue.record("\(name) lies over another panel") }
          }
        }
        guard panel.type != "row", panel.type != "text" else { continue }
        #expect(!panel.description.isEmpty, "\(name) has no description")
        #expect(panel.unit != nil, "\(name) has no unit")
        #expect(!panel.queries.isEmpty && panel.queries.allSatisfy { !$0.expression.isEmpty }, "\(name) asks nothing")
      }
    }
  }

  @Test func everyMetricAndLabelTheyNameIsExported() async throws {
    let declared = try await DeclaredMetrics.gather()
    var count = 0
    for dashboard in try Dashboard.all() where declared.canJudge(dashboard.file) {
      for (panel, expression, legend) in dashboard.expressions {
        count += 1
        for problem in declared.unknown(in: expression, legend: legend) {
          Issue.record("\(panel): \(problem), in \(expression)")
        }
      }
    }
    #expect(count > 100)
  }

  @Test func everyMetricAndLabelRulesNameIsExported() async throws {
    let declared = try await DeclaredMetrics.gather()
    for rule in try Rule.all() where declared.canJudge(rule.file) {
      for problem in declared.unknown(in: rule.expression) { Issue.record("\(rule.file): \(rule.name): \(problem)") }
      let shown = rule.annotations.values.flatMap { text in
        text.matches(of: /\$labels\.([a-z_]+)/).map { String($0.1) }
      }
      let query = PromQL(rule.expression)
      let series = query.selectors.flatMap { declared.labels[$0.name] ?? [] }
      let left = query.kept.isEmpty ? Set(series).union(DeclaredMetrics.targetLabels) : Set(query.kept)
      for label in shown { #expect(left.contains(label), "\(rule.name) shows \(label), which its series do not have") }
    }
  }

  /// Recorded and declared names are the same.
  @Test func everyMetricInTheCodeIsDeclared() async throws {
    let declared = try await DeclaredMetrics.gather()
    for folder in ["Shared", "Services"] {
      let files = FileManager.default.enumerator(atPath: Repository.path(folder))
      while let file = files?.nextObject() as? String {
        guard file.hasSuffix(".swift") else { continue }
        for match in try Repository.text("\(folder)/\(file)").matches(of: /"(souk_[a-z0-9_]*[a-z0-9])"/) {
          let name = String(match.1)
          #expect(declared.labels[name] != nil, "\(folder)/\(file) records \(name), which no service declares")
        }
      }
    }
  }

  @Test func expressionsAreParsed() {
    let query = PromQL(
      """
      sum by (a, b) (rate(x_total{c="d,}", e=~"f"}[5m])) / on (a) group_left () y:z offset 1h
      or vector(0) > 1e3 unless {__name__=~"p|q"}
      """)
    #expect(query.selectors.map(\.name) == ["x_total", "y:z", ""])
    #expect(query.selectors[0].labels == ["c", "e"])
    #expect(query.selectors[0].text == #"x_total{c="d,}", e=~"f"}"#)
    #expect(query.selectors[2].text == #"{__name__=~"p|q"}"#)
    #expect(query.kept == ["a", "b"] && query.grouping == ["a", "b", "a"])
    #expect(query.isFiltering && !PromQL(#"a{b!="c"}"#).isFiltering)
  }
}
