import Core
import Messages
import Values

/// Converts JSON records to points of line protocol by a mapping. It builds no intermediate values: texts and numbers
/// go from the record's bytes into the line.
package struct PointEncoder: Sendable {
  /// Why a record gives no point.
  package enum Refusal: Error, Hashable {
    case undecodable(DecodingFailure)
    /// A field of the mapping holds a value of another type.
    case badField(String, PointMapping.FieldType)
    /// A tag of the mapping holds an object or an array.
    case badTag(String)
    /// No field of the mapping has a value.
    case noFields
    case noTime
  }

  private enum Role: Hashable, Sendable {
    case tag(Int)
    case field(Int)
    case fieldName(Int)
    case time(Int)
  }

  /// The position of a value in the record.
  private enum Place: Hashable, Sendable {
    case absent
    case text(JSONReader.Slice)
    case number(Range<Int>)
    case boolean(Bool)
    /// An object or an array; neither fields nor tags can hold one.
    case structure
  }

  private let mapping: PointMapping
  private let names: FieldNames
  /// The roles of each of `names`.
  private let roles: [[Role]]
  private let head: [UInt8]
  /// `,key=` of each tag, and `key=` of each field with a fixed key.
  private let tagKeys: [[UInt8]]
  private let fieldKeys: [[UInt8]?]
  private let zone: ZoneTable
  private let limits: JSONReader.Limits

  private var tags: [Place]
  private var fields: [Place]
  private var fieldNames: [Place]
  private var times: [Int64?]

  /// - Parameter zone: the time zone of times without an offset.
  /// - Throws: `Failure(.configuration)` for a mapping without fields or times, or with too many.
  package init(
    _ mapping: PointMapping, zone: ZoneTable, limits: JSONReader.Limits = JSONReader.Limits()
  ) throws(Failure) {
    var roles: [String: [Role]] = [:]
    var order: [String] = []
    func need(_ name: String, _ role: Role) {
      if roles[name] == nil { order.append(name) }
      roles[name, default: []].append(role)
    }
    for (index, tag) in mapping.tags.enumerated() { need(tag.source, .tag(index)) }
    for (index, field) in mapping.fields.enumerated() {
      need(field.source, .field(index))
      if case .named(let name) = field.key { need(name, .fieldName(index)) }
    }
    for (index, name) in mapping.times.enumerated() { need(name, .time(index)) }
    guard !mapping.fields.isEmpty, !mapping.times.isEmpty, !mapping.measurement.isEmpty else {
      throw Failure(.configuration, code: "invalid_mapping", "a mapping needs a measurement, a field and a time")
    }
    guard order.count <= 64, order.allSatisfy({ (1...23).contains($0.utf8.count) }) else {
      throw Failure(
        .configuration, code: "invalid_mapping", "a mapping uses at most 64 fields, with names of 1 to 23 bytes")
    }
    self.mapping = mapping
    self.zone = zone
    self.limits = limits
    names = FieldNames(order)
    self.roles = order.map { roles[$0] ?? [] }
    head = Self.escaped(mapping.measurement)
    tagKeys = mapping.tags.map { [UInt8(ascii: ",")] + Self.escaped($0.key) + [UInt8(ascii: "=")] }
    fieldKeys = mapping.fields.map { field in
      if case .fixed(let key) = field.key { Self.escaped(key) + [UInt8(ascii: "=")] } else { nil }
    }
    tags = Array(repeating: .absent, count: mapping.tags.count)
    fields = Array(repeating: .absent, count: mapping.fields.count)
    fieldNames = fields
    times = Array(repeating: nil, count: mapping.times.count)
  }

  private static func escaped(_ text: String) -> [UInt8] {
    var buffer = LineBuffer()
    let bytes = Array(text.utf8)
    buffer.appendKey(bytes.span.bytes)
    return buffer.bytes
  }

  /// Appends the record's point and a line feed.
  ///
  /// On a throw the buffer is as it was.
  mutating func append(_ record: RawSpan, to line: inout LineBuffer) throws(Refusal) {
    let start = line.count
    do {
      try locate(record)
      try write(record, to: &line)
    } catch {
      line.rewind(to: start)
      throw error
    }
  }

  // MARK: Locating values

  private mutating func locate(_ record: RawSpan) throws(Refusal) {
    for index in tags.indices { tags[index] = .absent }
    for index in fields.indices {
      fields[index] = .absent
      fieldNames[index] = .absent
    }
    for index in times.indices { times[index] = nil }
    do {
      var reader = try JSONReader(record, limits: limits)
      var cursor = try reader.beginObject()
      while let index = try reader.nextField(&cursor, among: names) {
        if roles[index].contains(where: { if case .time = $0 { true } else { false } }) {
          let time = try time(&reader, field: names.texts[index])
          for case .time(let place) in roles[index] { times[place] = time }
          continue
        }
        let place = try Self.place(&reader)
        for role in roles[index] {
          switch role {
          case .tag(let position): tags[position] = place
          case .field(let position): fields[position] = place
          case .fieldName(let position): fieldNames[position] = place
          case .time: break
          }
        }
      }
      try reader.finish()
    } catch {
      throw .undecodable(error)
    }
  }

  /// Reads a value and returns its position.
  private static func place(_ reader: inout JSONReader) throws(DecodingFailure) -> Place {
    switch reader.kind {
    case .string:
      return .text(try reader.slice())
    case .number:
      let start = reader.offset
      try reader.skipValue()
      return .number(start..<reader.offset)
    case .boolean: return .boolean(try reader.bool())
    case .other:
      if reader.isNull() { return .absent }
      try reader.skipValue()
      return .structure
    }
  }

  /// Microseconds since 1970, UTC: from text with or without an offset.
  private func time(_ reader: inout JSONReader, field: String) throws(DecodingFailure) -> Int64? {
    if reader.isNull() { return nil }
    let (local, zoned) = try reader.dateTime(field: field)
    if let zoned { return zoned.microseconds }
    let civil = local.civil
    let instant = zone.instant(
      year: civil.year, month: civil.month, day: civil.day, hour: civil.hour, minute: civil.minute,
      second: civil.second)
    return instant.epochSeconds * 1_000_000 + Int64(civil.microsecond)
  }

  // MARK: The line

  private func write(_ record: RawSpan, to line: inout LineBuffer) throws(Refusal) {
    line.append(head)
    for (index, place) in tags.enumerated() {
      let before = line.count
      line.append(tagKeys[index])
      let start = line.count
      switch place {
      case .text(let text): JSONReader.withResolved(text, of: record) { line.appendKey($0) }
      case .number(let digits): line.append(record.extracting(digits))
      case .boolean(let value): line.append(Array((value ? "true" : "false").utf8))
      case .absent: break
      case .structure: throw .badTag(mapping.tags[index].source)
      }
      // A tag cannot be empty.
      if line.count == start { line.rewind(to: before) }
    }
    var separator = UInt8(ascii: " ")
    for index in fields.indices where fields[index] != .absent {
      let before = line.count
      line.append(separator)
      if let key = fieldKeys[index] {
        line.append(key)
      } else {
        guard case .text(let name) = fieldNames[index], name.count > 0 else {
          line.rewind(to: before)
          continue
        }
        JSONReader.withResolved(name, of: record) { line.appendKey($0) }
        line.append(UInt8(ascii: "="))
      }
      guard Self.write(fields[index], as: mapping.fields[index].type, of: record, to: &line) else {
        throw .badField(mapping.fields[index].source, mapping.fields[index].type)
      }
      separator = UInt8(ascii: ",")
    }
    guard separator == UInt8(ascii: ",") else { throw .noFields }
    guard let time = times.lazy.compactMap({ $0 }).first else { throw .noTime }
    line.append(UInt8(ascii: " "))
    line.append(time)
    line.append(UInt8(ascii: "\n"))
  }

  /// - Returns: false when the value does not fit the type.
  private static func write(
    _ place: Place, as type: PointMapping.FieldType, of record: RawSpan, to line: inout LineBuffer
  ) -> Bool {
    switch (place, type) {
    case (.number(let range), .float):
      let digits = record.extracting(range)
      // As written, unless it is longer than any number in the range of a float needs.
      guard range.count > 300 || NumberText.hasExponent(digits) else {
        line.append(digits)
        return true
      }
      return NumberText.appendFloat(digits, to: &line)
    case (.text(let text), .float):
      var fits = false
      JSONReader.withResolved(text, of: record) { fits = NumberText.appendFloat($0, to: &line) }
      return fits
    case (.number(let digits), .integer): return NumberText.appendInteger(record.extracting(digits), to: &line)
    case (.text(let text), .integer):
      var fits = false
      JSONReader.withResolved(text, of: record) { fits = NumberText.appendInteger($0, to: &line) }
      return fits
    case (.text(let text), .string): JSONReader.withResolved(text, of: record) { line.appendString($0) }
    case (.number(let digits), .string): line.appendString(record.extracting(digits))
    case (.boolean(let value), .string):
      line.append(Array((value ? "\"true\"" : "\"false\"").utf8))
    case (.boolean(let value), .boolean):
      line.append(Array((value ? "true" : "false").utf8))
    default: return false
    }
    return true
  }
}
