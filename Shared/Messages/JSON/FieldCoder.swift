import Values

/// An object of JSON that declares its fields once, for reading and for writing.
package protocol FieldwiseObject: JSONValue, Sendable {
  /// The value in which no field was read yet: what absent fields mean.
  static var blank: Self { get }
  /// `ObjectFields(blank)`, kept.
  static var fields: ObjectFields { get }

  /// Hands every field to `coder` once, in the order in which the fields are written, whatever their values are.
  /// - Throws: only while reading.
  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure)

  /// Checks the whole object that was read, and fills in what follows from other fields.
  mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure)
}

extension FieldwiseObject {
  package mutating func complete(_ reader: borrowing JSONReader) throws(DecodingFailure) {}

  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeFields(to: &writer)
    writer.endObject()
  }

  /// The fields without the braces around them.
  func writeFields(to writer: inout JSONWriter) {
    var object = self
    withUnsafeMutablePointer(to: &writer) { writer in
      var coder = FieldCoder(writing: writer)
      do { try object.visit(&coder) } catch { preconditionFailure("a visit throws only while reading") }
    }
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    var object = blank
    try coder.read(&object)
    return object
  }
}

/// The names of an object's fields, and a mask of those that it must have.
package struct ObjectFields: Sendable {
  let names: FieldNames
  let required: UInt64
  /// In the order in which they are written.
  package let shapes: [FieldShape]

  package init(_ blank: some FieldwiseObject) {
    var object = blank
    var coder = FieldCoder()
    do { try object.visit(&coder) } catch { preconditionFailure("a visit throws only while reading") }
    names = FieldNames(coder.shapes.map(\.name))
    required = coder.required
    shapes = coder.shapes
  }

  /// All fields.
  var all: UInt64 { names.texts.count == 64 ? .max : (1 << UInt64(names.texts.count)) - 1 }
}

/// What a field may hold, for documents about messages.
package struct FieldShape: Sendable {
  package let name: String
  package let type: any JSONValue.Type
  package let isRequired: Bool
  /// A decimal that is written as a number.
  package let isNumber: Bool
}

/// Stands for an element of a batch, which its decoder reads and its writer writes.
package enum BatchElement: JSONValue {
  package func write(to writer: inout JSONWriter) {}
  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    throw coder.reader.unexpected("an element of a batch is read by its decoder")
  }
}

/// A value that is absent or several of another type.
package protocol WrappingJSONValue: JSONValue {
  static var wrapped: any JSONValue.Type { get }
  static var isList: Bool { get }
}

extension Optional: WrappingJSONValue where Wrapped: JSONValue {
  package static var wrapped: any JSONValue.Type { Wrapped.self }
  package static var isList: Bool { false }
}

extension Array: WrappingJSONValue where Element: JSONValue {
  package static var wrapped: any JSONValue.Type { Element.self }
  package static var isList: Bool { true }
}

/// Visits the fields of an object, to read them, to write them or to learn their names.
///
/// Reading asks for one visit as long as the fields of the message come in the declared order, and for one more where
/// they do not. A field that is absent, or null without being required, keeps its value of `blank`.
package struct FieldCoder: ~Copyable, ~Escapable {
  /// At the value of the field that is read.
  package var reader: JSONReader
  private let isReading: Bool
  private let writer: UnsafeMutablePointer<JSONWriter>?
  fileprivate var shapes: [FieldShape] = []
  fileprivate var required: UInt64 = 0
  private var place = Place()

  /// Where the reader is within an object.
  private struct Place {
    var cursor = ObjectCursor()
    var names: FieldNames?
    /// The index of the field that the message has next; -1 at the object's end.
    var next = -1
    /// The index of the field that is visited.
    var index = 0
    /// The elements of the batch are next, and are read by its decoder.
    var isAtElements = false
    /// Where the elements are, when fields of the header come after them.
    var elements: (position: Int, depth: Int)?
  }

  @_lifetime(copy bytes)
  package init(reading bytes: RawSpan, limits: JSONReader.Limits) throws(DecodingFailure) {
    reader = try JSONReader(bytes, limits: limits)
    isReading = true
    writer = nil
  }

  @_lifetime(immortal)
  fileprivate init(writing writer: UnsafeMutablePointer<JSONWriter>? = nil) {
    reader = JSONReader(read: RawSpan())
    isReading = false
    self.writer = writer
  }

  /// The name of the field that is read.
  package var name: String { place.names?.texts[max(0, place.next)] ?? "" }

  // MARK: Fields

  @inline(__always)
  package mutating func field<Value: JSONValue>(_ name: StaticString, _ value: inout Value) throws(DecodingFailure) {
    if let writer { return writer.pointee.field(name, value) }
    try read(name, &value)
  }

  /// A field without which the message is refused; null is of a wrong type.
  @inline(__always)
  package mutating func required<Value: JSONValue>(_ name: StaticString, _ value: inout Value) throws(DecodingFailure) {
    if let writer { return writer.pointee.field(name, value) }
    try read(name, &value, isRequired: true)
  }

  /// A field that is written only when `isWritten`: one that came later and that most messages do not have.
  package mutating func field<Value: JSONValue>(
    _ name: StaticString, _ value: inout Value, when isWritten: Bool
  ) throws(DecodingFailure) {
    if writer == nil || isWritten { try field(name, &value) }
  }

  /// A decimal that is written as a JSON number.
  package mutating func number(
    _ name: StaticString, _ value: inout ExactDecimal, isRequired: Bool = false
  ) throws(DecodingFailure) {
    if let writer { return writer.pointee.number(name, value) }
    guard try isNext(name, ExactDecimal.self, isRequired: isRequired, isNumber: true) else { return }
    value = try .read(from: &self)
    try advance()
  }

  package mutating func number(
    _ name: StaticString, _ value: inout ExactDecimal?, when isWritten: Bool = true
  ) throws(DecodingFailure) {
    if let writer {
      if isWritten { writer.pointee.number(name, value) }
      return
    }
    guard try isNext(name, ExactDecimal?.self, isNumber: true) else { return }
    value = try .read(from: &self)
    try advance()
  }

  /// A list.
  /// - Throws: `too_many_items` when it has more than `limit` elements.
  package mutating func list<Element: JSONValue>(
    _ name: StaticString, _ elements: inout [Element], isRequired: Bool = false, atMost limit: Int = .max
  ) throws(DecodingFailure) {
    if let writer { return writer.pointee.field(name, elements) }
    guard try isNext(name, [Element].self, isRequired: isRequired) else { return }
    elements = try readList(atMost: limit)
    try advance()
  }

  /// The last field of a batch: a list that its decoder reads, and its writer writes, element by element.
  mutating func elements(_ name: StaticString) throws(DecodingFailure) {
    if let writer {
      writer.pointee.key(name)
      return writer.pointee.beginArray()
    }
    guard try isNext(name, [BatchElement].self, isRequired: true) else { return }
    place.isAtElements = true
  }

  // MARK: Reading

  /// Reads a field if the message has it next. Apart from `field`, of which each use writes with the name at hand.
  @inline(never)
  private mutating func read<Value: JSONValue>(
    _ name: StaticString, _ value: inout Value, isRequired: Bool = false
  ) throws(DecodingFailure) {
    guard try isNext(name, Value.self, isRequired: isRequired) else { return }
    value = try Value.read(from: &self)
    try advance()
  }

  /// Whether the message has this field next.
  private mutating func isNext(
    _ name: StaticString, _ type: @autoclosure () -> any JSONValue.Type, isRequired: Bool = false,
    isNumber: Bool = false
  ) throws(DecodingFailure) -> Bool {
    let index = place.index
    place.index += 1
    guard isReading else {
      shapes.append(FieldShape(name: "\(name)", type: type(), isRequired: isRequired, isNumber: isNumber))
      if isRequired { required |= 1 << UInt64(index) }
      return false
    }
    guard index == place.next else { return false }
    if isRequired || !reader.isNull() { return true }
    try advance()
    return false
  }

  private mutating func advance() throws(DecodingFailure) {
    guard let names = place.names else { return }
    place.next = try reader.nextField(&place.cursor, among: names) ?? -1
  }

  /// Reads one object.
  mutating func read<Object: FieldwiseObject>(_ object: inout Object) throws(DecodingFailure) {
    let outer = place
    try begin(&object)
    try end(&object)
    place = outer
  }

  private mutating func begin<Object: FieldwiseObject>(_ object: inout Object) throws(DecodingFailure) {
    place = Place(cursor: try reader.beginObject(), names: Object.fields.names)
    try advance()
  }

  /// Visits until the object ends, or the elements of a batch are reached.
  private mutating func visitAll<Object: FieldwiseObject>(_ object: inout Object) throws(DecodingFailure) {
    while place.next >= 0, !place.isAtElements {
      place.index = 0
      try object.visit(&self)
    }
  }

  private mutating func end<Object: FieldwiseObject>(_ object: inout Object) throws(DecodingFailure) {
    try visitAll(&object)
    let missing = Object.fields.required & ~place.cursor.seen
    if missing != 0 { throw reader.missingField(Object.fields.names.texts[missing.trailingZeroBitCount]) }
    try object.complete(reader)
  }

  /// Reads a batch up to its elements, which `elements` declares.
  /// - Returns: whether the reader is at the elements and the header is known. Otherwise `endBatch` comes back to them.
  mutating func beginBatch<Header: FieldwiseObject>(_ header: inout Header) throws(DecodingFailure) -> Bool {
    try begin(&header)
    try visitAll(&header)
    guard place.isAtElements else { return false }
    // As in all messages of our own: the elements are read on the way.
    if place.cursor.seen == Header.fields.all { return true }
    place.elements = (reader.position, reader.depth)
    try reader.skipValue()
    return false
  }

  /// Reads a batch from behind its elements to its end.
  /// - Returns: whether the reader is back at the elements: fields of the header came after them.
  mutating func endBatch<Header: FieldwiseObject>(_ header: inout Header) throws(DecodingFailure) -> Bool {
    if place.isAtElements {
      place.isAtElements = false
      try advance()
    }
    try end(&header)
    try reader.finish()
    guard let elements = place.elements else { return false }
    (reader.position, reader.depth) = elements
    return true
  }

  mutating func readList<Element: JSONValue>(atMost limit: Int = .max) throws(DecodingFailure) -> [Element] {
    var elements: [Element] = []
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      let index = array.count - 1
      guard index < limit else {
        throw DecodingFailure(
          .tooManyItems, at: reader.position, "more elements than the list may have", field: name, item: index)
      }
      do { elements.append(try Element.read(from: &self)) } catch {
        var failure = error
        failure.item = index
        throw failure
      }
    }
    return elements
  }
}
