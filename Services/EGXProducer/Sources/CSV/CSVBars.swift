import Schemas

/// Reads bars from CSV, one line at a time: a header that names `date` or `datetime`, `open`, `high`, `low`, `close`
/// and, if there is one, `volume`. Times without an offset are UTC. Pure, and a value: a copy reads on from its place.
package struct CSVBars: Sendable {
  private let bytes: [UInt8]
  private var position = 0
  private var columns: [Column: Int] = [:]
  /// 1-based, of the line read last.
  package private(set) var line = 0
  private let name: String

  private enum Column: String, CaseIterable { case time, open, high, low, close, volume }
  private static let names: [String: Column] = [
    "date": .time, "datetime": .time, "time": .time, "timestamp": .time, "open": .open, "high": .high, "low": .low,
    "close": .close, "volume": .volume,
  ]

  /// - Parameter name: of the file, for errors.
  /// - Throws: `SourceError(.unreadable)` for a header that lacks a column.
  package init(_ bytes: [UInt8], name: String) throws(SourceError) {
    self.bytes = bytes
    self.name = name
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    guard let header = nextLine() else { throw SourceError(.unreadable, "\(name) is empty") }
    for (index, cell) in header.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).enumerated() {
      let text = String(decoding: cell, as: UTF8.self).lowercased().filter { $0 != " " && $0 != "\"" }
      if let column = Self.names[text], columns[column] == nil { columns[column] = index }
    }
    for column in Column.allCases where column != .volume && columns[column] == nil {
      throw SourceError(.unreadable, "\(name): the first line names no column \(column.rawValue)")
    }
  }

  /// - Returns: nil at the end. Lines without a time or a price are passed over: some exports keep the day and leave
  ///   its prices out.
  /// - Throws: `SourceError(.unreadable)` with the line for what is neither a number nor empty.
  package mutating func next() throws(SourceError) -> SourceBar? {
    while let text = nextLine() {
      if text.isEmpty { continue }
      let cells = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      func cell(_ column: Column) -> ArraySlice<UInt8> {
        guard let index = columns[column], index < cells.count else { return [] }
        return cells[index]
      }
      if cell(.time).isEmpty { throw damaged("no time") }
      guard let time = Self.time(cell(.time)) else { throw damaged("not a date or time") }
      var prices: [ExactDecimal] = []
      for column in [Column.open, .high, .low, .close] {
        if cell(column).isEmpty { break }
        guard let price = Self.decimal(cell(column)) else { throw damaged("\(column.rawValue) is not a number") }
        prices.append(price)
      }
      guard prices.count == 4 else { continue }
      var volume: ExactDecimal?
      if !cell(.volume).isEmpty {
        volume = Self.decimal(cell(.volume))
        if volume == nil { throw damaged("volume is not a number") }
      }
      return SourceBar(
        time: time.seconds, isDate: time.isDate,
        candle: .init(open: prices[0], high: prices[1], low: prices[2], close: prices[3], volume: volume))
    }
    return nil
  }

  private func damaged(_ reason: String) -> SourceError {
    SourceError(.unreadable, "\(name), line \(line): \(reason)")
  }

  private mutating func nextLine() -> ArraySlice<UInt8>? {
    guard position < bytes.count else { return nil }
    let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    var text = bytes[position..<end]
    if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
    position = end + 1
    line += 1
    return text
  }

  private static func decimal(_ cell: ArraySlice<UInt8>) -> ExactDecimal? {
    cell.withUnsafeBytes { ExactDecimal(parsing: $0.bytes) }
  }

  private static func time(_ cell: ArraySlice<UInt8>) -> (seconds: Int64, isDate: Bool)? {
    let local = cell.withUnsafeBytes { LocalDateTime(parsing: $0.bytes) }
    if let local { return (ExchangeClock.floorDiv(local.microseconds, 1_000_000), cell.count == 10) }
    let zoned = cell.withUnsafeBytes { Timestamp(parsing: $0.bytes) }
    return zoned.map { (ExchangeClock.floorDiv($0.microseconds, 1_000_000), false) }
  }
}
