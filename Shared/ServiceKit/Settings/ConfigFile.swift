import Core
import Yams

/// A YAML file of settings: one mapping from option names to values.
///
/// A list (or, for options of the form `key=value`, a mapping) gives an option several times; `null` leaves it
/// unset. A key that no option of the program has is refused, because a misspelt setting is worse than none.
struct ConfigFile {
  let path: String
  private let entries: [(key: String, line: Int, node: Node)]

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
    let root: Node?
    do {
      root = try compose(yaml: text)
    } catch {
      throw .setting("config_syntax", "\(path) is not valid YAML: \(error)")
    }
    guard let root, root.null == nil else {
      entries = []
      return
    }
    guard let mapping = root.mapping else {
      throw .setting("config_syntax", "\(path) must be a mapping from option names to values")
    }
    let known = Set(shape.allOptions.filter { !$0.isCommandLineOnly }.map(\.name))
    var entries: [(key: String, line: Int, node: Node)] = []
    for (keyNode, node) in mapping {
      let key = keyNode.string ?? ""
      let line = keyNode.mark?.line ?? 0
      guard known.contains(key) else {
        let hint = nearestName(to: key, among: known.sorted()).map { "; did you mean '\($0)'?" }
        throw .setting(
          "config_unknown_key",
          "\(path) line \(line): no option is called '\(key)'\(hint ?? "; --help lists the options")")
      }
      entries.append((key, line, node))
    }
    self.entries = entries
  }

  func values(of option: OptionShape) throws(Failure) -> [AssignedValue] {
    guard !option.isCommandLineOnly, let entry = entries.first(where: { $0.key == option.name }) else { return [] }
    let source = SettingSource.file(path: path, line: entry.line)
    var values: [AssignedValue] = []
    for text in try texts(entry.node, option, source) {
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

  private func texts(_ node: Node, _ option: OptionShape, _ source: SettingSource) throws(Failure) -> [String] {
    if let scalar = node.scalar {
      return node.null != nil && scalar.style == .plain ? [] : [scalar.string]
    }
    if option.isRepeating, let sequence = node.sequence {
      let texts = sequence.compactMap { $0.scalar?.string }
      if texts.count == sequence.count { return texts }
    }
    if option.isRepeating, let mapping = node.mapping {
      let texts = mapping.compactMap { pair in
        pair.key.string.flatMap { key in pair.value.scalar.map { "\(key)=\($0.string)" } }
      }
      if texts.count == mapping.count { return texts }
    }
    let wanted = option.isRepeating ? "a value, a list of values, or a mapping" : "one value"
    throw .setting("setting_invalid", "'\(option.name)' in \(source) must be \(wanted)")
  }
}
