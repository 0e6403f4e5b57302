/// Plain text as it arrives: paragraphs end at blank lines; between `<TABLE>` and `</TABLE>` each line is a row whose
/// cells are two or more blanks apart; `<PAGE>` and form feeds end a page.
struct PlainReader: FormReader {
  private(set) var text = DocumentText()
  private var line: [UInt8] = []
  private var paragraph: [UInt8] = []
  private var table = 0
  private var isInTable = false

  mutating func read(_ piece: [UInt8]) {
    for byte in piece {
      switch byte {
      case 0x0a: endLine()
      case 0x0c:
        endLine()
        endParagraph()
        text.breakPage()
      case 0x0d: break
      default: line.append(byte < 0x20 && byte != 0x09 ? 0x20 : byte)
      }
    }
  }

  mutating func finish() {
    endLine()
    endParagraph()
  }

  private mutating func endLine() {
    defer { line.removeAll(keepingCapacity: true) }
    let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
    guard let first = words.first else { return endParagraph() }
    if first.first == UInt8(ascii: "<"), first.last == UInt8(ascii: ">") {
      switch String(decoding: first, as: UTF8.self).uppercased() {
      case "<PAGE>":
        endParagraph()
        return text.breakPage()
      case "<TABLE>":
        endParagraph()
        (isInTable, table) = (true, table + 1)
        return
      case "</TABLE>":
        isInTable = false
        return
      case "<CAPTION>", "<S>", "<C>", "<FN>", "</FN>": return
      default: break
      }
    }
    if isInTable { return addRow() }
    // A heading is a line of its own even where no blank line follows.
    if ItemHeading.mayBegin(line[...].drop { $0 == 0x20 || $0 == 0x09 }) { endParagraph() }
    if !paragraph.isEmpty { paragraph.append(0x20) }
    paragraph += words.joined(separator: [0x20])
  }

  private mutating func addRow() {
    var row = RowText()
    for cell in Self.cells(of: line) { row.add(cell) }
    row.end(into: &text, table: table)
  }

  private static func cells(of line: [UInt8]) -> [[UInt8]] {
    var cells: [[UInt8]] = [[]]
    var blanks = 2
    for byte in line {
      if byte == 0x20 || byte == 0x09 {
        blanks += byte == 0x09 ? 2 : 1
        continue
      }
      if blanks >= 2, !cells[cells.count - 1].isEmpty { cells.append([]) }
      if blanks == 1, !cells[cells.count - 1].isEmpty { cells[cells.count - 1].append(0x20) }
      blanks = 0
      cells[cells.count - 1].append(byte)
    }
    return cells.filter { !$0.isEmpty }
  }

  private mutating func endParagraph() {
    guard !paragraph.isEmpty else { return }
    let start = text.bytes.count
    text.bytes += paragraph
    text.blocks.append(.init(kind: .line, start: start, end: text.bytes.count))
    paragraph.removeAll(keepingCapacity: true)
  }
}

/// The cells of a row of a table. Signs that stand in cells of their own, such as `$`, `)` and `%`, join the number
/// that they belong to.
struct RowText: Sendable {
  private var cells: [[UInt8]] = []

  mutating func add(_ cell: [UInt8]) {
    guard !cell.isEmpty else { return }
    if let last = cells.last {
      if last == Self.dollar || last == [UInt8(ascii: "(")] || last == Self.openDollar {
        cells[cells.count - 1] += cell
        return
      }
      if Self.closings.contains(cell) {
        cells[cells.count - 1] += cell
        return
      }
    }
    cells.append(cell)
  }

  private static let dollar = [UInt8(ascii: "$")]
  private static let openDollar = Array("$(".utf8)
  private static let closings = [")", "%", ")%", "%)"].map { Array($0.utf8) }

  mutating func end(into text: inout DocumentText, table: Int) {
    defer { cells.removeAll(keepingCapacity: true) }
    guard !cells.isEmpty else { return }
    let start = text.bytes.count
    var numbers = 0
    for (index, cell) in cells.enumerated() {
      if index > 0 { text.bytes += [0x20, 0x7c, 0x20] }
      text.bytes += cell
      if Self.isNumber(cell) { numbers += 1 }
    }
    text.blocks.append(.init(
      kind: .row, start: start, end: text.bytes.count, table: table, cells: cells.count, numbers: numbers))
  }

  /// Digits with what belongs to amounts, or a dash, which stands for none.
  static func isNumber(_ cell: [UInt8]) -> Bool {
    var digits = 0
    for byte in cell {
      switch byte {
      case 0x30...0x39: digits += 1
      case 0x24, 0x25, 0x28, 0x29, 0x2b, 0x2c, 0x2d, 0x2e, 0x20: break
      case 0xe2, 0x80, 0x93, 0x94: break
      default: return false
      }
    }
    return digits > 0 || (cell.count <= 3 && (cell.first == 0x2d || cell.first == 0xe2))
  }
}
