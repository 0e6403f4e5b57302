import Core
import StrictYAML

/// A YAML file of settings: one mapping from option names to values.
///
/// A list (or, for options of the form `key=value`, a mapping) gives an option several times; `null` leaves it
/// unset. A key that no option of the program has is refused, because a misspelt setting is worse than none.
struct ConfigFile {
  let path: String
  private let entries: [YAMLValue.Entry]

  /// No file, no settings.
  init() {
    path = ""
    entries = []
  }

  init(path: String, shape: CommandShape) throws(Failure) {
    try self.init(path: path, text: String(decoding: try readFile(path, limit: 1 << 20), as: UTF8.self), shape: shape)
  }

  init(path: String, text: String, shape: CommandShape) throws(Failure) {
    self.path = path
    guard let root = try YAMLValue.read(yaml: text, origin: path, code: "config_syntax"), !root.isNull else {
      entries = []
      return
    }
    guard let mapping = root.mapping else {
      throw .setting("config_syntax", "\(path) must be a mapping from option names to values")
    }
    let known = Set(shape.allOptions.filter { !$0.isCommandLineOnly }.map(\.name))
    for entry in mapping where !known.contains(entry.key) {
      let hint = nearestName(to: entry.key, among: known.sorted()).map { "; did you mean '\($0)'?" }
      throw .setting(
        "config_unknown_key",
        "\(path) line \(entry.line): no option is called '\(entry.key)'\(hint ?? "; --help lists the options")")
    }
    entries = mapping
  }

  func values(of option: OptionShape) throws(Failure) -> [AssignedValue] {
    guard !option.isCommandLineOnly, let entry = entries.first(where: { $0.key == option.name }) else { return [] }
    let source = SettingSource.file(path: path, line: entry.line)
    var values: [AssignedValue] = []
    for text in try texts(entry.value, option, source) {
      var text = text
      if option.isFlag {
        guard let on = booleanText(text) else {
          throw .setting(
            "setting_invalid", "the value '\(text)' of '\(option.name)' in \(source) is neither true nor false")
        }
        text = on ? "true" : "false"
      }
      values.append(AssignedValue(option: option, value: text, source: source))
    }
    return values
  }

  private func texts(
    _ value: YAMLValue, _ option: OptionShape, _ source: SettingSource
  ) throws(Failure) -> [String] {
    if value.isNull { return [] }
    if let text = value.text { return [text] }
    if option.isRepeating, let list = value.list {
      let texts = list.compactMap(\.text)
      if texts.count == list.count { return texts }
    }
    if option.isRepeating, let mapping = value.mapping {
      let texts = mapping.compactMap { entry in entry.value.text.map { "\(entry.key)=\($0)" } }
      if texts.count == mapping.count { return texts }
    }
    let wanted = option.isRepeating ? "a value, a list of values, or a mapping" : "one value"
    throw .setting("setting_invalid", "'\(option.name)' in \(source) must be \(wanted)")
  }
}
