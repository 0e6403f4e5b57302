import Core
import Testing
import TestSupport
import Values

@testable import PriceFiles

@Suite struct PriceFileNameTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    var type: FileType
    var chain: String
    var sub: String? = nil
    var store: String?
    var date: String
    var time: String?
    var sequence: String? = nil
    var isNull = false
    var ext: String
    var testDescription: String { name }
  }

  static let examples: [Example] = [
    .init(name: "PriceFull7290058140886-001-202501200300.gz", type: .priceFull, chain: "7290058140886", store: "1",
          date: "2025-01-20", time: "03:00:00", ext: "gz"),
    .init(name: "PriceFull7290027600007-001-001-20260828-030000.gz", type: .priceFull, chain: "7290027600007",
          sub: "1", store: "1", date: "2026-08-28", time: "03:00:00", ext: "gz"),
    .init(name: "Stores7290027600007-000-20260816-020.gz", type: .stores, chain: "7290027600007", store: "0",
          date: "2026-08-16", time: nil, sequence: "020", ext: "gz"),
    .init(name: "Stores7290058140886-000-20250724-050500.xml", type: .stores, chain: "7290058140886", store: "0",
          date: "2025-07-24", time: "05:05:00", ext: "xml"),
    .init(name: "PriceFull7290455000004-000-35-20260910060202-060202.gz", type: .priceFull, chain: "7290455000004",
          sub: "0", store: "35", date: "2026-09-10", time: "06:02:02", ext: "gz"),
    .init(name: "Stores7290058140886-202211012005.xml", type: .stores, chain: "7290058140886", store: nil,
          date: "2022-11-01", time: "20:05:00", ext: "xml"),
    .init(name: "PriceFull7290875100001-002-202211020354-001.xml", type: .priceFull, chain: "7290875100001",
          store: "2", date: "2022-11-02", time: "03:54:00", sequence: "001", ext: "xml"),
    .init(name: "PriceFull-7290696200003-097-201608280606-001", type: .priceFull, chain: "7290696200003",
          store: "97", date: "2016-08-28", time: "06:06:00", sequence: "001", ext: ""),
    .init(name: "Price7290725900003-9032-202410021600", type: .price, chain: "7290725900003", store: "9032",
          date: "2024-10-02", time: "16:00:00", ext: ""),
    .init(name: "StoresFull7290172900007--202211020200", type: .stores, chain: "7290172900007", store: nil,
          date: "2022-11-02", time: "02:00:00", ext: ""),
    .init(name: "storesfull7290058140886-000-202211020606", type: .stores, chain: "7290058140886", store: "0",
          date: "2022-11-02", time: "06:06:00", ext: ""),
    .init(name: "Stores0000072906390-202211021530.xml", type: .stores, chain: "0000072906390", store: nil,
          date: "2022-11-02", time: "15:30:00", ext: "xml"),
    .init(name: "Stores7290876100000-2025042909000.xml", type: .stores, chain: "7290876100000", store: nil,
          date: "2025-04-29", time: "09:00:00", ext: "xml"),
    .init(name: "NULLPrice7290058108879-028-202410261441.XML.GZ", type: .price, chain: "7290058108879", store: "28",
          date: "2024-10-26", time: "14:41:00", isNull: true, ext: "xml.gz"),
    .init(name: "PromoFull7290058249350-000-038-20260217-000027", type: .promoFull, chain: "7290058249350",
          sub: "0", store: "38", date: "2026-02-17", time: "00:00:27", ext: ""),
    .init(name: "Promo7290058140886-001-20250611080059.gz", type: .promo, chain: "7290058140886", store: "1",
          date: "2025-06-11", time: "08:00:59", ext: "gz"),
  ]

  @Test(arguments: examples) func readsEveryPublishedForm(_ example: Example) throws {
    for spelling in [example.name, example.name.uppercased(), example.name.lowercased()] {
      let name = try PriceFileName(spelling)
      #expect(name.type == example.type)
      #expect(name.chainID == example.chain)
      #expect(name.subChainID == example.sub)
      #expect(name.storeID == example.store)
      #expect(name.date.description == example.date)
      #expect(name.time?.description == example.time)
      #expect(name.sequence == example.sequence)
      #expect(name.isNull == example.isNull)
      #expect(name.fileExtension == example.ext)
      #expect(try PriceFileName(name.text) == name)
    }
  }

  @Test(arguments: [
    ("", .empty),
    ("index.html", .unknownType),
    ("Price7290058140886-001.gz", .noDate),
    ("Price729-001-202501200300.gz", .badChainID("729")),
    ("Price7290058140886-001-202513200300.gz", .badDate("202513200300")),
    ("Price7290058140886-001-202502290300.gz", .badDate("202502290300")),
    ("Price7290058140886-001-202501202460.gz", .badTime("2460")),
    ("Price7290058140886-001-20250120-256000.gz", .badTime("256000")),
    ("Price7290058140886-1-2-3-202501200300.gz", .tooManyParts(3)),
    ("Price7290058140886-a1-202501200300.gz", .badPart("a1")),
    ("Price7290058140886-001-202501200300-123456.gz", .badPart("123456")),
    ("Price7290058140886-001-20250120030000-030001.gz", .badPart("030001")),
    ("../Price7290058140886-001-202501200300.gz", .unexpectedCharacter("/")),
    ("Price7290058140886-٠٠١-202501200300.gz", .unexpectedCharacter("٠")),
  ] as [(String, PriceFileNameError)])
  func saysWhatIsWrong(_ text: String, _ expected: PriceFileNameError) {
    #expect(throws: expected) { try PriceFileName(text) }
  }

  @Test func whatIsWrittenIsReadBack() throws {
    var random = TestRandom("names written and read back")
    for _ in 0..<2_000 {
      let digits = { (count: Int) in String((0..<count).map { _ in "0123456789".randomElement(using: &random)! }) }
      let name = PriceFileName(
        type: FileType.allCases.randomElement(using: &random)!,
        chainID: digits(Int.random(in: 6...14, using: &random)),
        subChainID: Bool.random(using: &random) ? nil : PriceFileName.normalized(storeID: digits(3)),
        storeID: Bool.random(using: &random) ? nil : PriceFileName.normalized(storeID: digits(4)),
        date: CivilDate(year: .random(in: 2000...2099, using: &random), month: .random(in: 1...12, using: &random),
                        day: .random(in: 1...28, using: &random))!,
        time: Bool.random(using: &random) ? nil : TimeOfDay(
          hour: .random(in: 0...23, using: &random), minute: .random(in: 0...59, using: &random),
          second: .random(in: 0...59, using: &random)),
        sequence: Bool.random(using: &random) ? nil : digits(Int.random(in: 1...5, using: &random)),
        isNull: .random(using: &random), fileExtension: ["", "gz", "xml", "xml.gz"].randomElement(using: &random)!)
      #expect(try PriceFileName(name.text) == name, "\(name)")
    }
  }

  @Test func anyTextIsReadOrRefusedAndReadingIsStable() throws {
    var random = TestRandom("mutated names")
    let alphabet = Array("0123456789-.priceFULLNULLstorespromo/ \u{5D0}\0")
    for _ in 0..<5_000 {
      var text = Array(Self.examples.randomElement(using: &random)!.name)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: 0...text.count, using: &random)
        if at < text.count, Bool.random(using: &random) { text.remove(at: at) }
        text.insert(alphabet.randomElement(using: &random)!, at: min(at, text.count))
      }
      guard let name = try? PriceFileName(String(text)) else { continue }
      #expect(try PriceFileName(name.text) == name, "\(String(text))")
    }
  }

  @Test func civilDaysMatchTheCalendar() {
    #expect(CivilDate(year: 1970, month: 1, day: 1)?.daysSinceEpoch == 0)
    #expect(CivilDate(year: 2000, month: 3, day: 1)?.daysSinceEpoch == 11_017)
    #expect(CivilDate(year: 2026, month: 11, day: 21)?.daysSinceEpoch == 20_778)
    var expected = CivilDate(year: 1999, month: 12, day: 31)!.daysSinceEpoch
    for year in 2000...2100 {
      for month in 1...12 {
        for day in 1...CivilDate.days(in: month, of: year) {
          expected += 1
          #expect(CivilDate(year: year, month: month, day: day)?.daysSinceEpoch == expected)
        }
      }
    }
    #expect(CivilDate(year: 2100, month: 2, day: 29) == nil)
    #expect(CivilDate(year: 2000, month: 2, day: 29) != nil)
  }
}

@Suite struct FileTimeTests {
  @Test(arguments: [
    // Winter, summer, the Friday the clocks go forward (27 March 2026) and the hour lived twice (25 October 2026).
    ("Price7290058140886-001-202501200300.gz", "2025-01-20T03:00:00+02:00"),
    ("Price7290058140886-001-20260828-030000.gz", "2026-08-28T03:00:00+03:00"),
    ("Price7290058140886-001-202603270159.gz", "2026-03-27T01:59:00+02:00"),
    ("Price7290058140886-001-202603270300.gz", "2026-03-27T03:00:00+03:00"),
    ("Price7290058140886-001-202610250130.gz", "2026-10-25T01:30:00+03:00"),
    ("Price7290058140886-001-202610250200.gz", "2026-10-25T02:00:00+02:00"),
  ])
  func isIsraelLocal(_ name: String, _ expected: String) throws {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    let time = try #require(try PriceFileName(name).fileTime(zone: zone))
    #expect(time.description == expected)
  }

  @Test func aDateAloneIsNoInstant() throws {
    let zone = try ZoneTable(identifier: PriceFileName.zoneIdentifier)
    #expect(try PriceFileName("Stores7290027600007-000-20260816-020.gz").fileTime(zone: zone) == nil)
  }
}
