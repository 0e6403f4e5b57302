import ArgumentParser

/// The reference of a program's settings as Markdown, made from the declaration.
package enum SettingsReference {
  /// One table per command: flag, environment variable, default and meaning of each option, in the order and
  /// under the titles of `--help`.
  ///
  /// - Parameter level: of the first heading.
  package static func markdown(for command: any ParsableCommand.Type, level: Int = 2) throws -> String {
    rendered(try CommandShape(of: command), path: [], level: level).joined(separator: "\n") + "\n"
  }

  private static func rendered(_ shape: CommandShape, path: [String], level: Int) -> [String] {
    let path = path + [shape.name]
    var lines = ["\(String(repeating: "#", count: level)) `\(path.joined(separator: " "))`", ""]
    if !shape.abstract.isEmpty { lines += [shape.abstract, ""] }
    var section: String?
    for option in shape.options where !option.isHidden && option.name != "help" && option.name != "version" {
      if option.section != section {
        if section != nil { lines.append("") }
        section = option.section
        if !option.section.isEmpty { lines += ["\(String(repeating: "#", count: level + 1)) \(option.section)", ""] }
        lines += ["| flag | environment | default | meaning |", "|---|---|---|---|"]
      }
      lines.append(row(option))
    }
    if section != nil { lines.append("") }
    for subcommand in shape.subcommands {
      lines += rendered(subcommand, path: path, level: level)
    }
    return lines
  }

  private static func row(_ option: OptionShape) -> String {
    var flag = "`--\(option.name)`"
    if option.hasInverse { flag += ", `--no-\(option.name)`" }
    if !option.isFlag { flag = "`--\(option.name) <\(option.valueName)>`" }
    if option.isRepeating { flag += " (repeatable)" }
    let environment = option.isCommandLineOnly && option.name != "config" ? "" : "`\(option.environmentName)`"
    let value = option.defaultValue.map { "`\($0)`" } ?? (option.isRequired ? "required" : "")
    var meaning = option.help
    if !option.allValues.isEmpty {
      meaning += " One of \(option.allValues.map { "`\($0)`" }.joined(separator: ", "))."
    }
    return "| " + [flag, environment, value, meaning]
      .map { $0.replacing("|", with: "\\|").replacing("\n", with: " ") }.joined(separator: " | ") + " |"
  }
}

/// The reference of a program's metrics as Markdown, made from their declarations.
package enum MetricsReference {
  /// What every service exports, whatever it does.
  package static let common = HealthMetrics.descriptions
    + [ProcessMetrics.buildInfo, PrometheusRegistry.overflow, Tracer.exported, Tracer.dropped]
    + ProcessMetrics.descriptions

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

/// `<program> --print-reference settings`, `metrics` and `template`: every program tells its own reference, so that the
/// program that gathers them need not be built from all of them. Works only alone, and is not shown in `--help`.
enum ReferenceQuestion: String {
  case settings, metrics, template

  static let flag = "--print-reference"

  /// - Returns: nil when the arguments ask for something else.
  init?(_ arguments: [String]) {
    guard arguments.count == 2, arguments[0] == Self.flag else { return nil }
    self.init(rawValue: arguments[1])
  }

  /// Markdown, or for `template` a settings file.
  func answer(for root: any ParsableCommand.Type) throws -> String {
    switch self {
    case .settings: try SettingsReference.markdown(for: root, level: 3)
    case .metrics: MetricsReference.markdown(for: root)
    case .template: try SettingsTemplate.yaml(for: root)
    }
  }
}

/// A settings file with every option of a command, described, and with its default; all are comments, because a file
/// that repeats a default would keep it when a later release has a better one.
package enum SettingsTemplate {
  /// - Parameter values: the options that are set, and to what.
  package static func yaml(for command: any ParsableCommand.Type, values: [String: String] = [:]) throws -> String {
    var shape = try CommandShape(of: command)
    while let name = shape.defaultSubcommand, let next = shape.subcommand(named: name) { shape = next }
    var lines: [String] = []
    var section = ""
    for option in shape.options where !option.isCommandLineOnly && !option.isHidden {
      if option.section != section {
        section = option.section
        lines += ["", "# --- \(section) ---"]
      }
      lines += [""] + wrapped(described(option)).map { "# \($0)" }
      let value = values[option.name] ?? option.defaultValue
      let text = value.map { SecretMask.masked($0, of: option.name) }.map(yamlScalar) ?? ""
      let shown = option.isRepeating ? "\(option.name): [\(text)]" : "\(option.name): \(text)"
      lines.append(values[option.name] == nil ? "#\(shown.last == " " ? String(shown.dropLast()) : shown)" : shown)
    }
    return lines.drop { $0.isEmpty }.joined(separator: "\n") + "\n"
  }

  private static func described(_ option: OptionShape) -> String {
    let choices = option.allValues.isEmpty ? "" : " One of \(option.allValues.joined(separator: ", "))."
    return "\(option.help)\(choices) (\(option.environmentName))"
  }

  /// Lines of at most 76 characters.
  private static func wrapped(_ text: String) -> [String] {
    var lines = [""]
    for word in text.split(whereSeparator: \.isWhitespace) {
      let last = lines[lines.count - 1]
      if !last.isEmpty, last.count + 1 + word.count > 76 {
        lines.append(String(word))
      } else {
        lines[lines.count - 1] = last.isEmpty ? String(word) : last + " " + word
      }
    }
    return lines
  }
}
