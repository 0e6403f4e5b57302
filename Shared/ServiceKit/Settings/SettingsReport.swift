import ArgumentParser

/// What `--print-config` prints: a settings file that would give the same settings, each line with its source.
struct SettingsReport {
  let resolution: SettingsResolver.Resolution

  func rendered(version: String) -> String {
    let names = resolution.levels.map(\.name).joined(separator: " ")
    var lines = ["# \(names) \(version)"]
    var section = ""
    for option in resolution.command.options where !option.isCommandLineOnly && !option.isHidden {
      if option.section != section {
        section = option.section
        lines += ["", "# \(section)"]
      }
      lines += rendered(option)
    }
    return lines.joined(separator: "\n")
  }

  private func rendered(_ option: OptionShape) -> [String] {
    let values = resolution.values.filter { $0.option == option }
    guard let last = values.last else {
      guard let value = option.defaultValue else { return ["# \(option.name):  (not set)"] }
      return ["\(option.name): \(scalar(value, of: option))  # default"]
    }
    guard option.isRepeating else { return ["\(option.name): \(scalar(last.value, of: option))  # \(last.source)"] }
    return ["\(option.name):"] + values.map { "  - \(scalar($0.value, of: option))  # \($0.source)" }
  }

  private func scalar(_ value: String, of option: OptionShape) -> String {
    yamlScalar(SecretMask.masked(value, of: option.name))
  }
}

/// Text as a YAML scalar: bare when nothing in it could be taken for syntax or another type, else quoted as JSON
/// does, which YAML reads.
package func yamlScalar(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy { byte in
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_./:=+@,".utf8.contains(byte)
  }
  let startsPlain = text.utf8.first.map { !"-:=@,".utf8.contains($0) } ?? false
  if isPlain, startsPlain, !text.hasSuffix(":"), text != "null", text != "no", text != "yes" { return text }
  var quoted: [UInt8] = []
  appendJSONString(text, to: &quoted)
  return String(decoding: quoted, as: UTF8.self)
}
