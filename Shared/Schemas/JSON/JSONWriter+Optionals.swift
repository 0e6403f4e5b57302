extension JSONWriter {
  /// Nil is written as `null`: a field that is unknown, as opposed to one that an older producer did not have.
  package mutating func string(_ value: String?) {
    if let value { string(value) } else { null() }
  }

  package mutating func string(_ value: Timestamp?) {
    if let value { string(value) } else { null() }
  }

  package mutating func string(_ value: ExactDecimal?) {
    if let value { string(value) } else { null() }
  }

  package mutating func string(_ value: (some RawRepresentable<String>)?) {
    if let value { string(value.rawValue) } else { null() }
  }

  package mutating func integer(_ value: Int64?) {
    if let value { integer(value) } else { null() }
  }

  package mutating func bool(_ value: Bool?) {
    if let value { bool(value) } else { null() }
  }
}
