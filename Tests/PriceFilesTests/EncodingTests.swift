import PriceFiles
import TestSupport
import Testing

@testable import PriceFiles

@Suite struct EncodingTests {
  @Test(arguments: Fixtures.all.map(\.name)) func everyEncodingGivesTheSameRows(_ name: String) throws {
    let text = try #require(Fixtures.all.first { $0.name == name }).text
    let plain = text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
    let expected = read(Array(plain.utf8))
    #expect(expected.summary.encoding == .utf8)
    let forms: [(TextEncoding, [UInt8])] = [
      (.utf8Marked, Array("\u{FEFF}\(plain)".utf8)),
      (.utf16LittleEndian, Fixtures.utf16(plain, bigEndian: false, marked: true)),
      (.utf16BigEndian, Fixtures.utf16(plain, bigEndian: true, marked: true)),
      (.utf16LittleEndian, Fixtures.utf16(plain, bigEndian: false, marked: false)),
      (.utf16BigEndian, Fixtures.utf16(plain, bigEndian: true, marked: false)),
      (.windows1255, Fixtures.windows1255(plain)),
    ]
    for (encoding, bytes) in forms {
      for size in [bytes.count, 1, 7, 1000] {
        let found = read(bytes) { size }
        #expect(found.summary.encoding == encoding)
        #expect(found.rows == expected.rows, "\(encoding) in pieces of \(size)")
        #expect(found.summary.outcome == .ok)
      }
    }
  }

  /// A file has one encoding: a byte that cannot be UTF-8 makes everything before it windows-1255 too, though that part
  /// is valid in both.
  @Test func theEncodingHoldsForTheWholeFile() {
    // 0xD7 0x90 is the letter alef in UTF-8, and a letter sign and an undefined position in windows-1255.
    var bytes = Array(Fixtures.many(3_000).utf8)
    var expected = read(bytes)
    #expect(!expected.restarted && expected.summary.encoding == .utf8)
    let cut = bytes.count - 400
    let tag = Array("<ItemName>".utf8)
    guard let at = (cut..<bytes.count).first(where: { bytes[$0...].starts(with: tag) }) else {
      Issue.record("no name in the last rows")
      return
    }
    bytes[at + tag.count] = 0xE0
    let whole = read(bytes)
    #expect(whole.summary.encoding == .windows1255)
    #expect(whole.restarted)
    #expect(whole.rows.count == 3_000)
    #expect(whole.rows.first?[.name].unicodeScalars.first != "מ")
    #expect(whole.summary.badCharacters > 0)
    let pieces = read(bytes) { 999 }
    #expect(pieces.rows == whole.rows)
    // As long as only ASCII was handed over, nothing has to be read again.
    expected = read(Fixtures.windows1255(Fixtures.many(3_000)))
    #expect(expected.summary.encoding == .windows1255)
    #expect(!expected.restarted)
  }

  @Test func aByteOrderMarkOverridesInvalidBytes() {
    var bytes = Array(Fixtures.cerberus.utf8)
    guard let at = bytes.indices.first(where: { $0 > 3 && bytes[$0] == 0xD7 }) else { return }
    bytes[at] = 0xFF
    let found = read(bytes)
    #expect(found.summary.encoding == .utf8Marked)
    #expect(found.rows.count == 2)
    #expect(found.summary.badCharacters == 2)
  }

  @Test func unpairedSurrogatesAreReplaced() {
    let text = "<Root><Items><Item><ItemCode>1</ItemCode><ItemPrice>1</ItemPrice><ItemName>a?b😀</ItemName></Item>"
      + "</Items></Root>"
    var bytes = Fixtures.utf16(text, bigEndian: true, marked: false)
    guard let at = bytes.indices.first(where: { bytes[$0] == UInt8(ascii: "?") }) else { return }
    (bytes[at - 1], bytes[at]) = (0xD8, 0x00)
    let found = read(bytes) { 3 }
    #expect(found.rows.first?[.name] == "a\u{FFFD}b😀")
    #expect(found.summary.badCharacters == 1)
  }

  /// Against the standard library, on text cut and damaged at random.
  @Test func utf8ChecksAgreeWithTheStandardLibrary() {
    var random = TestRandom("utf-8")
    let alphabet = ["a", "אבג", "שלום ", "<Item>", "€", "😀", "\u{7FF}\u{800}", "                "]
      .map { Array($0.utf8) }
    let endings: [[UInt8]] = [
      [0x80], [0x90, 0x80], [0xA0, 0x80, 0x80], [0x80, 0x80], [0xA0, 0x80], [0xBF, 0x80, 0x80], [0x90, 0x80, 0x80],
      [0x80, 0x80, 0x80],
    ]
    let odd: [UInt8] = [0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0xFF, 0xD7, 0xA0]
    for _ in 0..<4_000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...20, using: &random) { bytes += alphabet.randomElement(using: &random)! }
      for _ in 0..<Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = odd.randomElement(using: &random)!
      }
      if Bool.random(using: &random) { bytes.removeLast(min(bytes.count, Int.random(in: 0...3, using: &random))) }
      let padded = [0] + bytes
      let result = padded.withUnsafeBufferPointer { UTF8Checker.check($0.baseAddress! + 1, count: bytes.count) }
      let isValid = String(validating: bytes, as: UTF8.self) != nil
      #expect((result.validCount == bytes.count) == isValid, "\(bytes)")
      let prefix = Array(bytes[..<result.validCount])
      #expect(String(validating: prefix, as: UTF8.self) != nil, "\(bytes)")
      #expect(result.hasNonASCII == prefix.contains { $0 >= 0x80 })
      if !isValid, !result.isInvalid {
        // Only cut off: a few more bytes would complete it.
        #expect(bytes.count - result.validCount <= 3)
        #expect(endings.contains { String(validating: bytes + $0, as: UTF8.self) != nil }, "\(bytes)")
      }
    }
  }
}
