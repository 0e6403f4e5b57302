import Commodities
import Core
import CSV
import Messages
import Values

/// Quotes from JSON of any shape, by a mapping.
struct MappedJSON {
  let mapping: ResponseMapping
  let zone: ZoneTable?

  func quotes(_ tree: JSONTree, _ slot: (TextTemplate.Slot) -> String) throws(FetchError) -> Quotes {
    let rows: [JSONTree]
    if let path = mapping.rows {
      guard let found = tree[path]?.items else { throw .unreadable("there is no list at the path of the rows") }
      rows = found
    } else {
      rows = [tree]
    }
    let conditions = mapping.conditions.map { (path: $0.field.path, text: $0.value.filled(slot)) }
    var quotes = Quotes()
    for row in rows where conditions.allSatisfy({ row[$0.path]?.text == $0.text }) {
      // Currency and unit may appear once, beside the rows.
      func text(_ field: ResponseMapping.Field?) -> String? {
        field.flatMap { row[$0.path]?.text ?? tree[$0.path]?.text }
      }
      guard let value = row[mapping.value.path], value != .null, value.text.map(CSVNumbers.isAbsent) != true else {
        continue
      }
      guard let at = row[mapping.time.path]?.text.flatMap({ QuoteText.time($0, in: zone) }) else {
        quotes.lose("a row has no readable time")
        continue
      }
      guard let number = value.text.flatMap({ ExactDecimal(approximating: $0) }),
        let quote = Quote(
          value: number, observedAt: at, currency: text(mapping.currency), unit: text(mapping.unit)).inWholeUnits
      else {
        quotes.lose("a value is not a finite number")
        continue
      }
      quotes.add(quote)
    }
    return quotes
  }
}

extension JSONTree {
  /// nil without a value at the path.
  package subscript(_ path: ValuePath) -> JSONTree? {
    var tree = self
    for step in path.steps {
      switch (step, tree) {
      case (.name(let name), .object(let fields)):
        guard let next = fields[name] else { return nil }
        tree = next
      case (.place(let place), .array(let items)):
        let index = place < 0 ? items.count + place : place
        guard items.indices.contains(index) else { return nil }
        tree = items[index]
      default: return nil
      }
    }
    return tree
  }
}

/// Quotes from lines below a header, by a mapping. An unreadable line loses only itself.
struct MappedCSV {
  let mapping: ResponseMapping
  let zone: ZoneTable?
  /// Lines to search for column names: some exports have a title above them, some name them in two lines.
  private static let headerLines = 10

  func quotes(_ body: [UInt8], _ slot: (TextTemplate.Slot) -> String) throws(FetchError) -> Quotes {
    var reader = CSVReader(body, separator: mapping.separator)
    let columns = try columns(&reader)
    func place(_ field: ResponseMapping.Field) -> Int { columns[Self.name(field.text)] ?? .max }
    let (value, time) = (place(mapping.value), place(mapping.time))
    let (currency, unit) = (mapping.currency.map(place), mapping.unit.map(place))
    let conditions = mapping.conditions.map { (column: place($0.field), text: $0.value.filled(slot)) }
    let numbers = CSVNumbers(mark: mapping.decimal)
    var quotes = Quotes()
    while let line = reader.next() {
      func lose(_ reason: String) { quotes.lose("line \(line.number): \(reason)") }
      if let reason = line.defect {
        lose(reason)
        continue
      }
      guard line.cells.allSatisfy({ String(validating: $0, as: UTF8.self) != nil }) else {
        lose("it is not UTF-8")
        continue
      }
      guard conditions.allSatisfy({ line.text($0.column) == $0.text }), value < line.cells.count else { continue }
      let number: ExactDecimal
      switch numbers.read(line.cells[value]) {
      case .absent: continue
      case .number(let read): number = read
      case .unreadable(let hint):
        lose("a value is not a finite number" + (hint.isEmpty ? "" : ": \(hint), with 'decimal' in the mapping"))
        continue
      }
      guard let at = time < line.cells.count ? self.time(line.cells[time]) : nil else {
        lose("it has no readable time; set 'dates' in the mapping to their form, such as MM/DD/YYYY")
        continue
      }
      let quote = Quote(
        value: number, observedAt: at, currency: currency.flatMap(line.text), unit: unit.flatMap(line.text))
      if let whole = quote.inWholeUnits { quotes.add(whole) } else { lose("a value is not a finite number") }
    }
    return quotes
  }

  /// The columns of the mapping by name; the reader then is below the header.
  private func columns(_ reader: inout CSVReader) throws(FetchError) -> [String: Int] {
    let fields = [mapping.value, mapping.time] + [mapping.currency, mapping.unit].compactMap { $0 }
      + mapping.conditions.map(\.field)
    let wanted = Set(fields.map { Self.name($0.text) })
    var columns: [String: Int] = [:]
    for number in 0..<Self.headerLines {
      guard let line = reader.next() else {
        if number == 0 { throw .unreadable("it is empty") }
        break
      }
      for (index, cell) in line.cells.enumerated() {
        let name = Self.name(String(decoding: cell, as: UTF8.self))
        if wanted.contains(name), columns[name] == nil { columns[name] = index }
      }
      if columns.count == wanted.count { return columns }
    }
    throw .unreadable("its first lines do not name the columns of the mapping")
  }

  private static func name(_ text: String) -> String { text.lowercased() }

  private func time(_ cell: ArraySlice<UInt8>) -> Timestamp? {
    guard let dates = mapping.dates else { return QuoteText.time(String(decoding: cell, as: UTF8.self), in: zone) }
    return dates.read(cell).flatMap { QuoteText.time($0.description, in: zone) }
  }
}
