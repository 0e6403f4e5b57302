import Runtime
import Schemas

/// Where the bars are in somebody's JSON.
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

  /// - Throws: `SourceError(.unreadable)`.
  package func bars(_ bytes: [UInt8]) throws(SourceError) -> [SourceBar] {
    do {
      return try bytes.withUnsafeBytes { buffer -> Result<[SourceBar], DecodingFailure> in
        do throws(DecodingFailure) { return .success(try read(buffer.bytes)) } catch { return .failure(error) }
      }.get()
    } catch {
      throw SourceError(.unreadable, "the answer is not JSON of the shape that was promised: \(error)")
    }
  }

  private func read(_ bytes: RawSpan) throws(DecodingFailure) -> [SourceBar] {
    var reader = try JSONReader(bytes, limits: .init(maxBytes: 64 << 20, maxDepth: 32))
    var bars: [SourceBar] = []
    try descend(&reader, rows[...], &bars)
    try reader.finish()
    return bars
  }

  private func descend(
    _ reader: inout JSONReader, _ path: ArraySlice<String>, _ bars: inout [SourceBar]
  ) throws(DecodingFailure) {
    guard let name = path.first else {
      if reader.isNull() { return }
      switch shape {
      case .objects: return try readObjects(&reader, &bars)
      case .arrays: return try readArrays(&reader, &bars)
      case .columns: return try readColumns(&reader, &bars)
      }
    }
    let names = FieldNames([name])
    var found = false
    var cursor = try reader.beginObject()
    while try reader.nextField(&cursor, among: names) != nil {
      found = true
      try descend(&reader, path.dropFirst(), &bars)
    }
    if !found { throw reader.missingField(name) }
  }

  private func readObjects(_ reader: inout JSONReader, _ bars: inout [SourceBar]) throws(DecodingFailure) {
    let names = FieldNames(fields)
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      var row = Row()
      var cursor = try reader.beginObject()
      while let role = try reader.nextField(&cursor, among: names) { try row.read(role, &reader) }
      if let bar = row.bar { bars.append(bar) }
    }
  }

  private func readArrays(_ reader: inout JSONReader, _ bars: inout [SourceBar]) throws(DecodingFailure) {
    let places = fields.map { Int($0) ?? -1 }
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      var row = Row()
      var cells = try reader.beginArray()
      var place = 0
      while try reader.nextElement(&cells) {
        if let role = places.firstIndex(of: place) { try row.read(role, &reader) } else { try reader.skipValue() }
        place += 1
      }
      if let bar = row.bar { bars.append(bar) }
    }
  }

  private func readColumns(_ reader: inout JSONReader, _ bars: inout [SourceBar]) throws(DecodingFailure) {
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
    bars.append(contentsOf: rows.compactMap(\.bar))
  }

  private struct Row {
    var time: Int64?
    var isDate = false
    var prices = [ExactDecimal?](repeating: nil, count: 5)

    mutating func read(_ role: Int, _ reader: inout JSONReader) throws(DecodingFailure) {
      if role > 0 {
        prices[role - 1] = try reader.decimalOrNull(field: JSONMapping.roles[role])
      } else if reader.kind == .string {
        let text = try reader.string()
        if let local = LocalDateTime(text) {
          (time, isDate) = (ExchangeClock.floorDiv(local.microseconds, 1_000_000), text.utf8.count == 10)
        } else if let zoned = Timestamp(text) {
          time = ExchangeClock.floorDiv(zoned.microseconds, 1_000_000)
        }
      } else if let number = try reader.decimalOrNull(field: "time") {
        time = SourceBar.seconds(number)
      }
    }

    /// Nil for a row without a time or a price, as some answers have for minutes without trades.
    var bar: SourceBar? {
      guard let time, let open = prices[0], let high = prices[1], let low = prices[2], let close = prices[3] else {
        return nil
      }
      return SourceBar(
        time: time, isDate: isDate,
        candle: .init(open: open, high: high, low: low, close: close, volume: prices[4]))
    }
  }
}

extension SourceBar {
  /// An instant written as a number: seconds since 1970, or milliseconds when it is too large for those.
  static func seconds(_ number: ExactDecimal) -> Int64? {
    var whole = number.mantissa
    for _ in 0..<number.scale { whole = ExchangeClock.floorDiv(whole, 10) }
    guard whole.magnitude < 1 << 53 else { return nil }
    return whole.magnitude >= 100_000_000_000 ? ExchangeClock.floorDiv(whole, 1_000) : whole
  }
}
