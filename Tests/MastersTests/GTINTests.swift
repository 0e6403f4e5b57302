import Masters
import Testing

@Suite struct GTINTests {
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
    #expect(GTIN(code)?.text == expected)
    #expect(GTIN(code).map { MasterKey($0).text } == "gtin:" + expected)
  }

  @Test(arguments: [
    "6291041500214",  // wrong check digit
    "2000000000008",  // 20-29: numbers of the company's own
    "0200000000004", "0400000000002",
    "00000000", "20000004",  // own numbers of 8 digits
    "0000000000000", "0000000013006",
    "1", "13006", "12345", "1234567", "", "629104150021X", "729000014985", "123456789012345",
  ])
  func isLocalOtherwise(_ code: String) {
    #expect(GTIN(code) == nil)
  }

  /// One product scanned in four ways is one master.
  @Test func allLengthsOfOneNumberAreOneProduct() {
    #expect(GTIN("036000291452") == GTIN("0036000291452"))
    #expect(GTIN("036000291452") == GTIN("00036000291452"))
    #expect(GTIN("96385074") == GTIN("00000096385074"))
  }

  @Test func anIDIsReadAsItIsWritten() {
    for text in ["gtin:07290000149844", "name:8000000000000001fedcba9876543210"] {
      #expect(MasterKey(text)?.text == text)
    }
    for text in ["", "gtin:", "gtin:7290000149844", "gtin:0729000014984x", "rami_levy:13006",
      "name:00000000000000010000000000000001", "name:8000"]
    {
      #expect(MasterKey(text) == nil)
    }
  }
}
