import Foundation
import PriceFiles
import Testing

/// Inputs that once failed: the folder `cases` beside the one that `SOUK_REAL_DATA` names.
@Suite(.enabled(if: CaseFiles.folder != nil, "there is no folder of cases beside SOUK_REAL_DATA"))
struct CaseTests {
  @Test func scatteredRowsAreOnePromotion() throws {
    for (path, items) in [
      ("promotions-scattered/sales/PromoFull7290099905005-001-201-20260901-060000.gz", ["7001": 3, "7002": 2]),
      ("promotions-scattered/repeated/PromoFull7290099905012-202-202609010600.gz", ["7001": 3, "7002": 2]),
    ] {
      let (found, summary) = records(try CaseFiles.read(path))
      let counts = found.map { ($0[.id] ?? "", $0.items.count) }
      #expect(Dictionary(counts, uniquingKeysWith: +) == items)
      #expect(found.count == 2)
      #expect(summary.outcome == .ok)
    }
  }

  @Test func theNewestRowOfACodeCounts() throws {
    let (rows, summary, _) = read(try CaseFiles.read("code-repeated/dups/Price7290099906002-003-202609010930.gz"))
    #expect(rows.map { "\($0[.code]) \($0.price)" } == ["7290999060021 8.00", "7290999060014 34.90"])
    #expect(summary.repeatedRows == 2)
  }

  @Test(arguments: [("031", 6, 0), ("032", 5, 1), ("033", 6, 0), ("034", 6, 0)])
  func oneDefectCostsAtMostItsRow(_ store: String, _ kept: Int, _ rejected: Int) throws {
    let path = "markup-broken/broken/PriceFull7290099910009-001-\(store)-20260901-060000.gz"
    let (rows, summary, _) = read(try CaseFiles.read(path))
    #expect((rows.count, summary.rejected.total) == (kept, rejected))
    #expect(summary.outcome == (store == "033" ? .ok : .malformed))
    #expect(!summary.defects.isEmpty)
  }
}

enum CaseFiles {
  static let folder: URL? = ProcessInfo.processInfo.environment["SOUK_REAL_DATA"].flatMap { data in
    let folder = URL(fileURLWithPath: data).deletingLastPathComponent().appendingPathComponent("cases")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }

  static func read(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder!.appendingPathComponent(path)))
  }
}
