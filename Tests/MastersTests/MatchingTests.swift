import Masters
import Testing

@Suite struct MatchingTests {
  private let catalogue = [
    Row(name: "יוגורט תות 150 גרם", brand: "יופלה"), Row(name: "יוגורט וניל 150 גרם", brand: "יופלה"),
    Row(name: "חלב טרי 3% 1 ליטר", brand: "תנובה"), Row(name: "חלב טרי 1% 1 ליטר", brand: "תנובה"),
    Row(name: "חלב טרי 3% 1 ליטר", brand: "טרה"), Row(name: "משקה קולה זירו 1.5 ליטר", brand: "שתיל"),
    Row(name: "שוקולד מריר תפוז 100 גרם", brand: "כרמית"), Row(name: "Dark chocolate orange 100 g", brand: "Kalmora"),
    Row(name: "קוקה קולה 330 מ\"ל", brand: "החברה המרכזית"), Row(name: "עגבניות שרי"),
  ]

  private func answer(_ row: Row, threshold: Double = MasterMatcher.defaultThreshold) -> String? {
    let index = MasterIndex.holding(catalogue)
    switch row.match(MasterMatcher(threshold: threshold), index) {
    case .exact(let key), .similar(let key, _):
      return catalogue.first { $0.text().nameKey() == key }.map { "\($0.name)|\($0.brand)" } ?? key.text
    case .new, .unknown: return nil
    }
  }

  @Test(arguments: [
    (Row(name: "יוגרט תות 150 גרם", brand: "יופלה"), "יוגורט תות 150 גרם|יופלה"),
    (Row(name: "יופלה יוגורט תות 150 ג'"), "יוגורט תות 150 גרם|יופלה"),
    (Row(name: "שוק' מריר תפוז 100 גרם", brand: "כרמית"), "שוקולד מריר תפוז 100 גרם|כרמית"),
    (Row(name: "1L חלב טרי תנובה 3%", brand: "לא ידוע"), "חלב טרי 3% 1 ליטר|תנובה"),
    (Row(name: "DARK CHOCOLTE ORANGE", brand: "Kalmora", quantity: "100", unit: "גרם"),
      "Dark chocolate orange 100 g|Kalmora"),
    (Row(name: "קוקהקולה 330 מל", brand: "החברה המרכזית"), "קוקה קולה 330 מ\"ל|החברה המרכזית"),
    (Row(name: "משקה קולה זירו 6*250 מ\"ל", brand: "שתיל"), "משקה קולה זירו 1.5 ליטר|שתיל"),
    (Row(name: "עגבניות שרי", quantity: "1", unit: "ק\"ג", isWeighted: true), "עגבניות שרי|"),
  ])
  func theSameProductInOtherWords(_ row: Row, _ expected: String) {
    #expect(answer(row) == expected)
  }

  /// Everything but one thing is equal.
  @Test(arguments: [
    Row(name: "משקה קולה זירו 500 מ\"ל", brand: "שתיל"),  // size
    Row(name: "משקה קולה זירו", brand: "שתיל"),  // no size
    Row(name: "יוגורט אפרסק 150 גרם", brand: "יופלה"),  // flavour
    Row(name: "יוגורט תות 150 גרם", brand: "דנונה"),  // maker
    Row(name: "חלב טרי 2% 1 ליטר", brand: "תנובה"),  // number
    Row(name: "יוגורט תות לייט 150 גרם", brand: "יופלה"),  // a word more
    Row(name: "משקה קולה 1.5 ליטר", brand: "שתיל"),  // a word less
    Row(name: "Dark chocolate mint 100 g", brand: "Kalmora"),
    Row(name: "חלב טרי 3% 1 ליטר"),  // two makers would fit
  ])
  func hardNegatives(_ row: Row) {
    #expect(answer(row) == nil)
  }

  @Test func theThresholdDecides() {
    let index = MasterIndex.holding(catalogue)
    let row = Row(name: "שוק' מריר תפו' 100 גרם", brand: "כרמית")
    guard case .similar(let key, let score) = row.match(MasterMatcher(threshold: 0.5), index) else {
      Issue.record("not found at all")
      return
    }
    #expect((500..<1_000).contains(score))
    #expect(row.match(MasterMatcher(threshold: Double(score) / 1_000), index) == .similar(key, score: score))
    #expect(row.match(MasterMatcher(threshold: Double(score + 1) / 1_000), index) == .new(row.text().nameKey()))
  }

  @Test func withoutANameThereIsNothingToGoBy() {
    let index = MasterIndex.holding(catalogue)
    for name in ["", "12345", "100 גרם"] {
      #expect(Row(name: name, brand: "תנובה").match(MasterMatcher(threshold: 0.86), index) == .unknown(.noName))
    }
  }

  @Test func aGTINIsKnownOrNew() throws {
    let (known, other) = (try #require(GTIN("7290000149844")), try #require(GTIN("4006381333931")))
    let matcher = MasterMatcher(threshold: 0.86)
    for mode in [MatchMode.gtin, .full] {
      let index = MasterIndex(mode: mode)
      let master = Row(name: "חלב טרי 1 ליטר").master(MasterKey(known))
      #expect(index.change { $0.put(master) } == .put)
      #expect(index.change { $0.put(master) } == .unchanged)
      #expect(index.read { matcher.match(known, in: $0) } == .exact(MasterKey(known)))
      #expect(index.read { matcher.match(other, in: $0) } == .new(MasterKey(other)))
      #expect(index.change { $0.remove("gtin:07290000149844") } == .removed)
      #expect(index.read { matcher.match(known, in: $0) } == .new(MasterKey(known)))
      #expect(index.change { $0.remove("nonsense") } == .unusable)
    }
  }

  @Test func aFullIndexTakesNoMoreAndSaysSo() {
    let index = MasterIndex.holding(Array(catalogue.prefix(3)), limits: .init(count: 3))
    #expect(index.current.isFull)
    let row = Row(name: "משהו אחר לגמרי")
    #expect(index.change { $0.put(row.master()) } == .refused)
    #expect(index.current.refused == 1)
    let matcher = MasterMatcher(threshold: 0.86)
    #expect(row.match(matcher, index) == .unknown(.full))
    #expect(catalogue[0].match(matcher, index) == .exact(catalogue[0].text().nameKey()))
  }
}
