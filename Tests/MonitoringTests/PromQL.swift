/// The names in a PromQL expression: the series it selects and the labels it groups by. Prometheus checks the grammar.
struct PromQL {
  struct Selector: Hashable {
    /// Empty when only matchers select: `{__name__=~"a|b"}`.
    var name: String
    var labels: [String]
    /// Without range and offset.
    var text: String
  }

  private(set) var selectors: [Selector] = []
  /// Labels of `by`, `without`, `on`, `ignoring`, `group_left`, `group_right`.
  private(set) var grouping: [String] = []
  /// Those of `by` alone.
  private(set) var kept: [String] = []
  /// It filters by a comparison, so that an empty answer is an answer.
  private(set) var isFiltering = false

  private static let groupingWords = ["by", "without", "on", "ignoring", "group_left", "group_right"]
  private static let words = groupingWords + [
    "and", "or", "unless", "offset", "bool", "sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile",
    "stddev", "stdvar", "group", "count_values",
  ]

  init(_ expression: String) {
    var rest = Substring(expression)
    while let character = rest.first {
      if character == "\"" {
        Self.skipString(&rest)
      } else if character.isNumber {
        // Numbers and durations.
        rest = rest.drop { $0.isLetter || $0.isNumber || $0 == "." }
      } else if character == "{" {
        let (labels, text) = Self.matchers(&rest)
        selectors.append(Selector(name: "", labels: labels, text: text))
      } else if Self.isNameStart(character) {
        name(&rest)
      } else {
        if "<>!".contains(character) || rest.hasPrefix("==") {
          isFiltering = true
          rest = rest.drop { "<>!=".contains($0) }
        } else {
          rest.removeFirst()
        }
      }
    }
  }

  private mutating func name(_ rest: inout Substring) {
    let name = String(rest.prefix { Self.isNameStart($0) || $0.isNumber })
    rest = rest.dropFirst(name.count)
    let next = rest.first { !$0.isWhitespace }
    if Self.groupingWords.contains(name), next == "(" {
      rest = rest.drop { $0 != "(" }.dropFirst()
      let labels = rest.prefix { $0 != ")" }
      rest = rest.dropFirst(labels.count)
      let names = labels.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
      grouping += names
      if name == "by" { kept += names }
    } else if Self.words.contains(name) || next == "(" {
      return
    } else if rest.first == "{" {
      let (labels, text) = Self.matchers(&rest)
      selectors.append(Selector(name: name, labels: labels, text: name + text))
    } else {
      selectors.append(Selector(name: name, labels: [], text: name))
    }
  }

  private static func isNameStart(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character == "_" || character == ":")
  }

  private static func skipString(_ rest: inout Substring) {
    rest.removeFirst()
    while let character = rest.popFirst(), character != "\"" {
      if character == "\\" { rest = rest.dropFirst() }
    }
  }

  private static func matchers(_ rest: inout Substring) -> (labels: [String], text: String) {
    let start = rest.startIndex
    var labels: [String] = []
    var name = ""
    rest.removeFirst()
    while let character = rest.first, character != "}" {
      if character == "\"" {
        skipString(&rest)
        labels.append(name)
        name = ""
        continue
      }
      if isNameStart(character) || (character.isNumber && !name.isEmpty) { name.append(character) }
      rest.removeFirst()
    }
    rest = rest.dropFirst()
    return (labels, String(rest.base[start..<rest.startIndex]))
  }
}
