import Core
import Foundation

/// Options set by environment variables.
///
/// `HTTP_PORT` holds the value of `--http-port`, `HTTP_PORT_FILE` the path of a file that holds it (for secrets),
/// unless `--http-port-file` is an option itself. An empty variable counts as unset. An option that may be given
/// several times takes one value per line.
struct EnvironmentSettings {
  let variables: [String: String]
  /// Variables of former names whose values are those of another program.
  let foreign: Set<String>
  /// What to warn of: the variables of former names that were not used because of their values.
  private(set) var ignored: [String] = []

  /// - Parameter names: the names of all options of the command, to tell `X_FILE` from an option of that name.
  mutating func values(of option: OptionShape, beside names: Set<String>) throws(Failure) -> [AssignedValue] {
    guard !option.isCommandLineOnly else { return [] }
    let name = option.environmentName
    let direct = nonEmpty(name)
    let fileVariable = "\(name)_FILE"
    let path = names.contains("\(option.name)-file") ? nil : nonEmpty(fileVariable)
    if direct != nil, path != nil {
      throw .setting("environment_ambiguous", "both \(name) and \(fileVariable) are set; unset one of them")
    }
    if let path {
      let source = SettingSource.environmentFile(variable: fileVariable, path: path)
      let bytes: [UInt8]
      do {
        bytes = try readFile(path, limit: 1 << 20)
      } catch {
        throw .setting("environment_file_unreadable", "\(error.message), named by environment variable \(fileVariable)")
      }
      var text = String(decoding: bytes, as: UTF8.self)
      // Editors end the last line and `kubectl create secret` does not; the value is the same.
      while let last = text.last, last.isNewline { text.removeLast() }
      guard !text.isEmpty else { throw .setting("environment_file_empty", "the \(source) is empty") }
      if option.takesReference { text = "file:\(URL(fileURLWithPath: path).path)" }
      return try assigned(option, text, source)
    }
    guard let direct else { return former(option) }
    return try assigned(option, direct, .environment(variable: name))
  }

  /// What a variable of the former name says; one that makes no sense here was meant for another program.
  private mutating func former(_ option: OptionShape) -> [AssignedValue] {
    guard let name = option.formerVariable, let text = nonEmpty(name) else { return [] }
    let now = option.environmentName
    if !foreign.contains(name), let values = try? assigned(option, text, .formerVariable(name, now: now)) {
      return values
    }
    ignored.append(
      "environment variable \(name) is ignored: --\(option.name) cannot have its value, and is set by \(now)")
    return []
  }

  private func nonEmpty(_ name: String) -> String? {
    variables[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  private func assigned(
    _ option: OptionShape, _ text: String, _ source: SettingSource
  ) throws(Failure) -> [AssignedValue] {
    if option.isFlag {
      guard let on = booleanText(text) else {
        throw .setting(
          "setting_invalid",
          "the value '\(text)' of \(source) is neither true nor false (also 1, 0, yes, no), as --\(option.name) needs")
      }
      return [AssignedValue(option: option, value: on ? "true" : "false", source: source)]
    }
    guard option.isRepeating else { return [AssignedValue(option: option, value: text, source: source)] }
    return text.split(whereSeparator: \.isNewline).map {
      AssignedValue(option: option, value: String($0), source: source)
    }
  }
}
