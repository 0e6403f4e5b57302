import Values

/// A value that a field of a message may have.
package protocol JSONValue {
  func write(to writer: inout JSONWriter)
}

extension JSONValue where Self: RawRepresentable<String> {
  package func write(to writer: inout JSONWriter) { writer.string(rawValue) }
}

extension String: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }
}

extension Int64: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.integer(self) }
}

extension Bool: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.bool(self) }
}

extension ExactDecimal: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }
}

extension Timestamp: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }
}

extension LocalDateTime: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }
}

/// Nil is written as `null`: a field that is unknown, as opposed to one that an older producer did not have.
extension Optional: JSONValue where Wrapped: JSONValue {
  package func write(to writer: inout JSONWriter) {
    if let self { self.write(to: &writer) } else { writer.null() }
  }
}

extension Compression: JSONValue {}
extension FileType: JSONValue {}
extension MarketCategory: JSONValue {}
extension SeriesKind: JSONValue {}

extension JSONWriter {
  /// A key and its value.
  /// - Parameter name: needs no escaping.
  @inline(__always)
  package mutating func field(_ name: StaticString, _ value: some JSONValue) {
    key(name)
    value.write(to: &self)
  }

  /// A key and a decimal as a JSON number.
  package mutating func number(_ name: StaticString, _ value: ExactDecimal?) {
    key(name)
    if let value { number(value) } else { null() }
  }

  /// A key and an array of strings.
  package mutating func strings(_ name: StaticString, _ texts: [String]) {
    key(name)
    strings(texts)
  }

  package mutating func counts(_ name: StaticString, _ counts: [String: Int64]) {
    key(name)
    self.counts(counts)
  }

  /// An object of whole numbers, its keys in order, so that equal counts give equal bytes.
  package mutating func counts(_ counts: [String: Int64]) {
    beginObject()
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      key(named: name)
      integer(count)
    }
    endObject()
  }
}
