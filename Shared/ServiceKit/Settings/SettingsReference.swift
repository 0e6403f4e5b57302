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
