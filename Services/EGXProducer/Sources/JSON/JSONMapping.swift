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

  /// A row that cannot be read is lost alone.
  /// - Throws: `SourceError(.unreadable)` for what is no JSON of the shape, or when no row can be read.
  package func bars(_ bytes: [UInt8]) throws(SourceError) -> BarAnswer {
    func broken(_ reason: String) -> SourceError {
      SourceError(.unreadable, "the answer is not JSON of the shape that was promised: \(reason)")
    }
    var place: JSONTree
    do { place = try JSONTree(bytes, limits: .init(maxBytes: 64 << 20, maxDepth: 32)) } catch {
      throw broken("\(error)")
    }
    for name in rows {
      guard let next = place[name] else { throw broken("it has no '\(name)'") }
      place = next
    }
    var reading = BarAnswer(bars: [])
    switch (shape, place) {
    case (_, .null): break
    case (.objects, .array(let rows)):
      for (index, row) in rows.enumerated() {
        if row.fields == nil { reading.lost.add("row \(index + 1) is no object") } else {
          reading.take(index + 1) { row[fields[$0]] }
        }
      }
    case (.arrays, .array(let rows)):
      let places = fields.map { Int($0) ?? -1 }
      for (index, row) in rows.enumerated() {
        if let cells = row.items { reading.take(index + 1) { role in
          cells.indices.contains(places[role]) ? cells[places[role]] : nil
        } } else { reading.lost.add("row \(index + 1) is no array") }
      }
    case (.columns, .object(let named)):
      var columns: [[JSONTree]] = []
      for name in fields {
        let column = named[name] ?? .null
        guard let cells = column == .null ? [] : column.items else { throw broken("'\(name)' is no array") }
        columns.append(cells)
      }
      for index in 0..<(columns.map(\.count).max() ?? 0) {
        reading.take(index + 1) { index < columns[$0].count ? columns[$0][index] : nil }
      }
    default: throw broken("the bars are no \(shape.rawValue)")
    }
    if reading.bars.isEmpty, reading.lost.count > 0 {
      throw SourceError(.unreadable, "no row of the answer can be read: \(reading.lost)")
    }
    return reading
  }
}

extension BarAnswer {
  /// A row without a price is passed over: some answers have them for minutes without trades.
  /// - Parameters:
  ///   - number: of the row, from 1.
  ///   - cell: the value of a role.
  fileprivate mutating func take(_ number: Int, _ cell: (_ role: Int) -> JSONTree?) {
    let cells = JSONMapping.roles.indices.map { cell($0) ?? .null }
    let (time, numbers) = (Self.time(cells[0]), cells.dropFirst().map(\.decimal))
    let unreadable = cells.indices.first { role in
      !cells[role].isAbsent && (role == 0 ? time == nil : numbers[role - 1] == nil)
    }
    if let unreadable { return lost.add("row \(number): \(JSONMapping.roles[unreadable]) cannot be read") }
    guard let time else {
      if numbers.contains(where: { $0 != nil }) { lost.add("row \(number) has no time") }
      return
    }
    if let bar = SourceBar(time: time.seconds, isDate: time.isDate, numbers) { bars.append(bar) }
  }

  private static func time(_ value: JSONTree) -> (seconds: Int64, isDate: Bool)? {
    if case .string(let text) = value {
      let local = LocalDateTime(text)
      if let microseconds = local?.microseconds ?? Timestamp(text)?.microseconds {
        return (microseconds.flooredDivision(by: 1_000_000).quotient, local != nil && text.utf8.count == 10)
      }
    }
    return value.decimal.flatMap(SourceBar.seconds).map { ($0, false) }
  }
}

extension SourceBar {
  /// - Parameter numbers: open, high, low, close and, where there is one, the volume.
  /// - Returns: nil without a price.
  init?(time: Int64, isDate: Bool = false, _ numbers: [ExactDecimal?]) {
    guard numbers.count >= 4, let open = numbers[0], let high = numbers[1], let low = numbers[2],
      let close = numbers[3]
    else { return nil }
    self.init(
      time: time, isDate: isDate,
      candle: .init(open: open, high: high, low: low, close: close, volume: numbers.count > 4 ? numbers[4] : nil))
  }

  /// An instant written as a number: seconds since 1970, or milliseconds when it is too large for those.
  static func seconds(_ number: ExactDecimal) -> Int64? {
    var whole = number.mantissa
    for _ in 0..<number.scale { whole = whole.flooredDivision(by: 10).quotient }
    guard whole.magnitude < 1 << 53 else { return nil }
    return whole.magnitude >= 100_000_000_000 ? whole.flooredDivision(by: 1_000).quotient : whole
  }
}
