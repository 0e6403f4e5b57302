import Core
@testable import CrawlerService
import Foundation
import HTML
import PriceFiles
import Testing
import Values

@Suite struct ListingTableTests {
  private func document(_ text: String) throws -> HTMLDocument { try HTMLDocument(Array(text.utf8)) }

  private func table(
    _ text: String, _ places: [ListingColumn: Int] = TableLayout.shufersal.places
  ) throws -> ListingTable {
    try ListingTable(document(text), places: places)
  }

  @Test func readsColumnsByTheirTitles() throws {
    let table = try table("""
      <table><thead><tr><th>שם קובץ</th><th> גודל
        </th><th>הורדה<th>זמן עידכון</thead>
      <tr><td>x<td>1.5 KB<td><a href="/d/PriceFull7299910000016-001-202608230300.gz?a=1&amp;b=2">here</a>
        <td> 8/23/2026  3:05:00 AM</table>
      """)
    #expect(table.rows == [
      .init(
        fileName: "PriceFull7299910000016-001-202608230300.gz",
        href: "/d/PriceFull7299910000016-001-202608230300.gz?a=1&b=2", time: "8/23/2026 3:05:00 AM", size: "1.5 KB")
    ])
    #expect(table.drift.isEmpty)
  }

  @Test func readsColumnsByTheirPlacesWithoutTitles() throws {
    let table = try table("""
      <table><tr><td><a href="/d/1">here</a></td><td>now</td><td>2 KB</td><td>GZ</td><td>price</td><td>1</td>
      <td>Price7299910000016-001-202608230300</td></tr></table>
      """)
    #expect(table.rows == [
      .init(fileName: "Price7299910000016-001-202608230300", href: "/d/1", time: "now", size: "2 KB")
    ])
  }

  /// The name on the link counts first, because it has the extension; then the column of names, then any cell.
  @Test(arguments: [
    ("<td>Stores7299910000016-20260823<td><a href='/f/Stores7299910000016-20260823.xml'>x</a>", "xml"),
    ("<td>Stores7299910000016-20260823<td><a href='/f/Stores7299910000016-20260823%2Exml?x'>x</a>", "xml"),
    ("<td>Stores7299910000016-20260823<td><a href='latest\\1\\Stores7299910000016-20260823.xml.gz'>x</a>", "xml.gz"),
    ("<td>Stores7299910000016-20260823<td><a href='/f/17'>x</a>", ""),
    ("<td>elsewhere<td><a href='/f/17'>x</a><td>Stores7299910000016-20260823.GZ", "gz"),
    ("<td><a href='/f/17' data-filename='Stores7299910000016-20260823.gz'>x</a>", "gz"),
  ])
  func findsTheNameWhereverItIs(cells: String, fileExtension: String) throws {
    let rows = try table("<table><tr>\(cells)</table>", [.name: 0, .link: 1]).rows
    let name = try #require(rows.first?.fileName)
    #expect(try PriceFileName(name).fileExtension == fileExtension)
    #expect(rows.first?.href != nil)
  }

  @Test func otherEntriesAreCounted() throws {
    let rows = try table("""
      <table><tr><td>readme.txt<td><a href='/readme.txt'>x</a></tr><tr><td colspan=9>a note</tr><tr></tr>
      <tr><td>Price7299910000016-001-202608230300<td></td></tr>
      <tr><td>Price7299910000016-001-202608230400.gz<td><a href='/1'>x</a></tr></table>
      """, [.name: 0, .link: 1]).rows
    #expect(rows.map(\.fileName) == [
      "readme.txt", "a note", "Price7299910000016-001-202608230300", "Price7299910000016-001-202608230400.gz",
    ])
    #expect(rows.map { $0.href != nil } == [true, false, false, true])
  }

  @Test func reportsUnknownTitlesAndMissingColumns() throws {
    let table = try table(
      "<table><tr><th>הורדה<th>מה זה<th>גודל<th>שם<th></tr></table>", [.link: 0, .time: 4, .size: 1, .name: 3])
    #expect(table.rows.isEmpty)
    #expect(table.drift == ["מה זה"], "an untitled column may be the one of times")
    let without = try self.table(
      "<table><tr><th>הורדה<th>גודל<th>שם</tr></table>", [.link: 0, .time: 1, .size: 2, .name: 6])
    #expect(without.drift == ["-time"])
  }

  @Test func picksTheTableOfFiles() throws {
    let table = try table("""
      <table><tr><td><form><table><tr><td>תאריך<td><input></table></form>
      <tr><td><table><tr><th>שם<th>הורדה<tr><td>Price7299910000016-001-202608230300<td><a href=/1>x</a></table>
      </table>
      """, [.name: 0, .link: 1])
    #expect(table.rows.map(\.fileName) == ["Price7299910000016-001-202608230300"])
  }

  @Test func refusesPagesThatAreNoListing() throws {
    for (text, kind) in [
      ("<title>Sign in</title><form><input type=PASSWORD></form>", PortalError.Kind.loginPage),
      ("<title>Sign in</title><table><tr><th>שם<th>הורדה</table><input type=password>", .loginPage),
      ("<p>maintenance</p>", .unknownPage), ("<table><tr><td>a<td>b</table>", .unknownPage),
      ("<a href='/site.css'>x</a>", .unknownPage),
    ] {
      let error = #expect(throws: PortalError.self) { try table(text) }
      #expect(error?.kind == kind)
    }
  }

  @Test func findsTheLastPage() throws {
    let shufersal = try document("""
      <a href="?page=900">x</a><table><tfoot><tr><td>1 <a href="/F?catID=0&amp;page=2">2</a>
      <a href="/F?catID=0&amp;page=85">&gt;&gt;</a></table>
      """)
    #expect(try TableLayout.shufersal.pager.lastPage(in: shufersal) == 85)
    let hazi = try document("""
      <ul><li class="pagination-item active"><a href="?p=1">1</a><li class="x pagination-item"><a href="?d=&amp;p=7">»
      """)
    #expect(try TableLayout.haziHinam.pager.lastPage(in: hazi) == 7)
    let grid = try document("""
      <div class="mvc-grid-pager"><button data-page="1">1<button data-page="124">»</div><p data-page="999">
      """)
    #expect(try TableLayout.superPharm.pager.lastPage(in: grid) == 124)
    #expect(try TableLayout.shufersal.pager.lastPage(in: grid) == nil)
    #expect(try ListingPager.none.lastPage(in: shufersal) == nil)
  }

  @Test func readsTheEndOfSignedLinks() {
    let base = "https://host/price/a.gz?sv=2014-02-14&sr=b&sig=a%2Fb%3D"
    #expect(TableEngine.expiry(ofLink: base + "&se=2026-07-16T20%3A15%3A27Z&sp=r") == Timestamp("2026-07-16T20:15:27Z"))
    #expect(TableEngine.expiry(ofLink: base) == nil)
    #expect(TableEngine.expiry(ofLink: base + "&se=soon") == nil)
    #expect(TableEngine.expiry(ofLink: "") == nil)
  }
}
