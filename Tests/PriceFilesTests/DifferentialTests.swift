import Foundation
import PriceFiles
import Testing
import TestSupport

/// 10,000 damaged files against expat (through Python's standard library, `read_rows.py`): every file ends with an
/// outcome and a complete summary, none crashes, and where expat accepts the XML the rows are the same.
@Suite struct DifferentialTests {
  @Test func damagedFilesAgreeWithExpat() async throws {
    var random = TestRandom("differential")
    let documents = (0..<10_000).map { Self.document($0, &random) }
    let expected = try expat(documents)
    try #require(expected.count == documents.count)
    var outcomes: [PriceFileOutcome: Int] = [:]
    var compared = 0
    for (index, document) in documents.enumerated() {
      let (rows, summary, _) = read(document)
      outcomes[summary.outcome, default: 0] += 1
      #expect(summary.rows == summary.keptRows + summary.repeatedRows + summary.rejected.total)
      #expect(summary.kind != .prices || rows.count == summary.keptRows)
      #expect(summary.defect == nil || summary.defect?.outcome == summary.outcome)
      guard let (lines, isNested) = expected[index] else { continue }
      // A row inside a row is well-formed, but the end tag of the outer one is missing.
      let isRead = [.ok, .empty, .unknownDocument, .refused, .notXMLOrHTML].contains(summary.outcome)
        || isNested && summary.defect?.code == "xml_missing_end_tag"
      #expect(isRead, "\(index): \(summary.outcome) \(summary.defect?.description ?? "")")
      guard summary.defect == nil, summary.kind == .prices else { continue }
      let found = rows.map { Self.line([$0[.code], $0.price, $0[.name], $0[.manufacturer], $0[.unitQty]]) }
      #expect(found == lines, "document \(index): \(String(decoding: document, as: UTF8.self))")
      compared += 1
    }
    // The comparison must have compared something.
    #expect(compared > 1_000)
    #expect(outcomes[.ok, default: 0] > 1_000)
    #expect(outcomes[.malformed, default: 0] > 1_000)
  }

  private static let seeds: [[UInt8]] = Fixtures.all.map { Array($0.text.utf8) }
    + (RecordFixtures.promotions + RecordFixtures.stores).map { Array($0.utf8) }
    + [Fixtures.windows1255(Fixtures.many(3)), Fixtures.utf16(Fixtures.bina, bigEndian: true, marked: true)]
    + (0..<12).map { Array(Fixtures.many($0 % 4 + 2).utf8) }

  private static let snippets: [[UInt8]] = [
    "<", ">", "</", "/>", "<!--", "-->", "<!-- x -->", "<![CDATA[", "]]>", "<![CDATA[a]]>", "&", "&amp;", "&#x5d0;",
    "<?", "?>", "<?p q?>", "<Item>", "</Item>", "<Item/>", "\"", "'", "=", "<!DOCTYPE html>", "<Items>", "</Root>",
    "\0",
    "\u{FEFF}", " ", "\n", "\r\n", "\t", "x", "1", "<X>", "</X>", "<X/>", "<ItemCode>7</ItemCode>", "<Item a='>'>",
  ].map { Array($0.utf8) } + [[0xFF], [0xD7], [0x80], [0xFE, 0xFF]]

  private static func document(_ index: Int, _ random: inout TestRandom) -> [UInt8] {
    var bytes = seeds[index % seeds.count]
    for _ in 0..<Int.random(in: 1...2, using: &random) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 6...:
        // Damage to a value, which leaves the markup whole.
        let digits = bytes.indices.filter { bytes[$0] &- UInt8(ascii: "0") < 10 }
        guard let digit = digits.randomElement(using: &random) else { continue }
        bytes[digit] = Array("0123456789. x".utf8).randomElement(using: &random) ?? bytes[digit]
      case 0: bytes[at] = UInt8.random(in: 0x20...0x7E, using: &random)
      case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
      case 2, 3: bytes.insert(contentsOf: snippets.randomElement(using: &random) ?? [], at: at)
      case 4: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...30, using: &random)))
      default:
        // Pieces between two angle brackets stay well-formed more often.
        let angles = bytes.indices.filter { bytes[$0] == UInt8(ascii: "<") }
        guard angles.count > 2 else { continue }
        let start = Int.random(in: 0..<angles.count - 1, using: &random)
        let end = min(angles.count - 1, start + Int.random(in: 1...6, using: &random))
        let piece = Array(bytes[angles[start]..<angles[end]])
        bytes.insert(contentsOf: piece, at: angles.randomElement(using: &random) ?? 0)
      }
    }
    return bytes
  }

  /// Collapses runs of blanks: XML turns the two bytes of a line break into one character.
  private static func line(_ fields: [String]) -> String {
    fields.map { $0.split { $0 == " " || $0.isNewline || $0 == "\t" }.joined(separator: " ") }.joined(separator: "|")
  }

  /// - Returns: for each document its rows, and whether an element holds another of its name; nil when it is not
  ///   well-formed.
  private func expat(_ documents: [[UInt8]]) throws -> [(rows: [String], isNested: Bool)?] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("souk-expat-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var data = Data()
    for document in documents {
      withUnsafeBytes(of: UInt32(document.count).littleEndian) { data.append(contentsOf: $0) }
      data.append(contentsOf: document)
    }
    let (input, output) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
    try data.write(to: input)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("read_rows.py")
    process.arguments = ["python3", script.path, input.path, output.path]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "python3 with its standard library is needed: install python3")
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    let parts = text.split(separator: "\u{1E}", omittingEmptySubsequences: false).dropLast()
    return parts.map { part -> (rows: [String], isNested: Bool)? in
      if part.first == "!" { return nil }
      let isNested = part.first == "~"
      let rows = part.drop { $0 == "~" }.split(separator: "\u{1D}").map(String.init)
      return (rows: rows, isNested: isNested)
    }
  }
}
