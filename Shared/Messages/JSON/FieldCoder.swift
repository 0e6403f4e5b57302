import Values

/// An object of JSON that declares its fields once, for reading and for writing.
package protocol FieldwiseObject: DescribedObject, Sendable {
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
  package static var shapes: [FieldShape] { fields.shapes }

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
  /// What it says, without the unit.
  package let doc: String
  /// nil where the number has none, and for texts.
  package let unit: String?

  /// - Parameter doc: ends with the unit in brackets where there is one.
  init(_ name: String, _ type: any JSONValue.Type, _ doc: StaticString, isRequired: Bool, isNumber: Bool = false) {
    (self.name, self.type, self.isRequired, self.isNumber) = (name, type, isRequired, isNumber)
    let text = "\(doc)"
    let start = text.hasSuffix("]") ? text.lastIndex(of: "[") : nil
    unit = start.map { String(text[text.index(after: $0)...].dropLast()) }
    self.doc = start.map { String(text[..<$0].dropLast()) } ?? text
  }
}

/// A field of an object that is read and written by hand, and described beside the list of its names.
protocol DescribedField: RawRepresentable<String>, CaseIterable, Sendable {
  /// Its type, and what it says, with the unit in brackets at the end.
  var described: (type: any JSONValue.Type, doc: StaticString) { get }
}

extension FieldTable where Field: DescribedField {
  /// - Parameters:
  ///   - required: the mask of those that every object has.
  ///   - decimalsAreNumbers: decimals are written as numbers, not as texts.
  func shapes(required: UInt64, decimalsAreNumbers: Bool = false) -> [FieldShape] {
    fields.enumerated().map { index, field in
      let (type, doc) = field.described
      return FieldShape(
        field.rawValue, type, doc, isRequired: required & 1 << UInt64(index) != 0,
        isNumber: decimalsAreNumbers && (type is ExactDecimal.Type || type is ExactDecimal?.Type))
    }
  }
}

/// A value that is an object with described fields.
package protocol DescribedObject: JSONValue {
  static var shapes: [FieldShape] { get }
}

/// An element of a batch, which its decoder reads and its writer writes: stands for its fields.
package protocol BatchElement: DescribedObject {}

extension BatchElement {
  package func write(to writer: inout JSONWriter) {}
  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    throw coder.reader.unexpected("an element of a batch is read by its decoder")
  }
}

/// What a value is made of, where that is not its own.
package enum JSONWrapping: Sendable {
  /// Such a value or null.
  case optional(any JSONValue.Type)
  case list(any JSONValue.Type)
  /// An object with any names, each with such a value.
  case map(any JSONValue.Type)
}

package protocol WrappingJSONValue: JSONValue {
  static var wrapping: JSONWrapping { get }
}

extension Optional: WrappingJSONValue where Wrapped: JSONValue {
  package static var wrapping: JSONWrapping { .optional(Wrapped.self) }
}

extension Array: WrappingJSONValue where Element: JSONValue {
  package static var wrapping: JSONWrapping { .list(Element.self) }
}

extension [String: Int64]: WrappingJSONValue {
  package static var wrapping: JSONWrapping { .map(Int64.self) }
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
  package mutating func field<Value: JSONValue>(
    _ name: StaticString, _ value: inout Value, _ doc: StaticString = ""
  ) throws(DecodingFailure) {
    if let writer { return writer.pointee.field(name, value) }
    guard isReading else { return describe(name, Value.self, doc) }
    try read(&value)
  }

  /// A field without which the message is refused; null is of a wrong type.
  @inline(__always)
  package mutating func required<Value: JSONValue>(
    _ name: StaticString, _ value: inout Value, _ doc: StaticString = ""
  ) throws(DecodingFailure) {
    if let writer { return writer.pointee.field(name, value) }
    guard isReading else { return describe(name, Value.self, doc, isRequired: true) }
    try read(&value, isRequired: true)
  }

  /// A field that is written only when `isWritten`: one that came later and that most messages do not have.
  package mutating func field<Value: JSONValue>(
    _ name: StaticString, _ value: inout Value, _ doc: StaticString = "", when isWritten: Bool
  ) throws(DecodingFailure) {
    if writer == nil || isWritten { try field(name, &value, doc) }
  }

  /// A decimal that is written as a JSON number.
  package mutating func number(
    _ name: StaticString, _ value: inout ExactDecimal, _ doc: StaticString = "", isRequired: Bool = false
  ) throws(DecodingFailure) {
    if let writer { return writer.pointee.number(name, value) }
    guard isReading else { return describe(name, ExactDecimal.self, doc, isRequired: isRequired, isNumber: true) }
    guard try isNext(isRequired: isRequired) else { return }
    value = try .read(from: &self)
    try advance()
  }

  package mutating func number(
    _ name: StaticString, _ value: inout ExactDecimal?, _ doc: StaticString = "", when isWritten: Bool = true
  ) throws(DecodingFailure) {
    if let writer {
      if isWritten { writer.pointee.number(name, value) }
      return
    }
    guard isReading else { return describe(name, ExactDecimal?.self, doc, isNumber: true) }
    guard try isNext() else { return }
    value = try .read(from: &self)
    try advance()
  }

  /// A list.
  /// - Throws: `too_many_items` when it has more than `limit` elements.
  package mutating func list<Element: JSONValue>(
    _ name: StaticString, _ elements: inout [Element], _ doc: StaticString = "", isRequired: Bool = false,
    atMost limit: Int = .max
  ) throws(DecodingFailure) {
    if let writer { return writer.pointee.field(name, elements) }
    guard isReading else { return describe(name, [Element].self, doc, isRequired: isRequired) }
    guard try isNext(isRequired: isRequired) else { return }
    elements = try readList(atMost: limit)
    try advance()
  }

  /// The last field of a batch: a list that its decoder reads, and its writer writes, element by element.
  mutating func elements<Element: BatchElement>(
    _ name: StaticString, _ doc: StaticString, of _: Element.Type
  ) throws(DecodingFailure) {
    if let writer {
      writer.pointee.key(name)
      return writer.pointee.beginArray()
    }
    guard isReading else { return describe(name, [Element].self, doc, isRequired: true) }
    guard try isNext(isRequired: true) else { return }
    place.isAtElements = true
  }

  @inline(never)
  private mutating func describe(
    _ name: StaticString, _ type: any JSONValue.Type, _ doc: StaticString, isRequired: Bool = false,
    isNumber: Bool = false
  ) {
    if isRequired { required |= 1 << UInt64(shapes.count) }
    shapes.append(FieldShape("\(name)", type, doc, isRequired: isRequired, isNumber: isNumber))
  }

  // MARK: Reading

  /// Reads a field if the message has it next. Apart from `field`, which is inlined at each use.
  @inline(never)
  private mutating func read<Value: JSONValue>(
    _ value: inout Value, isRequired: Bool = false
  ) throws(DecodingFailure) {
    guard try isNext(isRequired: isRequired) else { return }
    value = try Value.read(from: &self)
    try advance()
  }

  /// Whether the message has this field next.
  private mutating func isNext(isRequired: Bool = false) throws(DecodingFailure) -> Bool {
    let index = place.index
    place.index += 1
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
