/// The samples of one Prometheus text exposition (format 0.0.4), to be summed over labels.
package struct MetricSamples: Sendable {
  package struct Sample: Hashable, Sendable {
    package var name: String
    package var labels: [String: String]
    package var value: Double
  }
  package private(set) var samples: [Sample] = []

  /// Lines that are not samples (comments, anything malformed) are left out.
  package init(text: String) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      if let sample = Self.parse(line) { samples.append(sample) }
    }
  }

  /// The sum over all samples of that name whose labels include `labels`; nil when there is none.
  package func sum(_ name: String, where labels: [String: String] = [:]) -> Double? {
    let matching = samples.filter { sample in
      sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
    }
    return matching.isEmpty ? nil : matching.reduce(0) { $0 + $1.value }
  }

  private static func parse(_ line: Substring) -> Sample? {
    var rest = line
    let name = rest.prefix { $0 != "{" && $0 != " " }
    rest = rest.dropFirst(name.count)
    var labels: [String: String] = [:]
    if rest.first == "{" {
      rest = rest.dropFirst()
      while let first = rest.first, first != "}" {
        let key = rest.prefix { $0 != "=" }
        rest = rest.dropFirst(key.count + 1)
        guard rest.first == "\"" else { return nil }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.first, character != "\"" {
          rest = rest.dropFirst()
          if character == "\\", let escaped = rest.first {
            value.append(escaped == "n" ? "\n" : escaped)
            rest = rest.dropFirst()
          } else {
            value.append(character)
          }
        }
        rest = rest.dropFirst()
        if rest.first == "," { rest = rest.dropFirst() }
        labels[String(key.drop { $0 == " " })] = value
      }
      rest = rest.dropFirst()
    }
    guard let text = rest.split(separator: " ").first, let value = Double(text) else { return nil }
    return Sample(name: String(name), labels: labels, value: value)
  }
}
