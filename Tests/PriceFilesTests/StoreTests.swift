import PriceFiles
import Testing

@Suite struct StoreTests {
  private func read(_ text: String) -> (records: [ReadRecord], summary: PriceFileSummary) {
    let result = records(Array(text.utf8))
    #expect(result.summary.outcome == .ok, "\(result.summary.defect?.description ?? "")")
    #expect(result.summary.kind == .stores)
    #expect(result.summary.unknownElements == 0, "\(result.summary.unknownNames)")
    return result
  }

  private func ids(_ records: [ReadRecord]) -> [[String?]] {
    records.map { [$0[.chainID], $0[.subChainID], $0[.storeID], $0[StoreField.name]] }
  }

  @Test func insideSubChains() throws {
    let (records, summary) = read(RecordFixtures.storesNested)
    #expect(ids(records) == [
      ["7290058140886", "001", "039", "תלפיות & co"], ["7290058140886", "2", "39", nil],
    ])
    // A branch of the same number in another sub-chain is another branch.
    #expect(summary.repeatedRows == 0)
    let first = try #require(records.first)
    #expect(first[.chainName] == "רמי לוי")
    #expect(first[.subChainName] == "one")
    #expect(first[StoreField.type] == "2")
    #expect(first[.city] == "3000")
    #expect(first[.zip] == nil)
    #expect(first[.address] == nil)
    #expect(records[1][.subChainName] == nil)
    #expect(records[1][.city] == nil)
  }

  @Test func severalChainsInOneFile() throws {
    let (records, summary) = read(RecordFixtures.storesBigID)
    #expect(ids(records) == [
      ["7290058103393", "001", "087", "צמח"], ["7290696200003", "001", "001", "b"],
    ])
    #expect(summary.dialect == .bigID)
    #expect(records[0][.latitude] == "32.70")
    #expect(records[0][.longitude] == "35.58")
    #expect(records[1][.latitude] == nil)
  }

  @Test func upperCase() {
    let (records, summary) = read(RecordFixtures.storesUpperCase)
    #expect(ids(records) == [["7290027600007", "7", "223", "אקספרס"]])
    #expect(summary.dialect == .shufersal)
  }

  @Test func linesLikePriceRows() {
    let (records, summary) = read(RecordFixtures.storesSuperPharm)
    #expect(ids(records) == [
      ["7290172900007", "100", "1", "צמרות"], ["7290172900007", "100", "2", "ניות"],
    ])
    #expect(records[0][.chainName] == "סופר פארם")
    #expect(summary.rows == 2)
    #expect(summary.dialect == .superPharm)
  }

  @Test func otherShapes() {
    #expect(ids(read(RecordFixtures.storesLowerCase).records) == [[nil, "1", "1", "מרכז"]])
    #expect(ids(read(RecordFixtures.storesChainRoot).records) == [["7290027600007", "1", "756", "באר יעקב"]])
    #expect(ids(read(RecordFixtures.storesCityMarket).records) == [["7290000000003", "1", "4", "city"]])
    #expect(ids(read(RecordFixtures.storesDataSet).records) == [
      ["7290873255550", "1", "5", "tiv taam"], ["7290873255550", nil, "6", "two"],
    ])
  }

  @Test func branchesWithoutOrWithTheSameNumberAreCounted() {
    let text = "<Root><ChainId>1</ChainId><Stores><Store><StoreName>a</StoreName></Store>"
      + "<Store><StoreId>007</StoreId></Store><Store><StoreId>7</StoreId></Store></Stores></Root>"
    let (records, summary) = read(text)
    #expect(ids(records) == [["1", nil, "007", nil]])
    #expect(summary.rejected.missingCode == 1)
    #expect(summary.repeatedRows == 1)
    #expect(summary.rows == 3)
  }
}
