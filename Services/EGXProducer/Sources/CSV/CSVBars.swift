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
