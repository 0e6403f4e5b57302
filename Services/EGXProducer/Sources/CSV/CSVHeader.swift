import Core
import CSV

/// Which column is which, by the lines at the top of a file.
struct CSVHeader: Sendable {
  private(set) var columns: [CSVColumn: Int] = [:]
  /// Cells of the line that names most of them.
  private(set) var width: Int?

  /// Lines in which names are looked for: some exports put a title above them, and some name columns in two lines.
  private static let maxLines = 10
  private static let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09, UInt8(ascii: "|")]

  /// - Returns: the columns, and the reader at the line below.
  /// - Throws: `SourceError(.unreadable)` that says which column is missing and what would help.
  static func read(_ bytes: [UInt8], _ format: CSVFormat, name: String) throws(SourceError) -> (CSVHeader, CSVReader) {
    if let header = CSVHeader(places: format.columns) {
      return (header, CSVReader(bytes, separator: separator(of: bytes, header)))
    }
    // What is wrong is said of the separator that the first line has most of.
    var failure = SourceError(.unreadable, "\(name) is empty")
    var most = 0
    for separator in separators {
      var reader = CSVReader(bytes, separator: separator)
      var first = reader
      let count = first.next()?.cells.count ?? 0
      do { return (try CSVHeader(&reader, format, name: name), reader) } catch {
        if count > most { (failure, most) = (error, count) }
      }
    }
    throw failure
  }

  /// Columns that are all given by their places: there is no header.
  private init?(places: [CSVColumn: String]) {
    for (column, text) in places {
      guard let place = Int(text), place >= 0 else { return nil }
      columns[column] = place
    }
    guard CSVColumn.required.allSatisfy({ columns[$0] != nil }) else { return nil }
  }

  private static func separator(of bytes: [UInt8], _ header: CSVHeader) -> UInt8 {
    let most = header.columns.values.max() ?? 0
    return separators.first { separator in
      var reader = CSVReader(bytes, separator: separator)
      return reader.next().map { $0.cells.count > most } ?? false
    } ?? separators[0]
  }

  private init(_ reader: inout CSVReader, _ format: CSVFormat, name: String) throws(SourceError) {
    var others: [CSVColumn: Int] = [:]
    var seen: [String] = []
    for _ in 0..<Self.maxLines {
      guard let line = reader.next() else { break }
      let names = line.cells.map(Self.name)
      if seen.isEmpty { seen = names.filter { !$0.isEmpty } }
      let before = columns.count
      try take(names, format, &others, file: name)
      if columns.count > before { width = max(width ?? 0, names.count) }
      var all = others.merging(columns) { $1 }
      guard CSVColumn.required.allSatisfy({ all[$0] != nil }) else { continue }
      // Where a date stands beside it, a time is a time of day.
      if columns[.time] != nil, let clock = names.firstIndex(of: "time"), all[.clock] == nil, clock != all[.time] {
        all[.clock] = clock
      }
      for column in [CSVColumn.symbol, .clock, .volume] {
        if let place = all[column], CSVColumn.required.contains(where: { all[$0] == place }) { all[column] = nil }
      }
      columns = all
      return
    }
    let missing = CSVColumn.required.filter { others[$0] == nil && columns[$0] == nil }.map(\.rawValue)
    throw SourceError(.unreadable, seen.isEmpty
      ? "\(name) is empty"
      : "\(name): no column is called \(missing.joined(separator: ", ")); its first line names "
        + "\(quoted(seen.joined(separator: ", "))): say which it is with --csv-columns "
        + "\(missing.map { "\($0)=<name>" }.joined(separator: ","))")
  }

  /// Columns that this line names and no line above it did.
  private mutating func take(
    _ names: [String], _ format: CSVFormat, _ others: inout [CSVColumn: Int], file: String
  ) throws(SourceError) {
    for column in CSVColumn.allCases where columns[column] == nil {
      let places: [Int]
      if let wanted = format.columns[column].map({ Self.name(Array($0.utf8)[...]) }) {
        if let place = Int(wanted), !names.contains(wanted) {
          places = place < names.count ? [place] : []
        } else {
          places = names.indices.filter { names[$0] == wanted }
        }
      } else {
        places = names.indices.filter { CSVColumn.names[names[$0]] == column }
        if others[column] == nil {
          others[column] = names.firstIndex { CSVColumn.otherNames[$0] == column }
        }
      }
      guard let first = places.first else { continue }
      // Two of one name: nothing says which is meant, and a wrong one would not be noticed.
      guard places.count { names[$0] == names[first] } == 1 else {
        throw SourceError(
          .unreadable, "\(file): several columns are called \(quoted(names[first])): say which it is with "
            + "--csv-columns \(column.rawValue)=<place from 0>")
      }
      columns[column] = first
    }
  }

  /// In lower case, without the signs that some put around or behind it.
  private static func name(_ cell: ArraySlice<UInt8>) -> String {
    let text = String(decoding: cell, as: UTF8.self).lowercased().filter { $0 != "<" && $0 != ">" && $0 != "." }
    return text.trimmingBlanks
  }
}
