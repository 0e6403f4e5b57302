import Catalogue
import Foundation
import LocalServers
import Reference
import TestSupport

/// The metrics that the services declare: the tables of their references, gathered from the built programs themselves.
struct DeclaredMetrics {
  /// Labels by name, over all programs. A histogram is there by its name and by those of its series.
  private(set) var labels: [String: Set<String>] = [:]
  /// Names by program.
  private(set) var families: [String: Set<String>] = [:]

  /// What Prometheus adds to every series of a target.
  static let targetLabels: Set<String> = ["service", "instance", "job"]
  /// What Prometheus records itself.
  static let builtIn: [String: Set<String>] = [
    "up": [], "ALERTS": ["alertname", "alertstate", "severity"], "scrape_duration_seconds": [],
  ]

  /// Services that a system's dashboard and rules depend on: these are compared once all of the services exist.
  private static func needed(by file: String) -> [ServiceEntry] { FleetSystem(rawValue: file)?.services ?? [] }

  /// - Parameter file: `sentinel.json`, or the path of a rule file.
  func canJudge(_ file: String) -> Bool {
    let name = file.split(separator: "/").last?.split(separator: ".").first.map(String.init) ?? file
    return Self.needed(by: name).allSatisfy { families[$0.name] != nil }
  }

  static func gather() async throws -> DeclaredMetrics {
    var declared = DeclaredMetrics()
    let programs = try ServicePrograms(root: Repository.path("."), binaries: Program.ownFolder)
    for program in programs.programs { declared.add(program.name, try await programs.ask(program, "metrics")) }
    for rule in try Rule.all() where !rule.isAlert {
      declared.labels[rule.name] = Set(PromQL(rule.expression).kept)
    }
    for (name, labels) in builtIn { declared.labels[name] = labels }
    return declared
  }

  private mutating func add(_ program: String, _ markdown: String) {
    for line in markdown.split(separator: "\n") where line.hasPrefix("| `") {
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst()
        .map { $0.trimmingCharacters(in: .whitespaces) }
      let name = cells[0].filter { $0 != "`" }
      let names = Set(cells[2].split(separator: ",").map { $0.filter { $0 != "`" && $0 != " " } })
      families[program, default: []].insert(name)
      labels[name, default: []].formUnion(names)
      guard cells[1] == "histogram" else { continue }
      labels[name + "_bucket", default: []].formUnion(names.union(["le"]))
      for suffix in ["_sum", "_count"] { labels[name + suffix, default: []].formUnion(names) }
    }
  }

  /// Metrics and labels in an expression that no service exports, in words.
  func unknown(in expression: String, legend: String = "") -> [String] {
    let query = PromQL(expression)
    var problems: [String] = []
    var known = Self.targetLabels
    for selector in query.selectors {
      let names = selector.name.isEmpty
        ? labels.keys.filter { selector.text.contains("\"") && Self.matches($0, selector.text) } : [selector.name]
      if names.isEmpty { problems.append("\(selector.text) selects no known metric") }
      for name in names {
        guard let own = labels[name] else {
          problems.append("no service exports \(name)")
          continue
        }
        known.formUnion(own)
        let unknown = Set(selector.labels).subtracting(own).subtracting(Self.targetLabels).subtracting(["__name__"])
        for label in unknown where selector.name != "" { problems.append("\(name) has no label \(label)") }
      }
    }
    for label in query.grouping where !known.contains(label) { problems.append("no series here has a label \(label)") }
    let shown = legend.matches(of: /\{\{ *([a-z_]+) *\}\}/).map { String($0.1) }
    let left = query.kept.isEmpty ? known : Set(query.kept)
    for label in shown where !left.contains(label) { problems.append("the legend shows \(label), which is not there") }
    return problems
  }

  /// Whether every metric that an expression names is declared by one of these services, as far as services do.
  func isRecorded(_ expression: String, by services: [String]) -> Bool {
    let own = services.reduce(into: Set<String>()) { $0.formUnion(families[$1] ?? []) }
    let all = families.values.reduce(into: Set<String>()) { $0.formUnion($1) }
    return PromQL(expression).selectors.allSatisfy { selector in
      let family = ["_bucket", "_sum", "_count"].first { selector.name.hasSuffix($0) }
        .map { String(selector.name.dropLast($0.count)) }.flatMap { all.contains($0) ? $0 : nil } ?? selector.name
      return !all.contains(family) || own.contains(family)
    }
  }

  /// `{__name__=~"a|b"}` against a name.
  private static func matches(_ name: String, _ selector: String) -> Bool {
    guard let match = selector.firstMatch(of: /__name__=~"([^"]*)"/),
      let pattern = try? Regex("^(?:\(match.1))$")
    else { return false }
    return name.firstMatch(of: pattern) != nil
  }
}
