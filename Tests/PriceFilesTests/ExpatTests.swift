import Foundation
import PriceFiles
import TestSupport
import Testing

/// The tokenizer against expat (through Python's standard library): they accept the same documents, except where the
/// tokenizer is laxer on purpose.
@Suite struct ExpatTests {
  @Test func acceptsWhatExpatAccepts() throws {
    var random = TestRandom("expat")
    let base = Array("""
      <?xml version="1.0"?><Root a="1" b='2'><!-- c --><Items Count="2"><Item><ItemCode>1</ItemCode><ItemName>x &amp; y\
      </ItemName><ItemPrice>1.5</ItemPrice></Item><Item ><ItemCode>2</ItemCode ><ItemPrice>2</ItemPrice><E/><F /></Item\
      ></Items><?p q?></Root>
      """.utf8)
    let alphabet = Array("<>/!?-=\"' aI1&;[]C\n".utf8)
    var documents = [base]
    for _ in 0..<3_000 {
      var document = base
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let at = Int.random(in: 21..<document.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: document[at] = alphabet.randomElement(using: &random)!
        case 1: document.insert(alphabet.randomElement(using: &random)!, at: at)
        default: document.remove(at: at)
        }
      }
      documents.append(document)
    }
    let results = try expat(documents)
    #expect(results.count == documents.count)
    #expect(results.first == true)
    var accepted = 0
    for (document, expatAccepts) in zip(documents, results) {
      let summary = read(document).summary
      // Rows without code or price, and documents that are not price files, are not a matter of markup.
      let weAccept = summary.defect == nil
      let text = String(decoding: document, as: UTF8.self)
      if expatAccepts {
        accepted += 1
        #expect(weAccept || Self.isRefusedOnPurpose(summary), "\(summary.defect?.description ?? ""): \(text)")
      } else if weAccept {
        #expect(Self.isLaxOnPurpose(text), "expat refuses: \(text)")
      }
    }
    #expect(accepted > 100)
  }

  /// HTML roots and DOCTYPEs are well-formed, but are refused.
  private static func isRefusedOnPurpose(_ summary: PriceFileSummary) -> Bool {
    [.refused, .notXMLOrHTML].contains(summary.outcome)
  }

  /// Stray `&`, `]]>` in text, repeated attributes, `--` in comments, the target `xml` and blanks before the
  /// declaration, attributes in it.
  private static func isLaxOnPurpose(_ text: String) -> Bool {
    let stripped = text.replacing("&amp;", with: "")
    return stripped.contains("&") || text.contains("]]>") || text.contains("--") || text.contains("<?")
      || ["a=", "b=", "I=", "Count="].contains { name in text.split(separator: name).count > 2 }
  }

  private func expat(_ documents: [[UInt8]]) throws -> [Bool] {
    let script = """
      import sys, xml.parsers.expat as expat
      data = sys.stdin.buffer.read()
      at = 0
      while at < len(data):
          size = int.from_bytes(data[at:at + 4], "little")
          document = data[at + 4:at + 4 + size]
          at += 4 + size
          try:
              expat.ParserCreate("utf-8").Parse(document, True)
              print(1)
          except expat.ExpatError:
              print(0)
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    let input = FileManager.default.temporaryDirectory.appendingPathComponent("souk-expat-\(UUID().uuidString)")
    var data = Data()
    for document in documents {
      withUnsafeBytes(of: UInt32(document.count).littleEndian) { data.append(contentsOf: $0) }
      data.append(contentsOf: document)
    }
    try data.write(to: input)
    defer { try? FileManager.default.removeItem(at: input) }
    process.standardInput = try FileHandle(forReadingFrom: input)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let lines = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "python3 with its standard library is needed: install python3")
    return String(decoding: lines, as: UTF8.self).split(separator: "\n").map { $0 == "1" }
  }
}
