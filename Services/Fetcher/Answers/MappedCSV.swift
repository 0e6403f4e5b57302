import Markets
import Runtime
import Schemas

/// Quotes from lines with a header, by a mapping. Cells may be quoted (RFC 4180); a quoted cell ends with its line.
struct MappedCSV {
  let mapping: AnswerMapping
  let zone: ZoneTable?
  /// More columns are no table of prices.
  static let maxColumns = 1_000

  func quotes(_ body: [UInt8], _ slot: (TextTemplate.Slot) -> String) throws(FetchError) -> [Quote] {
    var rest = body[...]
    if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
    guard let header = try Self.line(&rest, mapping.separator) else { throw .unreadable("it is empty") }
    let names = header.map { $0.lowercased() }
    func column(_ field: AnswerMapping.Field) throws(FetchError) -> Int {
      guard let index = names.firstIndex(of: field.text.lowercased()) else {
        throw .unreadable("its first line does not name the columns of the mapping")
      }
      return index
    }
    let (value, time) = (try column(mapping.value), try column(mapping.time))
    let currency = try mapping.currency.map { (field) throws(FetchError) in try column(field) }
    let unit = try mapping.unit.map { (field) throws(FetchError) in try column(field) }
    let conditions = try mapping.conditions.map { (condition) throws(FetchError) in
      (column: try column(condition.field), text: condition.value.filled(slot))
    }
    var quotes: [Quote] = []
    while let cells = try Self.line(&rest, mapping.separator) {
      func cell(_ index: Int) -> String? { index < cells.count && !cells[index].isEmpty ? cells[index] : nil }
      guard conditions.allSatisfy({ cell($0.column) == $0.text }), let text = cell(value), !QuoteText.isAbsent(text)
      else { continue }
      guard let at = cell(time).flatMap({ QuoteText.time($0, in: zone) }) else {
        throw .unreadable("a line has no time that can be read")
      }
      guard let number = QuoteText.decimal(text),
        let quote = QuotedCurrency.whole(
          Quote(value: number, observedAt: at, currency: currency.flatMap(cell), unit: unit.flatMap(cell)))
      else { throw .unreadable("a value is no finite number") }
      quotes.append(quote)
    }
    return quotes
  }

  /// The cells of the next line that is not empty, blanks around them removed; nil at the end.
  private static func line(_ rest: inout ArraySlice<UInt8>, _ separator: UInt8) throws(FetchError) -> [String]? {
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x0a) ?? rest.endIndex
      var text = rest[rest.startIndex..<end]
      rest = rest[(end < rest.endIndex ? end + 1 : end)...]
      if text.last == 0x0d { text = text.dropLast() }
      if text.allSatisfy({ $0 == 0x20 }) { continue }
      return try cells(text, separator)
    }
    return nil
  }

  private static func cells(_ line: ArraySlice<UInt8>, _ separator: UInt8) throws(FetchError) -> [String] {
    let quote = UInt8(ascii: "\"")
    var cells: [String] = []
    var cell: [UInt8] = []
    var isQuoted = false
    var position = line.startIndex
    func finished() throws(FetchError) -> String {
      guard cells.count < maxColumns else { throw .unreadable("it has more than \(maxColumns) columns") }
      guard let text = String(validating: cell, as: UTF8.self) else { throw .unreadable("it is not UTF-8") }
      let start = text.drop { $0 == " " }
      return String(start.reversed().drop { $0 == " " }.reversed())
    }
    while position < line.endIndex {
      let byte = line[position]
      position += 1
      if isQuoted {
        if byte != quote {
          cell.append(byte)
        } else if position < line.endIndex, line[position] == quote {
          cell.append(quote)
          position += 1
        } else {
          isQuoted = false
        }
      } else if byte == quote, cell.isEmpty {
        isQuoted = true
      } else if byte == separator {
        cells.append(try finished())
        cell = []
      } else {
        cell.append(byte)
      }
    }
    guard !isQuoted else { throw .unreadable("a quoted cell does not end on its line") }
    return cells + [try finished()]
  }
}
