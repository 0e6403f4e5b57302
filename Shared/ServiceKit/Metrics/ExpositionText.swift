/// The Prometheus text exposition format, version 0.0.4.
///
/// Source: prometheus.io/docs/instrumenting/exposition_formats.
struct ExpositionText {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private(set) var text = ""

  mutating func family(_ name: String, _ kind: MetricDescription.Kind, help: String?) {
    if let help {
      text += "# HELP \(name) \(help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))\n"
    }
    text += "# TYPE \(name) \(kind.rawValue)\n"
  }

  mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
    line(name, labels, Self.number(value))
  }

  mutating func sample(_ name: String, _ labels: [(String, String)], integer value: Int64) {
    line(name, labels, "\(value)")
  }

  private mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
    text += name
    if !labels.isEmpty {
      text += "{"
      for (index, label) in labels.enumerated() {
        if index > 0 { text += "," }
        text += "\(label.0)=\"\(Self.escaped(label.1))\""
      }
      text += "}"
    }
    text += " \(value)\n"
  }

  static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int64(exactly: value), abs(whole) < 1 << 53 { return "\(whole)" }
    return "\(value)"
  }

  /// A metric name with the characters Prometheus does not allow replaced by `_`.
  static func metricName(_ name: String) -> String { sanitised(name, allowColon: true) }

  static func labelName(_ name: String) -> String { sanitised(name, allowColon: false) }

  private static func sanitised(_ name: String, allowColon: Bool) -> String {
    var result = String(name.unicodeScalars.map { scalar -> Character in
      let isValid = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      return isValid || scalar == "_" || (allowColon && scalar == ":") ? Character(scalar) : "_"
    })
    if result.first.map(\.isNumber) ?? true { result = "_" + result }
    return result
  }
}
