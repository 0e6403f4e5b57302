import Testing
import Values

@Suite struct PublishedDecimalTests {
  private func read(_ text: String) -> String? { ExactDecimal(published: Array(text.utf8).span.bytes)?.description }

  @Test(arguments: [
    ("12.90", "12.90"), ("007.50", "7.50"), (".90", "0.90"), ("5.", "5"), ("-.5", "-0.5"), ("+5", "5"), ("+.5", "0.5"),
    ("1,290.00", "1290.00"), ("1,290.", "1290"), ("12,345,678.9", "12345678.9"), ("1,290,000", "1290000"),
    ("-1,290.5", "-1290.5"), ("1.290,00", "1290.00"), ("1.290.000", "1290000"), ("1.290.000,5", "1290000.5"),
  ])
  func unambiguousNumbersAreRead(_ text: String, _ expected: String) { #expect(read(text) == expected) }

  @Test(arguments: [
    "1,290", "12,9", "0,90", ",90", "5,", "12,90.00", "1,29,000", "1,2900.00", ",290.00", "1.29.00", "1,290.00.0",
    "1,290,00.5", "1,290.00,5", ".", ",", "+", "-", "", "+-5", "--5", "1 290", "₪5", "5%", "1e", ".e5", "NaN",
    "1,234,567,890,123,456,789.00",
  ])
  func ambiguousNumbersAreRefused(_ text: String) { #expect(read(text) == nil) }
}
