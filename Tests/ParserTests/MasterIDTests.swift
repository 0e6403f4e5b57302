import Testing

@testable import ParserService

@Suite struct MasterIDTests {
  /// Check digits of the examples: GS1's own worked examples (629104150021 -> 3; 4006381333931) and codes of the
  /// published files.
  @Test(arguments: [
    ("6291041500213", "06291041500213"),
    ("4006381333931", "04006381333931"),
    ("7290000149844", "07290000149844"),
    ("036000291452", "00036000291452"),
    ("96385074", "00000096385074"),
    ("10614141000415", "10614141000415"),
  ])
  func isGlobalWhenTheCheckDigitIsRight(_ code: String, _ expected: String) {
    #expect(gtin(code) == expected)
  }

  @Test(arguments: [
    "6291041500214",  // wrong check digit
    "2000000000008",  // 20-29: numbers of the company's own
    "0200000000004", "0400000000002",
    "00000000", "20000004",  // own numbers of 8 digits
    "0000000000000", "0000000013006",
    "1", "13006", "12345", "", "629104150021X", "729000014985", "123456789012345",
  ])
  func isLocalOtherwise(_ code: String) {
    #expect(gtin(code) == nil)
  }

  private func gtin(_ code: String) -> String? {
    var target = [UInt8](repeating: 0, count: MasterID.digits)
    let isGlobal = Array(code.utf8).withUnsafeBufferPointer { MasterID.gtin14(of: $0, to: &target) }
    return isGlobal ? String(decoding: target, as: UTF8.self) : nil
  }
}
