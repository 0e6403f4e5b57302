import Core

/// Where a value comes from.
package enum SettingSource: Hashable, Sendable, CustomStringConvertible {
  case commandLine
  case environment(variable: String)
  /// A name from before the variables of this program had a prefix.
  case formerVariable(String, now: String)
  case environmentFile(variable: String, path: String)
  case file(path: String, line: Int)
  case builtIn

  package var description: String {
    switch self {
    case .commandLine: "command line"
    case .environment(let variable), .formerVariable(let variable, _): "environment variable \(variable)"
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

extension Failure {
  /// A setting that cannot be used: what, where it was set, what to do.
  static func setting(_ code: String, _ message: String) -> Failure {
    Failure(.configuration, code: code, message)
  }
}

/// `true` and `false` as people write them in environment variables and YAML.
func booleanText(_ text: String) -> Bool? {
  switch text.lowercased() {
  case "true", "1", "yes": true
  case "false", "0", "no": false
  default: nil
  }
}

/// The candidate with the fewest edits to `name`, if it is close enough to be a slip of the pen.
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  let limit = max(2, name.count / 3)
  let nearest = candidates.map { (name: $0, edits: editDistance(name, $0)) }.min { $0.edits < $1.edits }
  return nearest.flatMap { $0.edits <= limit ? $0.name : nil }
}

/// Levenshtein's distance: insertions, deletions and replacements of one character.
func editDistance(_ left: String, _ right: String) -> Int {
  let right = Array(right)
  var row = Array(0...right.count)
  for (i, character) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in right.indices {
      let replaced = diagonal + (right[j] == character ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
    }
  }
  return row[right.count]
}
