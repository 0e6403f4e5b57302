import ArgumentParser
import Kafka

/// Which letters of a topic are meant.
package struct LetterFilter: ParsableArguments {
  @Option(name: .customLong("code"), parsing: .singleValue, help: "Only this error code (repeatable).")
  package var codes: [String] = []

  @Option(help: "Only letters of this service.")
  package var service: String?

  @Option(help: "Only this key.")
  package var key: String?

  @Option(help: ArgumentHelp("Only letters since then: 2h (so long ago) or an RFC 3339 time.", valueName: "time"))
  package var since: Moment?

  @Option(help: ArgumentHelp("Only letters before then.", valueName: "time"))
  package var until: Moment?

  @Option(
    name: .customLong("where"), parsing: .singleValue,
    help: ArgumentHelp("Only letters whose value has this, such as chain=shufersal (repeatable).",
                       valueName: "field=value"))
  package var conditions: [Condition] = []

  package init() {}

  package var isEmpty: Bool {
    codes.isEmpty && service == nil && key == nil && since == nil && until == nil && conditions.isEmpty
  }

  package func matches(_ letter: Letter) -> Bool {
    if !codes.isEmpty, !codes.contains(letter.code) { return false }
    if let service, letter.service != service { return false }
    if let key, letter.key != key { return false }
    if let since, letter.time ?? .min < since.milliseconds { return false }
    if let until, letter.time ?? .max >= until.milliseconds { return false }
    if conditions.isEmpty { return true }
    guard let value = letter.record.value.flatMap({ DataValue(parsing: $0) }) else { return false }
    return conditions.allSatisfy { $0.matches(value) }
  }

  /// For the audit record.
  package var text: String {
    var parts = codes.map { "code \($0)" }
    if let service { parts.append("service \(service)") }
    if let key { parts.append("key \(key)") }
    if since != nil || until != nil { parts.append("by time") }
    if !conditions.isEmpty { parts.append("by \(conditions.count) conditions") }
    return parts.isEmpty ? "all" : parts.joined(separator: ", ")
  }
}
