import Testing

/// A reader of the Prometheus text format written from its specification, for tests only: strict where
/// Prometheus is.
struct ParsedExposition {
  struct Sample {
    var name: String
    var labels: [String: String]
    var value: Double
  }
  struct Malformed: Error { var line: String }

  private(set) var types: [String: String] = [:]
  private(set) var helps: [String: String] = [:]
  private(set) var samples: [Sample] = []

  init(_ text: String) throws {
    guard text.isEmpty || text.hasSuffix("\n") else { throw Malformed(line: "no newline at the end") }
    for line in text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init) {
      if line.hasPrefix("# HELP ") {
        let words = line.dropFirst(7).split(separator: " ", maxSplits: 1)
        guard words.count == 2, helps[String(words[0])] == nil else { throw Malformed(line: line) }
        helps[String(words[0])] = try Self.unescaped(words[1])
      } else if line.hasPrefix("# TYPE ") {
        let words = line.dropFirst(7).split(separator: " ")
        // A second TYPE of the same name, or one after its samples, is an error.
        guard words.count == 2, types[String(words[0])] == nil, !samples.contains(where: { $0.name == words[0] })
        else { throw Malformed(line: line) }
        types[String(words[0])] = String(words[1])
      } else {
        let sample = try Self.sample(line)
        guard !samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) else {
          throw Malformed(line: line)
        }
        samples.append(sample)
      }
    }
  }

  func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    samples.first { $0.name == name && $0.labels == labels }?.value
  }

  /// Help texts have two escapes: for the backslash and the line feed.
  private static func unescaped(_ text: Substring) throws -> String {
    var rest = text
    var result = ""
    while let character = rest.popFirst() {
      guard character == "\\" else { result.append(character); continue }
      switch rest.popFirst() {
      case "n": result.append("\n")
      case "\\": result.append("\\")
      default: throw Malformed(line: String(text))
      }
    }
    return result
  }

  private static func sample(_ line: String) throws -> Sample {
    var rest = Substring(line)
    let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
    guard let first = name.first, !first.isNumber else { throw Malformed(line: line) }
    rest = rest.dropFirst(name.count)
    var labels: [String: String] = [:]
    if rest.first == "{" {
      rest.removeFirst()
      while rest.first != "}" {
        let label = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        rest = rest.dropFirst(label.count)
        guard let first = label.first, !first.isNumber, rest.hasPrefix("=\"") else { throw Malformed(line: line) }
        rest = rest.dropFirst(2)
        var value = ""
        while let character = rest.popFirst(), character != "\"" {
          guard character == "\\" else { value.append(character); continue }
          switch rest.popFirst() {
          case "n": value.append("\n")
          case "\\": value.append("\\")
          case "\"": value.append("\"")
          default: throw Malformed(line: line)
          }
        }
        guard labels.updateValue(value, forKey: String(label)) == nil else { throw Malformed(line: line) }
        if rest.first == "," { rest.removeFirst() } else if rest.first != "}" { throw Malformed(line: line) }
      }
      rest.removeFirst()
    }
    guard rest.popFirst() == " " else { throw Malformed(line: line) }
    let number: Double? = switch rest {
    case "+Inf": .infinity
    case "-Inf": -.infinity
    case "NaN": .nan
    default: Double(rest)
    }
    guard let number else { throw Malformed(line: line) }
    return Sample(name: String(name), labels: labels, value: number)
  }
}
