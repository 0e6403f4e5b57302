import PriceFiles
import Testing

/// Codes and ids that come more than once in a file.
@Suite struct RepeatTests {
  private func item(_ code: String, _ price: String, _ updated: String) -> String {
    "<Item><PriceUpdateDate>\(updated)</PriceUpdateDate><ItemCode>\(code)</ItemCode>"
      + "<ItemPrice>\(price)</ItemPrice></Item>"
  }

  @Test func theNewestRowCountsOrTheFirstOfEqualOnes() {
    let rows = [
      item("1", "1", "2026-08-30"), item("2", "2", "2026-08-30 10:00"), item("1", "3", "2026-09-01 09:15"),
      item("2", "4", "2026-08-30 10:00:00"), item("1", "bad", "2026-09-03"), item("1", "5", "2026-09-01"),
      item("3", "6", ""), item("3", "7", "whenever"), item("4", "8", ""), item("4", "9", "2020-01-01"),
    ]
    let bytes = Array("<Root><Items>\(rows.joined())</Items></Root>".utf8)
    for size in [bytes.count, 1] {
      let (rows, summary, isRestarted) = read(bytes) { size }
      #expect(rows.map { "\($0[.code]) \($0.price) \($0.index)" } == ["2 2 1", "1 3 2", "3 6 6", "4 9 9"])
      #expect(isRestarted)
      #expect((summary.rows, summary.repeatedRows, summary.distinctCodes) == (10, 5, 4))
      #expect(summary.keptRows == 4)
    }
    // Repeats that are not newer need no second pass.
    let older = Array("<Root><Items>\(item("1", "1", "2026-08-30"))\(item("1", "2", "2026-08-29"))</Items></Root>".utf8)
    #expect(!read(older).restarted)
  }

  private func sale(
    _ id: String, _ code: String, _ updated: String = "2026/09/01 06:00", price: String = "1"
  ) -> String {
    "<Sale><PriceUpdateDate>\(updated)</PriceUpdateDate><ItemCode>\(code)</ItemCode><PromotionID>\(id)</PromotionID>"
      + "<DiscountedPrice>\(price)</DiscountedPrice><ClubID>\(code)</ClubID></Sale>"
  }

  @Test func scatteredPromotionsAreMerged() {
    let rows = [
      sale("1", "a"), sale("2", "b"), sale("1", "c", "2026/09/02 06:00", price: "2"), sale("3", "d"), sale("1", "a"),
      sale("2", "e", "2026/08/01 06:00", price: "9"),
    ]
    let bytes = Array("<Promos><Sales>\(rows.joined())</Sales></Promos>".utf8)
    for size in [bytes.count, 1, 9] {
      let (found, summary) = records(bytes) { size }
      // Adjacent promotions come first.
      #expect(found.map { $0[.id] } == ["3", "1", "2"])
      #expect(found.map { $0.items.map { $0.prefix(1) }.joined() } == ["d", "ac", "be"])
      #expect(found.map { $0.clubs.joined() } == ["d", "ac", "be"])
      #expect(found.map { $0[.discountedPrice] } == ["1", "2", "1"])
      #expect((summary.rows, summary.repeatedRows, summary.keptRows, summary.distinctCodes) == (6, 3, 3, 3))
      #expect(summary.outcome == .ok)
    }
  }

  @Test func adjacentRowsKeepTheNewestFields() {
    let rows = [sale("1", "a"), sale("1", "c", "2026/09/02 06:00", price: "2"), sale("1", "e", price: "3")]
    let (found, summary) = records(Array("<Promos><Sales>\(rows.joined())</Sales></Promos>".utf8))
    #expect(found.map { $0[.discountedPrice] } == ["2"])
    #expect(found.first?.items.count == 3)
    #expect(summary.rows == 1)
  }

  @Test func aMergedPromotionHasTheUsualLimit() {
    var limits = PriceFileLimits()
    limits.recordBytes = 2_000
    let rows = (0..<40).map { sale("1", "item\($0)") + sale("x\($0)", "y") }.joined()
    let (found, summary) = records(Array("<Promos><Sales>\(rows)</Sales></Promos>".utf8), limits: limits)
    #expect(found.count == 40)
    #expect(summary.rejected.tooLarge == 1)
    #expect(summary.unusableCodes == [Array("1".utf8)])
  }

  @Test func theNewestStoreCounts() {
    func branch(_ id: String, _ name: String, _ date: String, _ time: String) -> String {
      "<Branch><ChainID>1</ChainID><StoreID>\(id)</StoreID><StoreName>\(name)</StoreName>"
        + "<LastUpdateDate>\(date)</LastUpdateDate><LastUpdateTime>\(time)</LastUpdateTime></Branch>"
    }
    let rows = [
      branch("1", "old", "02/11/2022", "06:00:01"), branch("2", "b", "", ""),
      branch("01", "new", "01/12/2022", "05:00"),
      branch("1", "older", "31/10/2022", "07:00:00"),
    ]
    let (found, summary) = records(Array("<Store><Branches>\(rows.joined())</Branches></Store>".utf8))
    #expect(found.map { $0[.name] } == ["b", "new"])
    #expect(summary.repeatedRows == 2)
  }

  @Test(arguments: ["unknown", "לא ידוע", "לא ידועה", "N/A", "-", "...", "غير معروف", "неизвестно", "Null"])
  func wordsForUnknownMeanNoValue(_ word: String) {
    let text = "<Root><Items><Item><ItemCode>1</ItemCode><ItemPrice>1</ItemPrice><Quantity>\(word)</Quantity>"
      + "<ManufacturerName> \(word) </ManufacturerName><UnitOfMeasure>\(word)</UnitOfMeasure></Item></Items></Root>"
    let (rows, summary, _) = read(Array(text.utf8))
    #expect(rows.map { $0[.manufacturer] + $0[.unitOfMeasure] } == [""])
    #expect(summary.unreadableValues == 0 && summary.unknownWords.isEmpty)
    let branch = "<Root><Stores><Store><StoreId>1</StoreId><City>\(word)</City></Store></Stores></Root>"
    #expect(records(Array(branch.utf8)).records.first?[.city] == nil)
  }

  @Test func unknownUnitsAreCountedByName() {
    let units = ["100 חופן", "100 חופן", "0.00", "גרם", "kg", "firkin"]
    let rows = units.enumerated().map {
      "<Item><ItemCode>\($0)</ItemCode><ItemPrice>1</ItemPrice><UnitOfMeasure>\($1)</UnitOfMeasure></Item>"
    }
    let (_, summary, _) = read(Array("<Root><Items>\(rows.joined())</Items></Root>".utf8))
    #expect(summary.unknownWords == ["unit_of_measure: 100 חופן": 2, "unit_of_measure: firkin": 1])
  }
}
