import Foundation

/// A dashboard of Grafana as it lies in the repository.
struct Dashboard {
  struct Panel {
    var id: Int
    var type: String
    var title: String
    var description: String
    var unit: String?
    /// x, y, width, height in the grid of 24 columns.
    var place: (x: Int, y: Int, width: Int, height: Int)
    var queries: [Query]
  }

  struct Query {
    var expression: String
    var legend: String
    var datasource: String?
    var datasourceType: String?
  }

  struct Variable: Equatable {
    var name: String
    /// `datasource`, `query`, `textbox`.
    var type: String
    /// Of one that chooses a data source: the type to choose from.
    var query: String
    var datasource: String?
    var datasourceType: String?
  }

  let file: String
  let uid: String
  let title: String
  let panels: [Panel]
  let variables: [Variable]
  /// Everything that Grafana puts values into.
  let text: String
  /// Of variables and annotations.
  let otherQueries: [String]

  static var folder: String { Repository.path("k8s/components/monitoring/dashboards") }

  static func all() throws -> [Dashboard] {
    try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }.sorted()
      .map { try Dashboard(file: $0) }
  }

  init(file: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(file)"))
    let root = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    self.file = file
    uid = root["uid"] as? String ?? ""
    title = root["title"] as? String ?? ""
    var panels: [Panel] = []
    func read(_ list: Any?) {
      for panel in list as? [[String: Any]] ?? [] {
        panels.append(Panel(panel))
        read(panel["panels"])
      }
    }
    read(root["panels"])
    self.panels = panels
    let variables = (root["templating"] as? [String: Any])?["list"] as? [[String: Any]] ?? []
    let annotations = (root["annotations"] as? [String: Any])?["list"] as? [[String: Any]] ?? []
    self.variables = variables.map { variable in
      let source = variable["datasource"] as? [String: Any]
      return Variable(
        name: variable["name"] as? String ?? "", type: variable["type"] as? String ?? "",
        query: variable["query"] as? String ?? (variable["query"] as? [String: Any])?["query"] as? String ?? "",
        datasource: source?["uid"] as? String, datasourceType: source?["type"] as? String)
    }
    text = String(decoding: data, as: UTF8.self)
    let asked = variables.filter { ($0["datasource"] as? [String: Any])?["type"] as? String == "prometheus" }
    otherQueries = asked.compactMap { ($0["query"] as? [String: Any])?["query"] as? String ?? $0["query"] as? String }
      .map(Self.selector) + annotations.compactMap { $0["expr"] as? String }
  }

  /// `label_values(metric{...}, label)` as the selector it asks for.
  private static func selector(_ query: String) -> String {
    guard query.hasPrefix("label_values("), let comma = query.lastIndex(of: ",") else { return query }
    return String(query[..<comma].dropFirst("label_values(".count))
  }

  /// Panels of Prometheus, with what Grafana puts in the place of its variables.
  var expressions: [(panel: String, expression: String, legend: String)] {
    panels.flatMap { panel in
      panel.queries.filter { $0.datasourceType == "prometheus" }.map {
        ("\(file): \(panel.title)", Self.filled($0.expression), $0.legend)
      }
    } + otherQueries.map { ("\(file): variables and annotations", Self.filled($0), "") }
  }

  static func filled(_ expression: String) -> String {
    var text = expression
    for (variable, value) in [
      ("$__rate_interval", "1m"), ("$__interval", "15s"), ("$__range", "1h"), ("$service", ".+"), ("$instance", ".+"),
    ] {
      text = text.replacing(variable, with: value)
    }
    // Variables of single dashboards select everything too.
    return text.replacing(/\$\{?[a-z_]+(:[a-z]+)?\}?/, with: ".+")
  }
}

extension Dashboard.Panel {
  init(_ json: [String: Any]) {
    let grid = json["gridPos"] as? [String: Int] ?? [:]
    let source = json["datasource"] as? [String: Any] ?? [:]
    let defaults = (json["fieldConfig"] as? [String: Any])?["defaults"] as? [String: Any] ?? [:]
    id = json["id"] as? Int ?? 0
    type = json["type"] as? String ?? ""
    title = json["title"] as? String ?? ""
    description = json["description"] as? String ?? ""
    unit = defaults["unit"] as? String
    place = (grid["x"] ?? 0, grid["y"] ?? 0, grid["w"] ?? 0, grid["h"] ?? 0)
    queries = (json["targets"] as? [[String: Any]] ?? []).map { target in
      let own = target["datasource"] as? [String: Any] ?? source
      return Dashboard.Query(
        expression: target["expr"] as? String ?? target["query"] as? String ?? target["rawSql"] as? String ?? "",
        legend: target["legendFormat"] as? String ?? "", datasource: own["uid"] as? String,
        datasourceType: own["type"] as? String)
    }
  }
}
