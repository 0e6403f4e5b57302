import Runtime

/// One mapping of the catalogue, read strictly: a key that nobody knows is an error, and every error says where.
package struct CatalogueFields: Sendable {
  package let origin: String
  package let line: Int
  /// What the mapping is, for errors: `schedule`, later with its name.
  package private(set) var subject: String
  private let values: [String: CatalogueValue]

  /// - Throws: a configuration `Failure` when the value is no mapping, or has a key that is not `known`.
  package init(
    _ value: CatalogueValue, of subject: String, known: [String], origin: String
  ) throws(Failure) {
    self.origin = origin
    self.subject = subject
    line = value.line
    guard let entries = value.mapping else {
      throw Self.wrong(origin, value.line, "a \(subject) is a mapping such as {name: ...}")
    }
    var values: [String: CatalogueValue] = [:]
    for entry in entries {
      guard known.contains(entry.key) else {
        throw Self.wrong(
          origin, entry.line, "a \(subject) has no '\(entry.key)'; it may have \(known.joined(separator: ", "))")
      }
      values[entry.key] = entry.value
    }
    self.values = values
    if let name = values["name"]?.text { self.subject = "\(subject) '\(name)'" }
  }

  /// Nil when it is absent or `null`.
  package func value(_ name: String) -> CatalogueValue? {
    guard let value = values[name], !value.isNull else { return nil }
    return value
  }

  package func text(_ name: String) throws(Failure) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.text else { throw wrong(name, "one value is expected") }
    guard !text.isEmpty else { throw wrong(name, "it is empty") }
    return text
  }

  package func required(_ name: String) throws(Failure) -> String {
    guard let text = try text(name) else { throw wrong("\(name) is missing") }
    return text
  }

  /// The value as one of the cases' texts.
  package func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, as type: Choice.Type
  ) throws(Failure) -> Choice? where Choice.RawValue == String {
    guard let text = try text(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw wrong(name, "'\(text)' is none of \(known)")
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

  package func unit(_ name: String) throws(Failure) -> PhysicalUnit? {
    guard let text = try text(name) else { return nil }
    guard let unit = PhysicalUnit(text) else {
      throw wrong(name, "'\(text)' is none of \(PhysicalUnit.symbols.joined(separator: ", "))")
    }
    return unit
  }

  /// A list of texts, or one text alone.
  package func texts(_ name: String) throws(Failure) -> [String]? {
    guard let value = value(name) else { return nil }
    if let text = value.text { return [text] }
    let texts = value.list?.compactMap(\.text) ?? []
    guard let list = value.list, texts.count == list.count else { throw wrong(name, "a list is expected") }
    return texts
  }

  package func wrong(_ name: String, _ what: String) -> Failure {
    Self.wrong(origin, values[name]?.line ?? line, "\(subject): \(name): \(what)")
  }

  package func wrong(_ what: String) -> Failure { Self.wrong(origin, line, "\(subject): \(what)") }

  package static func wrong(_ origin: String, _ line: Int, _ what: String) -> Failure {
    Failure(.configuration, code: "bad_catalogue", "\(origin), line \(line): \(what)")
  }
}
