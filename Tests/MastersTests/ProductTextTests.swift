import Testing
import Values

@testable import Masters

@Suite struct ProductTextTests {
  /// Each line is one product written in several ways.
  @Test(arguments: [
    ["במבה 80 גרם", "במבה 80 גר'", "80 ג' במבה", "במבה  80גרם ", "\u{200F}במבה - 80 gr", "בַּמְבָּה 80 g"],
    ["חלב 3% 1 ליטר", "חלב 3% 1000 מ\"ל", "3% חלב 1L", "חלב 3% 1.0 ל'", "חלב 3% 1000ml", "חלב 3% 1,0 ליטר"],
    ["קולה 6*330 מ\"ל", "קולה 330 מל * 6", "קולה 1.98 ליטר", "קולה 6x330ml", "קולה 6×330 מ״ל"],
    ["Granola HONEY 500g", "granola honey 0.5 kg", "Honey granola 500 G"],
    ["Café Crème 250g", "cafe creme 250 g"],
    ["ביצים L 12 יח'", "ביצים L 12 יחידות", "12 יח ביצים l"],
    ["לחם אחיד", "לחם  \"אחיד\"", "לחם חדש אחיד", "מבצע לחם אחיד"],
    ["יין אדום שלום", "יין אדומ שלומ"],
    ["Пиво светлое 0.5 л", "ПИВО СВЕТЛОЕ 0.5 л"],
  ])
  func manySpellingsOfOneProduct(_ spellings: [String]) {
    let keys = Set(spellings.map { Row(name: $0).text().nameKey().text })
    #expect(keys.count == 1, "\(spellings)")
  }

  @Test(arguments: [
    ("קולה 1.5 ליטר", "קולה 500 מ\"ל"), ("חלב 3% 1 ליטר", "חלב 1% 1 ליטר"), ("במבה 80 גרם", "במבה"),
    ("יוגורט תות", "יוגורט וניל"), ("Granola 500 g", "Granola 500 ml"),
  ])
  func twoProductsAreTwo(_ left: String, _ right: String) {
    #expect(Row(name: left).text().nameKey() != Row(name: right).text().nameKey())
  }

  /// Amounts by hand: an ounce is 28.35 g, a pound 453.592 g (NIST Handbook 44, appendix C).
  @Test(arguments: [
    ("אורז 1 ק\"ג", "1000", "g"), ("אורז 1.25 קג", "1250", "g"), ("תבלין 12.5 גרם", "12.5", "g"),
    ("coffee 12 oz", "340", "g"), ("beef 2 lb", "907", "g"), ("מיץ 0.33 ליטר", "330", "ml"), ("beer 50 cl", "500", "ml"),
    ("נייר 32 גלילים", "32", "pc"),
    ("קולה בקבוק 1.5 לי", "1500", "ml"), ("קפסולות 10 יח' 52 גרם", "52", "g"), ("שתייה 4*1.5 ליטר", "6000", "ml"),
  ])
  func sizesOfNames(_ name: String, _ quantity: String, _ unit: String) {
    let size = Row(name: name).text().size
    #expect(size?.quantity.description == quantity && size?.unit == unit)
  }

  @Test func theColumnsSaySizesThatTheNameDoesNot() {
    #expect(Row(name: "במבה", quantity: "80.00", unit: "גרם").text().size?.quantity.description == "80")
    #expect(Row(name: "במבה 80 גרם", quantity: "1", unit: "יחידה").text().size?.unit == "g")
    #expect(Row(name: "במבה 80 גרם", quantity: "25", unit: "גרם").text().size?.quantity.description == "80")
    #expect(Row(name: "במבה", quantity: "1", unit: "יחידה").text().size == nil, "one piece says nothing")
    #expect(Row(name: "במבה", quantity: "100", unit: "100 גרם").text().size == nil, "what the unit price is for")
    #expect(Row(name: "עגבניות", quantity: "1", unit: "ק\"ג", isWeighted: true).text().size == nil)
  }

  /// Some chains count in hundreds of grams or millilitres and call them pieces.
  @Test(arguments: [
    ("מקלות בייגלה", "4", "'יח", "ל-100 גרם", "400", "g"), ("שוק שוקו בבקבוק", "3.40", "יח`", "100 מ\"ל", "340", "ml"),
    ("מקלות בייגלה 250 גרם", "4", "'יח", "ל-100 גרם", "250", "g"), ("אגוזים", "4", "יח'", "יח'", "4", "pc"),
    ("אגוזים", "4", "יח'", "", "4", "pc"), ("אגוזים", "200", "גרמים", "100 גרם", "200", "g"),
  ])
  func whatAPieceIsSaysTheUnitPrice(
    _ name: String, _ quantity: String, _ unit: String, _ measure: String, _ size: String, _ sizeUnit: String
  ) {
    let found = Row(name: name, quantity: quantity, unit: unit, measure: measure).text().size
    #expect(found?.quantity.description == size && found?.unit == sizeUnit)
  }

  /// Of what is poured some chains publish the weight, others the volume.
  @Test func gramsAndMillilitresOfTheSameNumberAreAlike() throws {
    func size(_ quantity: String, _ unit: String) throws -> ProductSize {
      try #require(Row(name: "סבון", quantity: quantity, unit: unit).text().size)
    }
    let litre = try size("1", "ליטר")
    #expect(try size("1", "ק\"ג").amount == litre.amount)
    #expect(try size("1", "ק\"ג") != litre)
    #expect(try size("1000", "יח'").amount != litre.amount)
    #expect(try size("1500", "מ\"ל").amount != litre.amount)
  }

  @Test func theBrandMayStandInEitherColumn() {
    let keys = [
      Row(name: "במבה אסם 80 גרם", brand: "אסם"), Row(name: "במבה 80 גרם", brand: "אסם"),
      Row(name: "אסם במבה 80 גרם", brand: "לא ידוע"), Row(name: "אסם במבה 80 גרם", brand: "אסם בע\"מ"),
    ].map { $0.text().nameKey() }
    #expect(Set(keys).count == 1)
  }

  /// 128-bit FNV-1a of "במבה " and "800g", computed with Python from its published constants; the first bit set.
  @Test func theIDIsThatOfTheFormula() {
    #expect(Row(name: "במבה 80 גרם").text().nameKey().text == "name:8441819a961ffaf4667644772fa2d090")
  }

  @Test func anythingIsTaken() {
    for name in ["", " ", "%%%", "''''", "12", "*", "6*", "3*3*3*3", "\u{FFFD}\u{0}", String(repeating: "א ", count: 500),
      String(repeating: "ב", count: 5_000), "1.2.3.4 ק\"ג", "999999999999999999 ק\"ג", "0 גרם"]
    {
      let text = Row(name: name, brand: name, quantity: "999999999999", unit: "ק\"ג").text()
      #expect(text.nameKey().isName)
    }
  }
}
