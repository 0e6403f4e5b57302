import Core

/// The fields of one YAML mapping, read strictly: an unknown key is an error, and every error names the file, the line
/// and the field.
package struct YAMLFields: Sendable {
  package let origin: String
  package let line: Int
  /// What the mapping describes, for errors: `schedule`, or `schedule 'hourly'` once its name is known.
  package private(set) var subject: String
  private let values: [String: YAMLValue]

  /// - Parameters:
  ///   - nameKey: the field that names the mapping in errors.
  ///   - defaults: a mapping whose fields apply where `value` has none.
  /// - Throws: a configuration `Failure` when the value is not a mapping or has a key that is not in `known`.
  package init(
    _ value: YAMLValue, of subject: String, known: [String], origin: String, nameKey: String = "name",
    defaults: YAMLValue? = nil
  ) throws(Failure) {
    self.origin = origin
    line = value.line
    var values: [String: YAMLValue] = [:]
    for mapping in [defaults, value].compactMap({ $0 }) {
      guard let entries = mapping.mapping else {
        throw Self.wrong(origin, mapping.line, "a \(subject) is a mapping such as {\(nameKey): ...}")
      }
      for entry in entries {
        guard known.contains(entry.key) else {
          throw Self.wrong(
            origin, entry.line, "a \(subject) has no '\(entry.key)'; it may have \(known.joined(separator: ", "))")
        }
        values[entry.key] = entry.value
      }
    }
    self.values = values
    self.subject = values[nameKey]?.text.map { "\(subject) '\($0)'" } ?? subject
  }

  /// - Returns: nil when the field is absent or `null`.
  package func value(_ name: String) -> YAMLValue? {
    guard let value = values[name], !value.isNull else { return nil }
    return value
  }

  package func text(_ name: String, mayBeEmpty: Bool = false) throws(Failure) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.text else { throw wrong(name, "one value is expected") }
    guard mayBeEmpty || !text.isEmpty else { throw wrong(name, "it is empty") }
    return text
  }

  package func required(_ name: String) throws(Failure) -> String {
    guard let text = try text(name) else { throw wrong("\(name) is missing") }
    return text
  }

  /// The case whose raw value is written.
  package func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, as type: Choice.Type
  ) throws(Failure) -> Choice? where Choice.RawValue == String {
    guard let text = try text(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      throw wrong(name, "'\(text)' is none of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }

  package func flag(_ name: String) throws(Failure) -> Bool? {
    switch try text(name) {
    case nil: nil
    case "true": true
    case "false": false
    default: throw wrong(name, "true or false is expected")
    }
  }

  package func count(_ name: String, in range: ClosedRange<Int>) throws(Failure) -> Int? {
    guard let text = try text(name) else { return nil }
    guard let count = Int(text), range.contains(count) else {
      throw wrong(name, "'\(text)' is no number from \(range.lowerBound) to \(range.upperBound)")
    }
    return count
  }

  package func duration(_ name: String) throws(Failure) -> Duration? {
    guard let text = try text(name) else { return nil }
    guard let setting = DurationSetting(text: text) else {
      throw wrong(name, "'\(text)' is no time such as 90s, 10m or 2h")
    }
    return setting.duration
  }

  /// A list of texts, or one text alone.
  package func texts(_ name: String) throws(Failure) -> [String]? {
    if let text = value(name)?.text { return [text] }
    guard let list = try list(name) else { return nil }
    let texts = list.compactMap(\.text)
    guard texts.count == list.count else { throw wrong(name, "a list is expected") }
    return texts
  }

  package func list(_ name: String) throws(Failure) -> [YAMLValue]? {
    guard let value = value(name) else { return nil }
    guard let list = value.list else { throw wrong(name, "a list is expected") }
    return list
  }

  package func mapping(_ name: String) throws(Failure) -> [YAMLValue.Entry]? {
    guard let value = value(name) else { return nil }
    guard let entries = value.mapping else { throw wrong(name, "a mapping is expected") }
    return entries
  }

  package func wrong(_ name: String, _ what: String) -> Failure {
    Self.wrong(origin, values[name]?.line ?? line, "\(subject): \(name): \(what)")
  }

  package func wrong(_ what: String) -> Failure { Self.wrong(origin, line, "\(subject): \(what)") }

  package static func wrong(_ origin: String, _ line: Int, _ what: String) -> Failure {
    Failure(.configuration, code: "bad_catalogue", "\(origin), line \(line): \(what)")
  }
}
