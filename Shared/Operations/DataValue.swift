import Foundation
import Messages
import ServiceKit

/// What a command or a page answers with, before it is printed as a table, as JSON or as YAML.
package indirect enum DataValue: Hashable, Sendable {
  package struct Field: Hashable, Sendable {
    package var name: String
    package var value: DataValue

    package init(_ name: String, _ value: DataValue) { (self.name, self.value) = (name, value) }
  }

  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  /// A number as it was written, so that no digit of it is lost.
  case literal(String)
  case text(String)
  case list([DataValue])
  case object([Field])

  package init(_ text: String?) { self = text.map { .text($0) } ?? .null }
  package init(_ count: Int?) { self = count.map { .integer(Int64($0)) } ?? .null }
  package init(_ count: Int64?) { self = count.map { .integer($0) } ?? .null }
  /// In seconds, to the millisecond.
  package init(seconds duration: Duration?) {
    self = duration.map { .number(($0 / .milliseconds(1)).rounded() / 1_000) } ?? .null
  }

  /// - Parameter json: any JSON; fields keep no order of their own, so they are sorted by name.
  package init(json: Any) {
    switch json {
    case is NSNull: self = .null
    case let text as String: self = .text(text)
    case let list as [Any]: self = .list(list.map { DataValue(json: $0) })
    case let object as [String: Any]:
      self = .object(object.sorted { $0.key < $1.key }.map { Field($0.key, DataValue(json: $0.value)) })
    case let number as NSNumber:
      switch String(cString: number.objCType) {
      case "c", "B": self = .bool(number.boolValue)
      case "d", "f": self = .number(number.doubleValue)
      default: self = .integer(number.int64Value)
      }
    default: self = .text("\(json)")
    }
  }

  package subscript(name: String) -> DataValue? {
    guard case .object(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }

  // MARK: - JSON

  /// On one line.
  package var json: String { written(indent: nil) }
  /// Over several lines, indented by two spaces.
  package var prettyJSON: String { written(indent: 0) }

  private func written(indent: Int?) -> String {
    func block(_ open: String, _ close: String, _ parts: [(Int?) -> String]) -> String {
      if parts.isEmpty { return open + close }
      guard let indent else { return open + parts.map { $0(nil) }.joined(separator: ",") + close }
      let inner = String(repeating: " ", count: indent + 2)
      return "\(open)\n" + parts.map { inner + $0(indent + 2) }.joined(separator: ",\n")
        + "\n\(String(repeating: " ", count: indent))\(close)"
    }
    switch self {
    case .null: return "null"
    case .bool(let bool): return "\(bool)"
    case .integer(let number): return "\(number)"
    case .number(let number): return Self.digits(number)
    case .literal(let digits): return digits
    case .text(let text): return Self.quoted(text)
    case .list(let elements):
      return block("[", "]", elements.map { element in { element.written(indent: $0) } })
    case .object(let fields):
      return block("{", "}", fields.map { field in
        { Self.quoted(field.name) + ($0 == nil ? ":" : ": ") + field.value.written(indent: $0) }
      })
    }
  }

  /// JSON has no infinity.
  private static func digits(_ number: Double) -> String {
    guard number.isFinite else { return "null" }
    return number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
  }

  private static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.array(), as: UTF8.self)
  }

  // MARK: - YAML

  /// A document in block style, without `---` and without a line end behind it.
  package var yaml: String { yamlLines.joined(separator: "\n") }

  private var yamlLines: [String] {
    switch self {
    case .list(let elements) where !elements.isEmpty:
      return elements.flatMap { element in
        let lines = element.yamlLines
        return ["- \(lines[0])"] + lines.dropFirst().map { "  \($0)" }
      }
    case .object(let fields) where !fields.isEmpty:
      return fields.flatMap { field in
        let key = yamlScalar(field.name)
        let lines = field.value.yamlLines
        guard field.value.isBlock else { return ["\(key): \(lines[0])"] }
        return ["\(key):"] + lines.map { "  \($0)" }
      }
    case .text(let text): return [Self.yamlText(text)]
    case .list: return ["[]"]
    case .object: return ["{}"]
    case .null, .bool, .integer, .number, .literal: return [json]
    }
  }

  private var isBlock: Bool {
    switch self {
    case .list(let elements): !elements.isEmpty
    case .object(let fields): !fields.isEmpty
    default: false
    }
  }

  /// Quoted where YAML would read something else: a number, a date, a truth.
  private static func yamlText(_ text: String) -> String {
    let bare = yamlScalar(text)
    guard bare == text else { return yamlQuoted(bare) }
    let looksTyped = ["true", "false", "on", "off", "yes", "no", "y", "n", "null", "~"].contains(text.lowercased())
      || text.unicodeScalars.first.map { "0123456789.+".unicodeScalars.contains($0) } ?? true
    return looksTyped ? quoted(text) : text
  }

  /// In quotes, with characters escaped that YAML does not allow and JSON does.
  private static func yamlQuoted(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      let isControl = (0x7f...0x9f).contains(scalar.value) || scalar.value == 0xfeff
      escaped += isControl ? "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst() : String(scalar)
    }
    return escaped
  }
}

/// `2d 4h`, `3h 12m`, `5m 20s`, `12s`, `0.4s`: two units at most, for people.
package func short(_ duration: Duration) -> String {
  let seconds = duration / .seconds(1)
  if seconds < 10 { return seconds < 0.05 ? "0s" : "\((seconds * 10).rounded() / 10)s".replacing(".0s", with: "s") }
  let whole = Int(seconds.rounded())
  let units = [("d", whole / 86_400), ("h", whole / 3_600 % 24), ("m", whole / 60 % 60), ("s", whole % 60)]
  guard let first = units.firstIndex(where: { $0.1 > 0 }) else { return "0s" }
  return units[first...].prefix(2).filter { $0.1 > 0 }.map { "\($0.1)\($0.0)" }.joined(separator: " ")
}

/// `1 dead letter`, `1,204 dead letters`.
package func counted(_ count: Int, _ noun: String) -> String { "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")" }
