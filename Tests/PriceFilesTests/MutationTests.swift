import PriceFiles
import TestSupport
import Testing

/// Damaged files: nothing crashes, the summary adds up, and reading in pieces gives the same as reading at once.
@Suite struct MutationTests {
  @Test func damagedTextNeverBreaksTheSummary() {
    var random = TestRandom("mutated price files")
    let snippets: [[UInt8]] = [
      "<", ">", "</", "/>", "<!--", "-->", "<![CDATA[", "]]>", "&", "&amp;", "<?", "?>", "<Item>", "</Item>", "\"", "'",
      "=", "<!DOCTYPE html>", "<Items>", "</Root>", "\0", "\u{FEFF}", " ", "\n",
    ].map { Array($0.utf8) } + [[0xFF], [0xD7], [0x80], [0xFE, 0xFF]]
    let seeds = Fixtures.all.map { Array($0.text.utf8) } + [Array(Fixtures.many(20).utf8)]
      + [Fixtures.windows1255(Fixtures.many(20)), Fixtures.utf16(Fixtures.bina, bigEndian: true, marked: true)]
    for round in 0..<600 {
      var bytes = seeds[round % seeds.count]
      for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(contentsOf: snippets.randomElement(using: &random)!, at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...40, using: &random)))
        default:
          let end = min(bytes.count, at + Int.random(in: 1...200, using: &random))
          bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random))
        }
      }
      let packed = round % 3 == 0 ? gzipped(bytes) : bytes
      let whole = read(packed)
      let pieces = read(packed) { Int.random(in: 1...40, using: &random) }
      let summary = whole.summary
      #expect(summary.withoutProgress == pieces.summary.withoutProgress, "round \(round)")
      if summary.outcome.rowsAreTrustworthy { #expect(whole.rows == pieces.rows, "round \(round)") }
      #expect(whole.rows.count == summary.keptRows, "round \(round)")
      #expect(summary.rows == summary.keptRows + summary.repeatedRows + summary.rejected.total)
      #expect(whole.rows.allSatisfy { !$0[.code].isEmpty && !$0.price.isEmpty })
    }
  }
}
