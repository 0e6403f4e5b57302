import Core
import Messages
import Values

/// Where a provider's JSON holds the bars.
package struct JSONMapping: Hashable, Sendable {
  package enum Shape: String, CaseIterable, Sendable {
    /// `[{"t":…,"o":…},…]`
    case objects
    /// `[[…,…],…]`, fields by their place from 0.
    case arrays
    /// `{"t":[…],"o":[…],…}`
    case columns
  }

  package var shape: Shape
  /// The way from the outermost object to the bars.
  package var rows: [String]
  /// Names (or places) of time, open, high, low, close, volume.
  package var fields: [String]

  package static let roles = ["time", "open", "high", "low", "close", "volume"]

  /// - Parameters:
  ///   - rows: names joined by points; empty when the bars are the outermost value.
  ///   - fields: `time=t,open=o,…`; what is not named is called as its role.
  /// - Throws: `Failure(.configuration)`.
  package init(shape: Shape, rows: String, fields: String) throws(Failure) {
    self.shape = shape
    self.rows = rows.isEmpty ? [] : rows.split(separator: ".").map(String.init)
    var names = shape == .arrays ? (0..<Self.roles.count).map(String.init) : Self.roles
    for pair in fields.split(separator: ",") {
      let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard sides.count == 2, let role = Self.roles.firstIndex(of: sides[0]) else {
        throw Failure(
          .configuration, code: "bad_mapping",
          "--json-fields: '\(pair)' is not one of \(Self.roles.joined(separator: ", ")) and a name, such as close=c")
      }
      names[role] = sides[1]
    }
    guard Set(names).count == names.count, shape != .arrays || names.allSatisfy({ Int($0).map { $0 >= 0 } == true })
    else {
      throw Failure(
        .configuration, code: "bad_mapping",
        shape == .arrays ? "--json-fields: fields of arrays are places from 0" : "--json-fields names one field twice")
    }
    self.fields = names
  }

  /// Bars of an answer; a row that cannot be read is lost alone.
  package struct Reading: Hashable, Sendable {
    package var bars: [SourceBar]
    package var lost = Losses()

    package init(bars: [SourceBar] = []) { self.bars = bars }
  }

  /// - Throws: `SourceError(.unreadable)` for what is no JSON of the shape, or when no row can be read.
  package func bars(_ bytes: [UInt8]) throws(SourceError) -> Reading {
    let reading: Reading
    do { reading = try read(bytes.span.bytes) } catch {
      throw SourceError(.unreadable, "the answer is not JSON of the shape that was promised: \(error)")
    }
    if reading.bars.isEmpty, reading.lost.count > 0 {
      throw SourceError(.unreadable, "no row of the answer can be read: \(reading.lost)")
    }
    return reading
  }

  private func read(_ bytes: RawSpan) throws(DecodingFailure) -> Reading {
    var reader = try JSONReader(bytes, limits: .init(maxBytes: 64 << 20, maxDepth: 32))
    var reading = Reading()
    try descend(&reader, rows[...], &reading)
    try reader.finish()
    return reading
  }

  private func descend(
    _ reader: inout JSONReader, _ path: ArraySlice<String>, _ reading: inout Reading
  ) throws(DecodingFailure) {
    guard let name = path.first else {
      if reader.isNull() { return }
      switch shape {
      case .objects: return try readObjects(&reader, &reading)
      case .arrays: return try readArrays(&reader, &reading)
      case .columns: return try readColumns(&reader, &reading)
      }
    }
    let names = FieldNames([name])
    var found = false
    var cursor = try reader.beginObject()
    while try reader.nextField(&cursor, among: names) != nil {
      found = true
      try descend(&reader, path.dropFirst(), &reading)
    }
    if !found { throw reader.missingField(name) }
  }

  private func readObjects(_ reader: inout JSONReader, _ reading: inout Reading) throws(DecodingFailure) {
    let names = FieldNames(fields)
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      guard reader.startsObject else {
        try reader.skipValue()
        reading.lost.add("row \(array.count) is no object")
        continue
      }
      var row = Row()
      var cursor = try reader.beginObject()
      while let role = try reader.nextField(&cursor, among: names) { try row.read(role, &reader) }
      reading.take(row, array.count)
    }
  }

  private func readArrays(_ reader: inout JSONReader, _ reading: inout Reading) throws(DecodingFailure) {
    let places = fields.map { Int($0) ?? -1 }
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      guard reader.startsArray else {
        try reader.skipValue()
        reading.lost.add("row \(array.count) is no array")
        continue
      }
      var row = Row()
      var cells = try reader.beginArray()
      var place = 0
      while try reader.nextElement(&cells) {
        if let role = places.firstIndex(of: place) { try row.read(role, &reader) } else { try reader.skipValue() }
        place += 1
      }
      reading.take(row, array.count)
    }
  }

  private func readColumns(_ reader: inout JSONReader, _ reading: inout Reading) throws(DecodingFailure) {
    let names = FieldNames(fields)
    var rows: [Row] = []
    var cursor = try reader.beginObject()
    while let role = try reader.nextField(&cursor, among: names) {
      if reader.isNull() { continue }
      var array = try reader.beginArray()
      var index = 0
      while try reader.nextElement(&array) {
        if index == rows.count { rows.append(Row()) }
        try rows[index].read(role, &reader)
        index += 1
      }
    }
    for (index, row) in rows.enumerated() { reading.take(row, index + 1) }
  }

  fileprivate struct Row {
    var time: Int64?
    var isDate = false
    var prices = [ExactDecimal?](repeating: nil, count: 5)
    /// The first role whose value cannot be read.
    var unreadable: String?

    mutating func read(_ role: Int, _ reader: inout JSONReader) throws(DecodingFailure) {
      if role == 0, reader.kind == .string {
        let text = try reader.string()
        if let local = LocalDateTime(text) {
          (time, isDate) = (local.microseconds.flooredDivision(by: 1_000_000).quotient, text.utf8.count == 10)
        } else if let zoned = Timestamp(text) {
          time = zoned.microseconds.flooredDivision(by: 1_000_000).quotient
        } else {
          time = ExactDecimal(text).flatMap(SourceBar.seconds)
        }
        if time == nil { unreadable = unreadable ?? JSONMapping.roles[role] }
        return
      }
      switch try reader.cell() {
      case .absent: break
      case .number(let number) where role > 0: prices[role - 1] = number
      case .number(let number): time = SourceBar.seconds(number)
      case .unreadable: unreadable = unreadable ?? JSONMapping.roles[role]
      }
    }

    /// Nil for a row without a price, as some answers have for minutes without trades.
    func bar(at time: Int64) -> SourceBar? {
      guard let open = prices[0], let high = prices[1], let low = prices[2], let close = prices[3] else { return nil }
      return SourceBar(
        time: time, isDate: isDate,
        candle: .init(open: open, high: high, low: low, close: close, volume: prices[4]))
    }
  }
}

extension JSONMapping.Reading {
  /// - Parameter number: of the row, from 1.
  fileprivate mutating func take(_ row: JSONMapping.Row, _ number: Int) {
    if let role = row.unreadable { return lost.add("row \(number): \(role) cannot be read") }
    guard let time = row.time else {
      if row.prices.contains(where: { $0 != nil }) { lost.add("row \(number) has no time") }
      return
    }
    if let bar = row.bar(at: time) { bars.append(bar) }
  }
}

extension SourceBar {
  /// An instant written as a number: seconds since 1970, or milliseconds when it is too large for those.
  static func seconds(_ number: ExactDecimal) -> Int64? {
    var whole = number.mantissa
    for _ in 0..<number.scale { whole = whole.flooredDivision(by: 10).quotient }
    guard whole.magnitude < 1 << 53 else { return nil }
    return whole.magnitude >= 100_000_000_000 ? whole.flooredDivision(by: 1_000).quotient : whole
  }
}
