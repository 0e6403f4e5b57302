import Core
@testable import CrawlerService
import Foundation
import Portals
import PriceFiles
import Testing
import TestSupport
import Values

/// Answers in the shapes that portals were seen to give in 2026, with other values in them.
@Suite struct CapturedShapeTests {
  /// A portal that answers by the path and query it is asked for; nil: 404.
  private func portal(_ answer: @escaping @Sendable (String) -> String?) throws -> HostileServer {
    try HostileServer { request, connection in
      if let body = answer(request.path) {
        connection.answer("200 OK", body: body)
      } else {
        connection.answer("404 Not Found")
      }
    }
  }

  private func engine(_ name: String, _ server: HostileServer, days: String = "0") throws -> any PortalEngine {
    let chain = Chain(
      slug: "c", engine: name, locator: server.url, chainIDs: ["7290000000024"], options: ["days": days])
    return try EngineTable.kind(name).make(engineContext(chain, attempts: 1))
  }

  private func files(_ name: String, _ server: HostileServer) async throws -> [ListedFile] {
    try await listings(of: engine(name, server)).flatMap(\.files)
  }

  private func table(_ titles: [String], _ rows: [[String]], foot: String = "") -> String {
    let head = titles.map { "<th scope=\"col\">\n\($0)   </th>" }.joined()
    let body = rows.map { "<tr>" + $0.map { "<td>\($0)</td>" }.joined() + "</tr>" }.joined(separator: "\n")
    return """
      <html><body><table class="webgrid" data-swhgajax="true" data-swhgcontainer="gridContainer">
      <thead><tr>\(head)</tr></thead>\(foot.isEmpty ? "" : "<tfoot><tr><td colspan=\"8\">\(foot)</td></tr></tfoot>")
      <tbody>\(body)</tbody></table></body></html>
      """
  }

  @Test func shufersal() async throws {
    let titles = ["הורדה", "זמן עידכון", "גודל", "סוג קובץ", "קטגוריה", "סניף", "שם"].map {
      $0 == "הורדה" ? $0 : "<a href=\"/FileObject/UpdateCategory?catID=0&amp;sort=Time&amp;sortdir=ASC\">\($0)</a>"
    } + [""]
    let link = "https://blobs.example/stores/Stores7290000000024-000-20260816-020.gz?sv=2014-02-14&amp;sr=b"
      + "&amp;sig=abc%3D&amp;se=2026-08-16T20%3A15%3A27Z&amp;sp=r"
    let page = table(titles, [[
      "<a href=\"\(link)\" target=\"_blank\">לחץ להורדה</a>", "8/16/2026 12:20:00 AM", "11.32 KB", "GZ", "stores",
      "All", "Stores7290000000024-000-20260816-020", "1",
    ]], foot: "1 <a href=\"/FileObject/UpdateCategory?catID=0&amp;storeId=0&amp;page=2\">2</a>")
    let server = try portal { $0.contains("page=") ? page : nil }
    let all = try await listings(of: engine("shufersal", server))
    #expect(all.count == 2 && all.allSatisfy { $0.unknownColumns.isEmpty })
    let file = try #require(all[0].files.first)
    #expect(file.fileName == "Stores7290000000024-000-20260816-020.gz" && file.name.type == .stores)
    #expect(file.version == "11.32 KB\u{0}8/16/2026 12:20:00 AM")
    #expect(file.linkExpires == Timestamp("2026-08-16T20:15:27Z"))
  }

  /// No capture has this portal's titles: times are read under any title, and the button's column needs none.
  @Test(arguments: [
    ["מס׳", "שם המסמך", "מועד הפרסום", "מחלקה", "סניף", ""], ["", "", "", "", "", ""],
    ["a", "b", "c", "d", "e", "f"],
  ])
  func superPharmUnderUnknownTitles(titles: [String]) async throws {
    @Sendable func page(_ time: String) -> String {
      let name = "PriceFull7290000000024-000-043-20260910-070110"
      return table(titles, [[
        "1", "\(name).gz", time, "PriceFull", "43 חיפה",
        "<a href=\"/Download/\(name).gz?bucketName=sp_out_v2\">הורדה</a>",
      ]])
    }
    let first = try portal { _ in page("09/10/2026 07:01:10") }
    let again = try portal { _ in page("09/10/2026 09:40:00") }
    let before = try await listings(of: engine("super_pharm", first))
    let after = try await listings(of: engine("super_pharm", again))
    let file = try #require(before.first?.files.first)
    #expect(file.version.hasSuffix("09/10/2026 07:01:10"))
    #expect(after.first?.files.first?.fingerprint != file.fingerprint, "published again")
    #expect(before.allSatisfy { listing in !listing.unknownColumns.contains { $0.hasPrefix("-") } })
    let empty = try portal { _ in table(titles, [["<td colspan=6>לא נמצאו נתונים"]]) }
    #expect(try await files("super_pharm", empty).isEmpty)
  }

  @Test(arguments: ["hazi_hinam", "city_market_shops"])
  func sisterPortals(name: String) async throws {
    let isCity = name == "city_market_shops"
    let file = "PriceFull7290000000024-000-219-20260928-135600"
    var cells = ["28-09-2026 13:56", "219 סניף", isCity ? file : "\(file).gz", "מחיר מלא", "1,234.5"]
    if isCity { cells.insert("כן", at: 4) }
    cells.append("<a href=\"\(isCity ? "/downloadFile/0b6c" : "/regulatories/\(file).gz")\">להורדה</a>")
    for titles in [cells.map { _ in "טור" }, ["תאריך"] + cells.dropFirst().map { _ in "" }] {
      let page = table(titles, [cells]) + "<ul><li class=\"pagination-item\"><a href=\"?p=1\">1</a></li></ul>"
      let server = try portal { _ in page }
      let all = try await listings(of: engine(name, server))
      let listed = try #require(all.first?.files.first)
      #expect(listed.fileName == cells[2] && listed.version == "1,234.5\u{0}28-09-2026 13:56")
      #expect(all.allSatisfy { $0.unknownColumns == (titles[1] == "טור" ? ["טור"] : []) })
    }
  }

  /// Single quotes, both kinds of slashes, titles that post back, and a stores file listed twice.
  @Test func matrix() async throws {
    let titles = ["שם קובץ", "רשת", "סניף", "סוג", "סיומת", "גודל", "תאריך", ""].map {
      "<a href=\"javascript:__doPostBack('gv','Sort')\">\($0)</a>"
    }
    let folder = "CompetitionRegulationsFiles\\latest\\7290000000024"
    let rows = [".xml.gz", ".XML"].map { suffix in
      let name = "StoresFull7290000000024-000-202608010627-000"
      return [
        name, "רשת", "000", "storefull", suffix, "2 KB", "01/08/2026 06:27",
        "<a href='\(folder)/\(name)\(suffix)'>הורדה</a>",
      ]
    }
    let page = table(titles, rows)
    let server = try portal { $0.contains("code=7290000000024") ? page : nil }
    let all = try await listings(of: engine("matrix", server))
    #expect(all.flatMap(\.files).map(\.link) == ["xml.gz", "XML"].map {
      "\(server.url)/CompetitionRegulationsFiles/latest/7290000000024/"
        + "StoresFull7290000000024-000-202608010627-000.\($0)"
    })
    #expect(all.allSatisfy { $0.unknownColumns.isEmpty })
  }

  private static func carrefour(_ day: String, _ stores: [String]) -> String {
    let files = stores.map {
      #"{"name":"PriceFull7290000000024-001-\#($0)-\#(day)-000011.gz","size":887162,"modified":"00:01 18-09-2026"}"#
    }
    return "<script>const path = '\(day)'; const files = [\(files.joined(separator: ","))]; const branches = {\"416\":"
      + "\"חיפה\"}; let filesInfoCache = [];</script>"
  }

  /// After midnight the front page is empty. Which parameter an earlier day is asked for by differs.
  @Test(arguments: ["date", "p"], ["1", "2"])
  func carrefourAfterMidnight(parameter: String, days: String) async throws {
    let server = try portal { path in
      let asked = parameter == "date" ? "date=20260917" : "p=./20260917"
      return path.contains(asked) ? Self.carrefour("20260917", ["416", "7"])
        : path.contains(parameter + "=") ? nil : Self.carrefour("20260918", [])
    }
    let all = try await listings(of: engine("publish_price", server, days: days))
    #expect(all.flatMap(\.files).map(\.link) == ["416", "7"].map {
      "\(server.url)/20260917/PriceFull7290000000024-001-\($0)-20260917-000011.gz"
    })
    #expect(all.allSatisfy { $0.unknownColumns.isEmpty && $0.skipped.isEmpty })
  }

  @Test func carrefourTakesWhatEitherParameterLists() async throws {
    let server = try portal { path in
      path.contains("date=20260917") ? Self.carrefour("20260917", ["416", "7"])
        : path.contains("p=./20260917") ? Self.carrefour("20260917", ["7", "9"]) : Self.carrefour("20260918", ["416"])
    }
    let files = try await listings(of: engine("publish_price", server, days: "2")).flatMap(\.files)
    #expect(files.compactMap(\.name.storeID) == ["416", "416", "7", "9"])
  }

  @Test func laibcatalog() async throws {
    let server = try portal { path in
      path.hasSuffix("api/getfiles?edi=7290000000024") ? """
        [{"branchNumber":16,"fileName":"PriceFull7290000000024-001-016-20260912-051134.gz","fileType":"pricefull",
          "fileDate":"2026-09-12 05:11:34","fileSize":"544.64 KB","lastModified":""},
         {"branchNumber":0,"fileName":"Stores7290000000024-000-20260912060100-060100.gz","fileType":"storefull",
          "fileDate":"2026-09-12 06:01:00","fileSize":"9.10 KB","lastModified":""}]
        """ : nil
    }
    let (files, skipped, odd) = try await sweep(engine("laibcatalog", server))
    #expect(files.map(\.name.type) == [.priceFull, .stores] && skipped.isEmpty && odd.isEmpty)
  }

  @Test func netivHesed() async throws {
    let server = try portal { _ in
      """
      <title>אתר שקיפות מחירים</title><table><tr><td>1<td>מחיר<td>סניף 3<td>5 KB<td>12/09/2026 05:10
      <td><a href="/Prices/Download?fileName=PRICE7290000000024-003-202609120510.GZ">הורדה</a></table>
      """
    }
    let files = try await self.files("netiv_hased", server)
    #expect(files.map(\.fileName) == ["PRICE7290000000024-003-202609120510.GZ"])
    #expect(files.first?.version.contains("12/09/2026 05:10") == true)
  }

  @Test func woltAndMeshnatYosef() async throws {
    let wolt = try portal { path in
      path.hasSuffix("index.html") ? "<a href=\"2026-07-03.html\">2026-07-03</a>" : """
        <a href="download/2026-07-03/PriceFull7290000000024-000-043-20260703-000900.gz">p</a>
        <a href="download/2026-07-03/Stores7290000000024-000-20260703-000013.gz">s</a>
        """
    }
    #expect(try await files("wolt", wolt).map(\.name.type) == [.priceFull, .stores])
    let meshnat = try portal { _ in
      """
      [{"name":"PriceFull7290000000024-001-001-20260914-013004.zip","type":"PriceFull","date":"2026-09-14 01:30:04",
        "url":"https://files.example/PriceFull7290000000024-001-001-20260914-013004.zip"}]
      """
    }
    let (files, skipped, odd) = try await sweep(engine("meshnat_yosef", meshnat))
    #expect(files.count == 1 && skipped.isEmpty && odd.isEmpty)
  }

  @Test func bina() async throws {
    let server = try portal { path in
      path.contains("MainIO_Hok.aspx") ? """
        [{"FileNm":"PriceFull7290000000024-000-065-20260921-045427.GZ   ","Company":"חברה","Store":"65 סניף",
          "TypeFile":"מחירים מלא","DateFile":"04:54 21/09/2026"},
         {"FileNm":"StoresFull7290000000024-000-202608110500.gz","Company":"חברה","Store":"0 ראשי","TypeFile":"סניפים",
          "DateFile":"05:00 11/08/2026"}]
        """ : nil
    }
    let files = try await self.files("bina", server)
    #expect(files.map(\.fileName) == [
      "PriceFull7290000000024-000-065-20260921-045427.GZ", "StoresFull7290000000024-000-202608110500.gz",
    ])
  }

  /// Names of 2026, with chain ids changed.
  @Test(arguments: [
    "PriceFull7290000000024-000-001-20261008-004031.gz", "pricefull7290000000024-039-202610040514.gz",
    "PriceFull7290000000024-001-255-20260902-001501.xml", "Stores7290000000024-000-20261006-050500.xml",
    "Stores7290000000024-000-20260912060100-060100.gz", "StoresFull7290000000024-000-202608010627-000.xml.gz",
    "PriceFull0000000000000-040-202607020046", "PriceFull7290000000024-000-023-20260702-001416.gz",
    "Stores7290000000024-000-20260811-000100.xml", "PriceFull7290000000024-001-001-20260914-013004.zip",
  ])
  func names(name: String) throws {
    #expect(try PriceFileName(name).date.year == 2026)
  }
}
