import ArgumentParser
import Foundation
import Operations

/// How a command prints its answer.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
  case table, json, yaml

  /// What a program says in JSON, as this form has it.
  func text(ofJSON json: String) -> String {
    guard self == .yaml, let value = try? JSONSerialization.jsonObject(with: Data(json.utf8)) else { return json }
    return "---\n" + DataValue(json: value).yaml
  }
}

/// `-o` and `--wide`, of every command that answers with data.
struct OutputOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "How to print the answer.")
  var output = OutputFormat.table

  @Flag(help: "Print every column of a table in full, also where the terminal is too narrow.")
  var wide = false

  func print(_ report: Report) { Swift.print(text(report, Terminal.standardOutput)) }

  func text(_ report: Report, _ terminal: Terminal) -> String {
    switch output {
    case .table: report.lines(terminal.isWide(wide)).joined(separator: "\n")
    case .json: report.data.prettyJSON
    case .yaml: report.data.yaml
    }
  }

  /// One of many answers that follow one another: a line of JSON, or a document of YAML.
  /// - Parameter lines: what the table form prints.
  func text(_ data: DataValue, _ lines: @autoclosure () -> [String]) -> String {
    switch output {
    case .table: lines().joined(separator: "\n")
    case .json: data.json
    case .yaml: "---\n\(data.yaml)"
    }
  }
}
