import PriceFiles
import Testing
import Values

@Suite struct UnitOfMeasureTests {
  private func unit(_ text: String) -> UnitOfMeasure? { Array(text.utf8).withUnsafeBufferPointer { UnitOfMeasure($0) } }

  /// The price of one unit when the published price for the measure is 12.90.
  @Test(arguments: [
    ("100 גרם", "kg", "129.00"), ("ל-100 גרם", "kg", "129.00"), ("גרם", "kg", "12900.00"), ("ק\"ג", "kg", "12.90"),
    ("1 ק\"ג", "kg", "12.90"), ("לק\"ג", "kg", "12.90"), ("קילו", "kg", "12.90"), ("קג", "kg", "12.90"),
    ("שקיל", "kg", "12.90"), ("16 גרם", "kg", "806.25"), ("100 מ\"ל", "l", "129.00"), ("100 מ'ל", "l", "129.00"),
    ("100 מל", "l", "129.00"), ("100 מיליליטר", "l", "129.00"), ("ל-100 מ\"ל", "l", "129.00"), ("מ'ל", "l", "12900.00"),
    ("ליטר", "l", "12.90"), ("1 ליטר", "l", "12.90"), ("לליטר", "l", "12.90"), ("100 ליטר", "l", "0.129"),
    ("מטר", "m", "12.90"), ("מטרים", "m", "12.90"), ("100 מטר", "m", "0.129"), ("ס\"מ", "m", "1290.00"),
    ("ל-100 ס\"מ", "m", "12.90"), ("יחידה", "unit", "12.90"), ("1 יחידה", "unit", "12.90"), ("יח'", "unit", "12.90"),
    ("'יח", "unit", "12.90"), ("יח`", "unit", "12.90"), ("יחי'", "unit", "12.90"), ("יח", "unit", "12.90"),
    ("10  יח'", "unit", "1.29"), ("100 יח'", "unit", "0.129"), ("למארז", "unit", "12.90"), ("100 g", "kg", "129.00"),
    ("KG", "kg", "12.90"), ("100ml", "l", "129.00"), ("Unit", "unit", "12.90"), ("100 מ״ל", "l", "129.00"),
    ("250 סמ\"ק", "l", "51.60"), ("100 cc", "l", "129.00"), ("10 cl", "l", "129.00"), ("1 ד\"ל", "l", "129.00"),
    ("500 מ\"ג", "kg", "25800.00"), ("1 טון", "kg", "0.0129"), ("12 גלילים", "unit", "1.0749957"), ("כביסות", "unit", "12.90"),
    ("100 غرام", "kg", "129.00"), ("لتر", "l", "12.90"), ("100 г", "kg", "129.00"), ("1,000.0 גרם", "kg", "12.90"),
    (".5 liter", "l", "25.80"), ("0.5 liter", "l", "25.80"), ("3 units", "unit", "4.2999957"),
  ])
  func spellings(_ text: String, _ expected: String, _ price: String) throws {
    let measure = try #require(unit(text))
    #expect(measure.unit.rawValue == expected)
    #expect(try measure.price(of: #require(ExactDecimal("12.90")))?.description == price)
  }

  @Test(arguments: ["100.00", "0.00", "00000", "1", "1.00", "לא ידוע", "Unknown", "0 גרם", "-1 kg", "1.2.3 kg", "x", "1,000 גרם"])
  func textWithoutAUnitIsRefused(_ text: String) { #expect(unit(text) == nil) }

  @Test func unknownAndImpossiblePrices() throws {
    let measure = try #require(unit("גרם"))
    #expect(measure.price(of: .zero) == nil)
    #expect(try measure.price(of: #require(ExactDecimal("123456789012345678"))) == nil)
  }
}
