/// Reads CSV (RFC 4180) line by line, without the quotes and the spaces around cells. A value type: a copy continues
/// from the same position.
///
/// A quoted cell may hold line breaks. A quote that is never closed loses only its own line.
package struct CSVReader: Sendable {
  package struct Line: Sendable {
    /// 1-based number of its first line in the file.
    package var number: Int
    package var cells: [ArraySlice<UInt8>]
    /// Why the line cannot be read; nil for a good line.
    package var defect: String?

    /// The text of a cell; nil when the cell is missing, empty or not UTF-8.
    package func text(_ index: Int) -> String? {
      guard index < cells.count, !cells[index].isEmpty else { return nil }
      return String(validating: cells[index], as: UTF8.self)
    }
  }

  private let bytes: [UInt8]
  private let separator: UInt8
  private var position = 0
  private var number = 0
  /// A line with more columns is refused.
  private static let maxColumns = 1_000
  /// Line breaks that one quoted cell may hold.
  private static let maxBreaks = 8

  /// - Parameter bytes: UTF-8, or UTF-16 with a byte order mark, as spreadsheets write it.
  package init(_ bytes: [UInt8], separator: UInt8 = UInt8(ascii: ",")) {
    self.separator = separator
    if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
      let isLittle = bytes[0] == 0xff
      let units = stride(from: 2, to: bytes.count - 1, by: 2).map { index in
        isLittle
          ? UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
          : UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
      }
      self.bytes = Array(String(decoding: units, as: UTF16.self).utf8)
    } else {
      self.bytes = bytes
      if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    }
  }

  /// The next line that is not empty.
  /// - Parameter columns: the expected number of cells; a line whose quoted cell holds a line break is accepted only
  ///   with exactly that number.
  /// - Returns: nil at the end.
  package mutating func next(columns: Int? = nil) -> Line? {
    while position < bytes.count {
      let start = position
      number += 1
      let first = number
      var line = Line(number: first, cells: [], defect: nil)
      let breaks = split(into: &line)
      let isWhole = breaks == 0 || line.defect == nil && (columns == nil || line.cells.count == columns)
      if isWhole {
        number += breaks
      } else {
        // What follows the quote is most likely the next lines, not a cell.
        position = endOfLine(from: start)
        line = Line(number: first, cells: [], defect: "a quoted cell does not end")
      }
      if line.defect == nil, line.cells.allSatisfy(\.isEmpty), line.cells.count < 2 { continue }
      return line
    }
    return nil
  }

  /// Reads to the end of the line, across line breaks in quoted cells.
  /// - Returns: the number of line breaks; at least 1, with a defect, when a quoted cell does not end.
  private mutating func split(into line: inout Line) -> Int {
    var breaks = 0
    while true {
      guard let cell = readCell(&breaks) else {
        line.defect = "a quoted cell does not end"
        return max(breaks, 1)
      }
      if cell.goesOn { line.defect = line.defect ?? "text follows the closing quote of a cell" }
      guard line.cells.count < Self.maxColumns else {
        line.defect = "more than \(Self.maxColumns) columns"
        position = endOfLine(from: position)
        return breaks
      }
      line.cells.append(cell.text)
      guard position < bytes.count, bytes[position] == separator else {
        position = afterBreak(position)
        return breaks
      }
      position += 1
    }
  }

  /// Reads one cell and stops at the separator or line break after it.
  /// - Returns: nil for a quoted cell without an end.
  private mutating func readCell(_ breaks: inout Int) -> (text: ArraySlice<UInt8>, goesOn: Bool)? {
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      let start = position
      while position < bytes.count, bytes[position] != separator, !isBreak(bytes[position]) { position += 1 }
      return (trimmed(bytes[start..<position]), false)
    }
    position += 1
    let start = position
    var isDoubled = false
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        guard position + 1 < bytes.count, bytes[position + 1] == byte else { break }
        isDoubled = true
        position += 1
      } else if isBreak(byte) {
        breaks += 1
        guard breaks <= Self.maxBreaks else { return nil }
        position = afterBreak(position) - 1
      }
      position += 1
    }
    guard position < bytes.count else { return nil }
    var text = bytes[start..<position]
    if isDoubled {
      var single: [UInt8] = []
      var isSecond = false
      for byte in text {
        isSecond = byte == UInt8(ascii: "\"") && !isSecond
        if !isSecond { single.append(byte) }
      }
      text = single[...]
    }
    position += 1
    let behind = position
    while position < bytes.count, bytes[position] != separator, !isBreak(bytes[position]) { position += 1 }
    return (trimmed(text), !trimmed(bytes[behind..<position]).isEmpty)
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte != separator && (byte == 0x20 || byte == 0x09) }
  private func isBreak(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d }

  private func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
    while let first = text.first, first == 0x20 || first == 0x09 { text.removeFirst() }
    return text
  }

  /// The position after the line break at `place`: `\n`, `\r\n` or `\r`.
  private func afterBreak(_ place: Int) -> Int {
    guard place < bytes.count else { return place }
    let isPair = bytes[place] == 0x0d && place + 1 < bytes.count && bytes[place + 1] == 0x0a
    return place + (isPair ? 2 : 1)
  }

  private func endOfLine(from place: Int) -> Int {
    afterBreak(bytes[place...].firstIndex(where: isBreak) ?? bytes.count)
  }
}
