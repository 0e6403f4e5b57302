import ArgumentParser

/// The reference of a program's metrics as Markdown, made from their declarations.
package enum MetricsReference {
  /// What every service exports, whatever it does.
  package static let common = HealthMetrics.descriptions
    + [ProcessMetrics.buildInfo, PrometheusRegistry.overflow] + ProcessMetrics.descriptions

  /// The metrics of all commands of a program, in the order of their declarations, each once.
  package static func descriptions(of root: any ParsableCommand.Type) -> [MetricDescription] {
    var seen: Set<String> = []
    return declared(root).filter { seen.insert($0.name).inserted }
  }

  /// One table; empty for a program that records nothing.
  package static func markdown(for root: any ParsableCommand.Type) -> String {
    let descriptions = descriptions(of: root)
    if descriptions.isEmpty { return "" }
    let lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"] + descriptions.map { metric in
      let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
      return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.help.replacing("|", with: "\\|")) |"
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func declared(_ command: any ParsableCommand.Type) -> [MetricDescription] {
    let own = (command as? any ServiceCommand.Type).map { $0.metrics + common } ?? []
    return own + command.configuration.subcommands.flatMap { declared($0) }
  }
}
