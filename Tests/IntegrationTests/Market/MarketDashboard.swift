import Foundation

/// Grafana's dashboard of the market data in the repository, with Grafana's changes to its queries.
struct MarketDashboard {
  struct Query {
    var panel: String
    var text: String
  }

  /// In InfluxQL, of panels.
  private(set) var influx: [Query] = []
  /// In PromQL.
  private(set) var prometheus: [Query] = []
  /// The query for a variable's values, by its name.
  private(set) var variables: [String: String] = [:]

  init() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../k8s/components/monitoring/dashboards/egx.json").standardized
    struct Board: Decodable {
      struct Source: Decodable { var type: String; var uid: String }
      struct Target: Decodable { var query: String?; var expr: String? }
      struct Panel: Decodable {
        var title: String
        var type: String
        var datasource: Source?
        var targets: [Target]?
        var panels: [Panel]?
      }
      struct Variable: Decodable { var name: String; var query: String; var datasource: Source? }
      struct Templating: Decodable { var list: [Variable] }
      var panels: [Panel]
      var templating: Templating
    }
    let board = try JSONDecoder().decode(Board.self, from: Data(contentsOf: path))
    struct Unknown: Error { var text: String }
    func read(_ panels: [Board.Panel]) throws {
      for panel in panels {
        for target in panel.targets ?? [] {
          switch (panel.datasource?.type, target.query, target.expr) {
          case ("influxdb", let query?, nil): influx.append(Query(panel: panel.title, text: query))
          case ("prometheus", nil, let expression?): prometheus.append(Query(panel: panel.title, text: expression))
          default: throw Unknown(text: "\(panel.title): a query of no source that is known")
          }
        }
        if panel.type != "row", panel.targets?.isEmpty != false { throw Unknown(text: "\(panel.title) asks nothing") }
        try read(panel.panels ?? [])
      }
    }
    try read(board.panels)
    // One that chooses a data source asks none.
    for variable in board.templating.list where variable.datasource != nil { variables[variable.name] = variable.query }
  }

  /// The query as Grafana sends it: with its macros and variables replaced.
  /// - Parameter times: seconds since 1970, the queried range.
  static func filled(_ text: String, _ values: [String: String], times: ClosedRange<Int64>) -> String {
    var macros = [
      "timeFilter": "time >= \(times.lowerBound * 1_000)ms and time <= \(times.upperBound * 1_000)ms",
      "__interval": "1m", "__rate_interval": "2m", "__range": "1h",
    ]
    macros.merge(values) { $1 }
    // The longest name first: one may begin with another.
    return macros.sorted { $0.key.count > $1.key.count }.reduce(text) { text, macro in
      text.replacing("${\(macro.key)}", with: macro.value).replacing("$\(macro.key)", with: macro.value)
    }
  }
}
