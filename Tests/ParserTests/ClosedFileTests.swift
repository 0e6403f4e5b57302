import Messages
import ObjectStore
import PriceFiles
import Testing
import TestSupport
import Values

@testable import ParserService

/// Which files are closed, so that rows they do not name have ended, and the contents of their last messages.
@Suite struct ClosedFileTests {
  private let full = "PriceFull7290058140886-029-202310021200.gz"

  private func item(_ code: String, _ price: String, updated: String = "2023-10-01 08:00") -> String {
    "<Item><PriceUpdateDate>\(updated)</PriceUpdateDate><ItemCode>\(code)</ItemCode>"
      + "<ItemPrice>\(price)</ItemPrice></Item>"
  }

  private func file(_ rows: String...) -> [UInt8] {
    Array("<Root><StoreId>029</StoreId><Items>\(rows.joined())</Items></Root>".utf8)
  }

  private func withBench<R>(_ body: (HandlerBench) async throws -> R) async throws -> R {
    try await withTemporaryDirectory { folder in
      let bench = try await HandlerBench(folder: folder)
      defer { bench.store.close() }
      return try await body(bench)
    }
  }

  @Test func aFullFileIsClosedOnlyWhenAllOfItWasRead() async throws {
    try await withBench { bench in
      func closes(_ bytes: [UInt8], _ name: String? = nil, _ type: FileType = .priceFull) async throws -> [Bool] {
        let parsed = try await bench.parse(bytes, fileName: name ?? full, type: type)
        return parsed.messages.map { $0.header.isFull && $0.header.isLast }
      }
      let good = file(item("1", "5"), item("2", "6"))
      let whole = try await closes(good)
      #expect(whole == [false, true])
      #expect(try await closes(good, "Price7290058140886-029-202310021200.gz", .price) == [false])
      #expect(try await closes(Array(good.dropLast(9))) == [false])
      // A row is lost to its markup, so it is not known what the file names.
      #expect(try await closes(file(item("1", "5"), "<Item><ItemName>x</Item>")) == [false])
      // A "<" in a name costs nothing.
      #expect(try await closes(file(item("1", "5"), "<Item><ItemCode>2</ItemCode><ItemPrice>1</ItemPrice>"
        + "<ItemName>fat <5%</ItemName></Item>")) == [false, true])
      #expect(try await closes(file()) == [])
    }
  }

  @Test func codesInUnusableRowsAreNamed() async throws {
    try await withBench { bench in
      let parsed = try await bench.parse(
        file(item("1", "5"), item("2", "free"), item("3", ""), item("", "4")), fileName: full, type: .priceFull)
      #expect(parsed.messages.last?.header.alsoNamed == ["2", "3"])
      #expect(parsed.messages.last?.items.isEmpty == true)
      #expect(parsed.parsed.first?.batches == 2)
    }
  }

  /// The message that closes a file stays small, whatever the file holds.
  @Test func aFileWithTooManyUnusableRowsEndsNothing() async throws {
    try await withBench { bench in
      let rows = (0...IngestHeader.maxAlsoNamed).map { item("\(100_000 + $0)", "x") }.joined()
      let parsed = try await bench.parse(file(item("1", "5"), rows), fileName: full, type: .priceFull)
      #expect(parsed.messages.map(\.header.isLast) == [false])
    }
  }

  @Test func aPromotionsFileThatEndsEarlyEndsNothing() async throws {
    try await withBench { bench in
      let name = "PromoFull7290058140886-029-202310021200.gz"
      let text = Array("""
        <Root><StoreId>1</StoreId><Promotions><Promotion><PromotionId>1</PromotionId></Promotion>\
        <Promotion><PromotionId>2</PromotionId></Promotion></Promotions></Root>
        """.utf8)
      let whole = try await bench.parse(text, fileName: name, type: .promoFull)
      #expect(whole.promotions.map(\.header.isLast) == [true])
      let cut = try await bench.parse(Array(text.dropLast(10)), fileName: name, type: .promoFull)
      #expect(cut.promotions.map(\.header.isLast) == [false])
      #expect(cut.promotions.first?.promotions.map(\.promotionID) == ["1", "2"])
    }
  }

  @Test func theNewestRowOfACodeIsPublished() async throws {
    let rows = [
      item("1", "31.90", updated: "2026-08-30 10:00"), item("2", "8"), item("1", "34.90", updated: "2026-09-01 09:15"),
      item("1", "29.90", updated: "2026-08-12 07:00"),
    ]
    for heldOutput in [32 << 20, 1] {
      try await withTemporaryDirectory { folder in
        let bench = try await HandlerBench(folder: folder, heldOutput: heldOutput)
        defer { bench.store.close() }
        let parsed = try await bench.parse(file(rows.joined()), fileName: full, type: .priceFull)
        #expect(parsed.items.map { "\($0.ean) \($0.price) \($0.row)" } == ["2 8 1", "1 34.90 2"])
        #expect(parsed.parsed.first?.duplicates == 2)
      }
    }
  }

  @Test func defectsAndUnknownWordsAreCountedByName() async throws {
    try await withBench { bench in
      let odd = "<Item><ItemCode>1</ItemCode><ItemPrice>5</ItemPrice><ItemName>a & b <5</ItemName>"
        + "<UnitOfMeasure>100 חופן</UnitOfMeasure></Item>"
      let parsed = try await bench.parse(file(odd), fileName: full, type: .priceFull)
      let account = try #require(parsed.parsed.first)
      #expect(account.outcome == "malformed")
      #expect(account.defects == ["xml_bad_name": 1, "stray_ampersand": 1])
      #expect(account.unknownWords == ["unit_of_measure: 100 חופן": 1])
      #expect(parsed.items.map(\.name) == ["a & b <5"])
    }
  }
}
