/// One record header. Names may repeat inside a record; Kafka keeps their order.
package struct Header: Sendable, Hashable {
  package var name: String
  package var value: [UInt8]

  package init(_ name: String, _ value: [UInt8]) {
    self.name = name
    self.value = value
  }

  package init(_ name: String, _ value: String) { self.init(name, Array(value.utf8)) }

  /// The value as text; bytes that are not UTF-8 become U+FFFD.
  package var text: String { String(decoding: value, as: UTF8.self) }
}
