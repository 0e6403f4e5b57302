/// Where a value comes from.
package enum SettingSource: Hashable, Sendable, CustomStringConvertible {
  case commandLine
  case environment(variable: String)
  case environmentFile(variable: String, path: String)
  case file(path: String, line: Int)
  case builtIn

  package var description: String {
    switch self {
    case .commandLine: "command line"
    case .environment(let variable): "environment variable \(variable)"
    case .environmentFile(let variable, let path): "file \(path) named by environment variable \(variable)"
    case .file(let path, let line): "file \(path) line \(line)"
    case .builtIn: "default"
    }
  }
}

/// One value of one option, as text, before ArgumentParser has seen it.
struct AssignedValue: Hashable, Sendable {
  var option: OptionShape
  var value: String
  var source: SettingSource

  /// How ArgumentParser is told; nil when there is nothing to tell (a plain flag that is off).
  var argument: String? {
    guard option.isFlag else { return "--\(option.name)=\(value)" }
    if value == "true" { return "--\(option.name)" }
    return option.hasInverse ? "--no-\(option.name)" : nil
  }
}
