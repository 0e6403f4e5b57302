import Catalogue
import Values

/// A value that a field of a message may have.
package protocol JSONValue {
  func write(to writer: inout JSONWriter)

  /// The value at the coder's reader.
  static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self
}

extension JSONValue where Self: RawRepresentable<String> {
  package func write(to writer: inout JSONWriter) { writer.string(rawValue) }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    try coder.reader.value(Self.self, field: coder.name)
  }
}

extension String: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }
  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self { try coder.reader.string() }
}

extension Int64: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.integer(self) }
  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self { try coder.reader.integer() }
}

extension Bool: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.bool(self) }
  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self { try coder.reader.bool() }
}

/// As a number, in the fewest digits that give the same value again. Only for finite ones.
extension Double: JSONValue {
  package func write(to writer: inout JSONWriter) {
    var text = description
    text.withUTF8 { writer.raw(UnsafeRawBufferPointer($0).bytes) }
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    try coder.reader.double(field: coder.name)
  }
}

extension ExactDecimal: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    try coder.reader.decimal(field: coder.name)
  }
}

extension Timestamp: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    try coder.reader.timestamp(field: coder.name)
  }
}

extension LocalDateTime: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(self) }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    try coder.reader.dateTime(field: coder.name).0
  }
}

/// `region.country.category.material`
extension RoutingKey: JSONValue {
  package func write(to writer: inout JSONWriter) { writer.string(text) }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    let start = coder.reader.position
    guard let key = RoutingKey(try coder.reader.string()) else {
      throw DecodingFailure(.badValue, at: start, "not region.country.category.material", field: coder.name)
    }
    return key
  }
}

/// Nil is written as `null`: a field that is unknown, as opposed to one that an older producer did not have.
extension Optional: JSONValue where Wrapped: JSONValue {
  package func write(to writer: inout JSONWriter) {
    if let self { self.write(to: &writer) } else { writer.null() }
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    coder.reader.isNull() ? nil : try Wrapped.read(from: &coder)
  }
}

extension Array: JSONValue where Element: JSONValue {
  package func write(to writer: inout JSONWriter) {
    writer.beginArray()
    for element in self { element.write(to: &writer) }
    writer.endArray()
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self { try coder.readList() }
}

/// Counts by name, written in the order of the names, so that equal counts give equal bytes.
extension [String: Int64]: JSONValue {
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    for (name, count) in sorted(by: { $0.key < $1.key }) {
      writer.key(named: name)
      writer.integer(count)
    }
    writer.endObject()
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    var counts: Self = [:]
    var cursor = try coder.reader.beginObject()
    while let name = try coder.reader.nextName(&cursor) { counts[name] = try coder.reader.integer() }
    return counts
  }
}

extension Compression: JSONValue {}
extension FileType: JSONValue {}
extension CommodityCategory: JSONValue {}
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

  /// A key and a text; nil is `null`.
  @inline(__always)
  mutating func text(_ name: StaticString, _ text: RawSpan?) {
    key(name)
    if let text { string(text) } else { null() }
  }
}
