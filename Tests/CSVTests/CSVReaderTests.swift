import CSV
import Testing
import TestSupport
import Values

@Suite struct CSVReaderTests {
  private func lines(_ bytes: [UInt8], separator: Character = ",", columns: Int? = nil) -> [[String]] {
    var reader = CSVReader(bytes, separator: separator.asciiValue ?? 0)
    var lines: [[String]] = []
    while let line = reader.next(columns: columns) {
      let cells = line.cells.map { String(decoding: $0, as: UTF8.self) }
      lines.append(line.defect.map { ["\(line.number): \($0)"] } ?? cells)
    }
    return lines
  }
  private func lines(_ text: String, separator: Character = ",", columns: Int? = nil) -> [[String]] {
    lines(Array(text.utf8), separator: separator, columns: columns)
  }

  @Test func cellsAreUnquoted() {
    #expect(lines("\u{feff}a,\"b\", \"c,d\" ,\"say \"\"e\"\"\"\r\n\r\n1;2, ,\"\",\n") == [
      ["a", "b", "c,d", "say \"e\""], ["1;2", "", "", ""],
    ])
    #expect(lines("a;b\r1;\"2\n3\"\r", separator: ";") == [["a", "b"], ["1", "2\n3"]])
    #expect(lines("a\tb\n\t2", separator: "\t") == [["a", "b"], ["", "2"]])
  }

  @Test func utf16IsRead() {
    let text = "تاريخ,b\r\n1,2"
    let little: [UInt8] = [0xff, 0xfe] + text.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
    let big: [UInt8] = [0xfe, 0xff] + text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    #expect(lines(little) == [["تاريخ", "b"], ["1", "2"]])
    #expect(lines(big) == lines(little))
  }

  @Test(arguments: ["\"2", "2,\"3", "\"2\"x"]) func aBrokenLineCostsOnlyItself(_ broken: String) {
    let read = lines("a,b\n1,1\n\(broken)\n3,3\n4,4\n", columns: 2)
    #expect(read.count == 5)
    #expect(read[2].count == 1 && read[2][0].hasPrefix("3: "), "\(read)")
    #expect([read[0], read[1], read[3], read[4]] == [["a", "b"], ["1", "1"], ["3", "3"], ["4", "4"]])
  }

  @Test func aQuotedCellMaySpanLines() {
    #expect(lines("a,b\n\"1\n2\",3\n4,5\n", columns: 2) == [["a", "b"], ["1\n2", "3"], ["4", "5"]])
  }

  @Test func randomBytesNeverTrap() {
    var random = TestRandom("csv")
    let alphabet = Array("\",;\n\r\t 1a".utf8) + [0xff, 0xfe, 0xc3]
    for _ in 0..<3_000 {
      let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
      let lineCount = bytes.count { $0 == 0x0a || $0 == 0x0d } + 1
      #expect(lines(bytes, columns: .random(in: 1...4, using: &random)).count <= lineCount)
    }
  }

  // MARK: - numbers and dates

  @Test(arguments: [
    ("28,653.85", "28653.85"), ("1,250,000", "1250000"), ("-1,234.50", "-1234.50"), ("247.02M", "247020000"),
    ("1.5k", "1500"), ("1.2345B", "1234500000"), (".90", "0.90"), ("5.", "5"), ("+7", "7"), ("1 234.5", "1234.5"),
    ("1\u{a0}234.5", "1234.5"), ("12'345", "12345"), ("1e3", "1000"), ("0.1000000000000000055511151231257827", "0.1"),
    ("1.234", "1.234"),
  ])
  func numbersOfExportsAreRead(text: String, value: String) {
    #expect(CSVNumbers().read(Array(text.utf8)[...]) == .number(ExactDecimal(value)!))
  }

  @Test func ambiguousNumbersNeedADeclaredMark() {
    func read(_ text: String, _ mark: CSVNumbers.Mark?) -> ExactDecimal? {
      guard case .number(let number) = CSVNumbers(mark: mark).read(Array(text.utf8)[...]) else { return nil }
      return number
    }
    #expect(read("1,234", nil) == nil)
    #expect(read("1,234", .point) == ExactDecimal("1234"))
    #expect(read("1,234", .comma) == ExactDecimal("1.234"))
    #expect(read("12,5", nil) == nil && read("12,5", .point) == nil)
    #expect(read("12,5", .comma) == ExactDecimal("12.5"))
    #expect(read("1.234,56", .comma) == ExactDecimal("1234.56"))
    #expect(read("1.234", .comma) == ExactDecimal("1234"))
    for text in ["1,23,4.5", "12.34.56", "x", "1x", "M", "0x10", "inf", "1e400", "--5", "1-2", ","] {
      guard case .unreadable = CSVNumbers().read(Array(text.utf8)[...]) else {
        Issue.record("\(text) was read")
        continue
      }
    }
    for text in ["", "-", "null", "N/A", "NaN", "#N/A", "."] {
      #expect(CSVNumbers().read(Array(text.utf8)[...]) == .absent, "\(text)")
    }
  }

  @Test(arguments: [
    ("MM/DD/YYYY", "07/18/2024", "2024-07-18T00:00:00"), ("mm/dd/yyyy", "7/8/2024", "2024-07-08T00:00:00"),
    ("DD.MM.YY hh:mm", "18.07.24 09:35", "2024-07-18T09:35:00"),
    ("MMM DD, YYYY", "Jul 18, 2024", "2024-07-18T00:00:00"),
    ("YYYYMMDD", "20240718", "2024-07-18T00:00:00"), ("dd-MMM-yy", "18-JUL-69", "2069-07-18T00:00:00"),
    ("hh:mm:ss DD/MM/YYYY", "10:11:12 18/07/2024", "2024-07-18T10:11:12"),
  ])
  func datesAreReadByTheirPattern(pattern: String, text: String, time: String) throws {
    #expect(try #require(CSVDates(pattern)).read(Array(text.utf8)[...])?.description == time)
  }

  @Test func otherTextIsNoDate() throws {
    let dates = try #require(CSVDates("MM/DD/YYYY"))
    for text in ["18/07/2024", "02/30/2024", "07/18/24", "07/18/2024 ", "07-18-2024", "", "07/18/20245", "/18/2024"] {
      #expect(dates.read(Array(text.utf8)[...]) == nil, "\(text)")
    }
    for pattern in ["", "MM/DD", "YYYY-MM", "YYYY-MM-DD-DD", "yes"] { #expect(CSVDates(pattern) == nil, "\(pattern)") }
  }
}
