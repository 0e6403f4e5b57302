import Core
@testable import CrawlerService
import Portals
import PriceFiles
import Testing
import Values

@Suite struct BinaListingTests {
  private func rows(_ text: String, limit: Int = 100) throws -> [ListingRow] {
    try BinaListing.rows(Array(text.utf8), limit: limit)
  }

  private func names(_ rows: [ListingRow]) -> [String?] { rows.map { $0.text("filenm") } }

  @Test func readsTheDocumentedArray() throws {
    let rows = try rows("""
      [{"FileNm":"PriceFull7290058108879-001-202501200300.gz","Company":"קינג","Store":"1 סניף","TypeFile":"מחירים מלא",
        "DateFile":"03:05 20/01/2025","PathLogo":"x.png"},
       {"FileNm":"PromoFull7290058108879-001-202501200300","DateFile":"03:06 20/01/2025"}]
      """)
    #expect(names(rows) == [
      "PriceFull7290058108879-001-202501200300.gz", "PromoFull7290058108879-001-202501200300",
    ])
    #expect(rows.map { $0.text("datefile") } == ["03:05 20/01/2025", "03:06 20/01/2025"])
  }

  @Test func readsTheWrappedArrayWithSizesAndLinks() throws {
    let rows = try rows("""
      {"d":[{"FileNm":"a.GZ","FileSize":"123"},{"FileNm":"b.xml","SPath":"/Download/b.xml","FileSize":42},
      {"filenm":"c","fileSize":"12.3 KB"}]}
      """)
    #expect(rows.map { $0.text("filesize") } == ["123", "42", "12.3 KB"])
    #expect(rows.map { $0.text("spath") } == [nil, "/Download/b.xml", nil])
    #expect(names(rows)[2] == "c")
  }

  @Test func readsRowsUnderKeysAndSingleRows() throws {
    #expect(names(try rows("{\"1\":{\"FileNm\":\"a\"},\"2\":{\"FileNm\":\"b\"}}")) == ["a", "b"])
    #expect(names(try rows("{\"1\":[{\"FileNm\":\"a\"}],\"2\":[]}")) == ["a"])
    #expect(names(try rows("{\"FileNm\":\"a\"}")) == ["a"])
    #expect(names(try rows("{\"d\":\"[{\\\"FileNm\\\":\\\"a\\\"}]\"}")) == ["a"])
  }

  @Test(arguments: ["[]", "{}", "{\"d\":[]}", "{\"d\":null}", "\u{feff} []"])
  func readsNothing(text: String) throws {
    #expect(try rows(text).isEmpty)
  }

  @Test func countsEntriesWithoutAName() throws {
    let text = "[{\"FileNm\":\"a\"},{\"FileNm\":\"\"},{\"x\":1}]"
    let engine = try BinaEngine(engineContext(Chain(slug: "a", engine: "bina", locator: "http://127.0.0.1")))
    let listing = engine.listing(try rows(text))
    #expect(listing.skipped["no_file_name"] == 2)
  }

  @Test(arguments: [
    ("<!DOCTYPE html><html><TITLE>Sign in</TITLE>", PortalError.Kind.htmlInsteadOfJSON, "Sign in"),
    ("  \r\n<html>", .htmlInsteadOfJSON, "without a title"),
    ("", .invalidJSON, "empty"),
    ("[{\"FileNm\":\"a\"}", .invalidJSON, "not JSON"),
    ("{\"files\":3,\"version\":\"2\"}", .unknownShape, "'files', 'version'"),
    ("{\"page\":{\"rows\":[]}}", .unknownShape, "'page'"),
    ("[1,2]", .unknownShape, "no objects"),
    ("17", .unknownShape, "neither"),
  ])
  func saysWhatIsWrong(text: String, kind: PortalError.Kind, words: String) throws {
    let error = #expect(throws: PortalError.self) { try rows(text) }
    #expect(error?.kind == kind)
    #expect(error?.message.contains(words) == true)
  }

  @Test func refusesMoreRowsThanTheLimit() {
    let error = #expect(throws: PortalError.self) { try rows("[{\"FileNm\":\"a\"},{\"FileNm\":\"b\"}]", limit: 1) }
    #expect(error?.kind == .tooManyRows)
  }

  @Test func readsLinks() throws {
    let link = try BinaListing.link(Array("[{\"SPath\":\"https://host/Download/a.gz\"}]".utf8))
    #expect(link == "https://host/Download/a.gz")
    #expect(try BinaListing.link(Array("[]".utf8)) == nil)
  }

  @Test func asksWithPercentEncodedHebrewAndDates() throws {
    let date = try #require(CivilDate(year: 2025, month: 1, day: 9))
    #expect(BinaQuery().text(nonce: 7) == "_=7&wReshet=%D7%94%D7%9B%D7%9C&WFileType=0&WDate=&WStore=")
    #expect(
      BinaQuery(type: .priceFull, date: date, store: "12").text(nonce: 8)
        == "_=8&wReshet=%D7%94%D7%9B%D7%9C&WFileType=4&WDate=09%2F01%2F2025&WStore=12")
  }

  @Test func narrowsByTypeThenDateThenStore() throws {
    let date = try #require(CivilDate(year: 2025, month: 1, day: 9))
    let types: [FileType] = [.price, .stores]
    var query = BinaQuery()
    let byType = query.narrowed(types: types, dates: [date], stores: ["1"])
    #expect(byType == [BinaQuery(type: .price), BinaQuery(type: .stores)])
    query = byType[0]
    query = try #require(query.narrowed(types: types, dates: [date], stores: ["1"]).first)
    #expect(query == BinaQuery(type: .price, date: date))
    #expect(query.narrowed(types: types, dates: [date], stores: ["2", "1"]).map(\.store) == ["1", "2"])
    query.store = "1"
    #expect(query.narrowed(types: types, dates: [date], stores: ["1"]).isEmpty)
  }
}
