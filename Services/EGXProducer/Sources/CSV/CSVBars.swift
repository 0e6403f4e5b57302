import Core
import CSV
import Messages
import Values

/// Reads bars from CSV, one line at a time: a header that names a date or time, open, high, low, close and, if there
/// is one, volume. Times without an offset are UTC. Pure, and a value: a copy reads on from its place.
///
/// A line that cannot be read costs only itself: it is counted in `lost`.
package struct CSVBars: Sendable {
  private var reader: CSVReader
  private let columns: [CSVColumn: Int]
  private let width: Int?
  private let format: CSVFormat
  private let start: CSVReader
  private var numbers: CSVNumbers
  private var isMarkSought = false
  private var symbol: String?
  private let name: String
  /// Lines that could not be read so far.
  package private(set) var lost = Losses()
  private var count = 0

  /// - Parameter name: of the file, for errors.
  /// - Throws: `SourceError(.unreadable)` for a header that lacks a column.
  package init(_ bytes: [UInt8], name: String, format: CSVFormat = CSVFormat()) throws(SourceError) {
    let (header, reader) = try CSVHeader.read(bytes, format, name: name)
    columns = header.columns
    width = header.width
    start = reader
    self.reader = reader
    self.format = format
    self.name = name
    numbers = CSVNumbers(mark: format.mark)
  }

  /// - Returns: nil at the end. Lines without a price are passed over: some exports keep the day and leave its prices
  ///   out.
  /// - Throws: `SourceError(.unreadable)` at the end of a file of which no line could be read.
  package mutating func next() throws(SourceError) -> SourceBar? {
    while let line = reader.next(columns: width) {
      do {
        let bar = try read(line)
        count += 1
        if let bar { return bar }
      } catch {
        lost.add("line \(line.number): \(error.reason)")
      }
    }
    if count == 0, let first = lost.first {
      throw SourceError(.unreadable, "\(name): none of \(lost.count) lines can be read; \(first)")
    }
    return nil
  }

  private struct Defect: Error { var reason: String }

  private mutating func read(_ line: CSVReader.Line) throws(Defect) -> SourceBar? {
    if let defect = line.defect { throw Defect(reason: defect) }
    func cell(_ column: CSVColumn) -> ArraySlice<UInt8> {
      guard let index = columns[column], index < line.cells.count else { return [] }
      return line.cells[index]
    }
    if let text = columns[.symbol].flatMap(line.text) {
      symbol = symbol ?? text
      if text != symbol {
        throw Defect(reason: "it is about \(quoted(text, limit: 64)), the lines above are not")
      }
    }
    let time = try time(cell(.time), clock: columns[.clock].map { $0 < line.cells.count ? line.cells[$0] : [] })
    var values: [ExactDecimal?] = []
    for column in [CSVColumn.open, .high, .low, .close, .volume] {
      switch number(cell(column)) {
      case .absent: values.append(nil)
      case .number(let number): values.append(number)
      case .unreadable(let hint):
        let text = quoted(String(decoding: cell(column), as: UTF8.self), limit: 40)
        throw Defect(
          reason: "\(column.rawValue) is \(text), which is no number"
            + (hint.isEmpty ? "" : ": \(hint), with --csv-decimal point or comma"))
      }
    }
    return SourceBar(time: time.seconds, isDate: time.isDate, values)
  }

  /// A number that could be read in two ways is read as the file writes its others.
  private mutating func number(_ cell: ArraySlice<UInt8>) -> CSVNumbers.Reading {
    let reading = numbers.read(cell)
    guard case .unreadable(let hint) = reading, !hint.isEmpty, numbers.mark == nil, !isMarkSought else {
      return reading
    }
    isMarkSought = true
    let places = [CSVColumn.open, .high, .low, .close, .volume].compactMap { columns[$0] }
    var other = start
    while let line = other.next(columns: width) {
      let isEvident = places.contains { $0 < line.cells.count && CSVNumbers.isEvidentlyPoint(line.cells[$0]) }
      guard isEvident else { continue }
      numbers.mark = .point
      return numbers.read(cell)
    }
    return reading
  }

  private func time(
    _ cell: ArraySlice<UInt8>, clock: ArraySlice<UInt8>?
  ) throws(Defect) -> (seconds: Int64, isDate: Bool) {
    func unreadable(_ hint: String) -> Defect {
      let text = quoted(String(decoding: cell, as: UTF8.self), limit: 40)
      return Defect(reason: cell.isEmpty ? "it has no time" : "\(text) is no date or time\(hint)")
    }
    let read: (seconds: Int64, isDate: Bool)
    if let dates = format.dates {
      guard let local = dates.read(cell) else { throw unreadable(" of the form \(dates.pattern) of --csv-dates") }
      read = (local.microseconds.flooredDivision(by: 1_000_000).quotient, !dates.hasTimeOfDay)
    } else {
      guard let plain = Self.plainTime(cell) else {
        throw unreadable(" as it stands; say how they are written, such as --csv-dates MM/DD/YYYY or DD/MM/YYYY")
      }
      read = plain
    }
    guard let clock, !clock.isEmpty, read.isDate else { return read }
    guard let seconds = Self.timeOfDay(clock) else { throw unreadable(" with the time of day in its line") }
    // Files of days write midnight where they have no time.
    return (read.seconds + seconds, seconds == 0 && !format.isIntraday)
  }

  /// The forms that can be read in one way only: ISO 8601, `20250120`, `2025/01/20`, seconds or milliseconds since
  /// 1970.
  private static func plainTime(_ cell: ArraySlice<UInt8>) -> (seconds: Int64, isDate: Bool)? {
    let local = cell.withUnsafeBytes { LocalDateTime(parsing: $0.bytes) }
    if let local { return (local.microseconds.flooredDivision(by: 1_000_000).quotient, cell.count == 10) }
    let zoned = cell.withUnsafeBytes { Timestamp(parsing: $0.bytes) }
    if let zoned { return (zoned.microseconds.flooredDivision(by: 1_000_000).quotient, false) }
    for dates in yearFirst {
      if let local = dates.read(cell) { return (local.microseconds / 1_000_000, !dates.hasTimeOfDay) }
    }
    guard cell.count >= 9, let number = cell.withUnsafeBytes({ ExactDecimal(parsing: $0.bytes) }) else { return nil }
    return SourceBar.seconds(number).map { ($0, false) }
  }

  private static let yearFirst = ["YYYYMMDD", "YYYY/MM/DD", "YYYY/MM/DD hh:mm", "YYYY/MM/DD hh:mm:ss"]
    .compactMap { CSVDates($0) }

  /// Seconds of `hh:mm:ss`, `hh:mm` or `hhmmss`.
  private static func timeOfDay(_ cell: ArraySlice<UInt8>) -> Int64? {
    let digits = cell.filter { $0 != UInt8(ascii: ":") }.map { Int64($0) - 0x30 }
    guard digits.count == 4 || digits.count == 6, digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
    var values: [Int64] = []
    for place in stride(from: 0, to: digits.count, by: 2) { values.append(digits[place] * 10 + digits[place + 1]) }
    guard values[0] < 24, values[1] < 60, values.count < 3 || values[2] < 60 else { return nil }
    return values[0] * 3_600 + values[1] * 60 + (values.count > 2 ? values[2] : 0)
  }
}

/// The user's description of CSV files, where their own header is not enough.
package struct CSVFormat: Hashable, Sendable {
  /// Names of columns, or their places from 0, by purpose.
  package var columns: [CSVColumn: String] = [:]
  package var dates: CSVDates?
  package var mark: CSVNumbers.Mark?
  /// Midnight in a separate column is a time of day, not a missing one.
  package var isIntraday = false

  package init() {}

  /// - Parameter columns: `time=Day,close=Last,...`; empty for none.
  /// - Throws: `Failure(.configuration)`.
  package init(columns: String, dates: String?, mark: CSVNumbers.Mark?, isIntraday: Bool) throws(Failure) {
    for pair in columns.split(separator: ",") {
      let sides = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingBlanks }
      guard sides.count == 2, let column = CSVColumn(rawValue: sides[0]), !sides[1].isEmpty else {
        throw Failure(
          .configuration, code: "bad_mapping",
          "--csv-columns: '\(pair)' is not one of \(CSVColumn.allCases.map(\.rawValue).joined(separator: ", ")) and a "
            + "name, such as close=Last")
      }
      self.columns[column] = sides[1]
    }
    if let dates {
      guard let pattern = CSVDates(dates) else {
        throw Failure(
          .configuration, code: "bad_mapping",
          "--csv-dates: '\(dates)' is not a pattern such as MM/DD/YYYY or DD.MM.YYYY")
      }
      self.dates = pattern
    }
    self.mark = mark
    self.isIntraday = isIntraday
  }
}

/// The purpose of a column of bars.
package enum CSVColumn: String, CaseIterable, Hashable, Sendable {
  case time, open, high, low, close, volume
  /// The time of day, beside a `time` that is a date.
  case clock
  /// The symbol of the line; a file has one symbol.
  case symbol

  static let required: [CSVColumn] = [.time, .open, .high, .low, .close]

  /// Names in most exports.
  static let names: [String: CSVColumn] = [
    "date": .time, "datetime": .time, "timestamp": .time, "open": .open, "high": .high, "low": .low, "close": .close,
    "volume": .volume, "vol": .volume, "symbol": .symbol, "ticker": .symbol,
  ]
  /// Names in some exports, used when no column has one of `names`: investing.com, Mubasher.
  static let otherNames: [String: CSVColumn] = [
    "time": .time, "date range": .time, "price": .close, "closed": .close, "last": .close,
  ]
}

extension StringProtocol {
  var trimmingBlanks: String {
    let start = drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " }.reversed())
  }
}

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
