import PriceFiles
import Testing
import Values

@Suite struct PromotionTests {
  @Test func flat() throws {
    let (records, summary) = records(Array(RecordFixtures.promotionsFlat.utf8))
    #expect(summary.outcome == .ok)
    #expect(summary.kind == .promotions)
    #expect(summary.rows == 2)
    #expect(summary.itemReferences == 3)
    #expect(summary.unknownElements == 0)
    #expect([summary.chainID, summary.subChainID, summary.storeID] == ["7290058140886", "1", "029"])
    let first = try #require(records.first)
    #expect(first[.id] == "1142")
    #expect(first[.description] == "חלב \"טרי\" 3 ב 10")
    #expect(first.times == ["2023-12-03T06:00:00+02:00", "2024-07-02T23:59:00+03:00", "2023-12-03T07:30:00+02:00"])
    #expect(first[.rewardType] == "1")
    #expect(first[.minQty] == "3.00")
    #expect(first[.maxQty] == "9")
    #expect(first[.discountedPrice] == "10.00")
    #expect(first[.discountedUnitPrice] == "3.33")
    #expect(first[.minPurchaseAmount] == "50.00")
    #expect(first[.minItems] == "10")
    #expect(first[.isCoupon] == "0")
    #expect(first[.allowMultiple] == "1")
    #expect(first[.remarks] == "once a day")
    #expect(first.clubs == ["0", "2"])
    // Bought and as a gift; and the stand-in for "no particular item", as published.
    #expect(first.items == ["7290000000017 1 false -", "7290000000017 1 true 0.00", "0000000000000 0 false -"])
    #expect(records.last?.items == [])
    #expect(records.last?.times == [nil, nil, nil])
  }

  @Test func clubsInsideRestrictionsAndRemarksAsText() throws {
    let (records, summary) = records(Array(RecordFixtures.promotionsBina.utf8))
    let promotion = try #require(records.first)
    #expect(promotion.clubs == ["3"])
    #expect(promotion[.isCoupon] == "1")
    #expect(promotion[.remarks] == "לא כולל <מבצע>")
    #expect(promotion.items == ["1 - - -"])
    #expect(summary.unknownNames == ["Sparkle": 1])
    #expect(summary.unknownElements == 1)
  }

  @Test func rowsOfOnePromotionAreJoined() throws {
    let (records, summary) = records(Array(RecordFixtures.promotionsBigID.utf8))
    #expect(records.map { $0[.id] } == ["5", "6", "8"])
    #expect(records.map { $0[.description] } == ["a", "b", "c"])
    #expect(records.map(\.items) == [["11 - false -", "12 - - -"], ["13 - - -"], []])
    #expect(records.map(\.clubs) == [["1"], [], []])
    #expect(summary.rows == 3)
    #expect(summary.itemReferences == 3)
    #expect(summary.dialect == .bigID)
    #expect(summary.storeID == "097")
  }

  @Test func grouped() throws {
    let (records, summary) = records(Array(RecordFixtures.promotionsGrouped.utf8))
    #expect(summary.dialect == .common2026)
    #expect(summary.unknownElements == 0)
    let promotion = try #require(records.first)
    #expect(promotion[.id] == "0001421409")
    #expect(promotion.times == ["2026-08-04T08:30:00+03:00", "2026-09-01T23:59:00+03:00", "2026-08-23T00:00:00+03:00"])
    #expect(promotion[.rewardType] == "10")
    #expect(promotion[.minPurchaseAmount] == "0.00")
    #expect(promotion[.discountType] == "1")
    #expect(promotion.clubs == ["0"])
    #expect(promotion.items == ["7290000000502 1 - 7.90", "7290000000502 - - -"])
    #expect(promotion.groups == ["1", "2"])
  }

  @Test(arguments: [
    ("2015-05-22", "", "2015-05-22T23:59:59+03:00"), ("2015-05-22", "10:00", "2015-05-22T10:00:00+03:00"),
    ("2015-05-22", "9:05", "2015-05-22T09:05:00+03:00"), ("2015-05-22", "noon", "2015-05-22T23:59:59+03:00"),
    ("May 22 2015  3:04AM", "", "2015-05-22T03:04:00+03:00"), ("May  2 2015 12:30PM", "", "2015-05-02T12:30:00+03:00"),
    ("Jan 22 2015 12:30AM", "", "2015-01-22T00:30:00+02:00"),
    // The time is cut off, so that only the date can be used, and the hour beside it.
    ("May 22 2015  3:04", "", "2015-05-22T23:59:59+03:00"), ("Apr 13 2015 12:0", "21:00", "2015-04-13T21:00:00+03:00"),
    ("2026-09-01T23:59:00.000", "08:00", "2026-09-01T23:59:00+03:00"), ("whenever", "", nil), ("", "10:00", nil),
    ("Abc 22 2015", "", nil), ("2015-02-30", "", nil),
  ] as [(String, String, String?)])
  func ends(_ date: String, _ hour: String, _ expected: String?) {
    let text = "<Root><Promotions><Promotion><PromotionId>1</PromotionId><PromotionEndDate>\(date)</PromotionEndDate>"
      + "<PromotionEndHour>\(hour)</PromotionEndHour></Promotion></Promotions></Root>"
    let (records, summary) = records(Array(text.utf8))
    #expect(records.first?.times[1] == expected)
    #expect(summary.unreadableValues == (expected == nil && !date.isEmpty ? 1 : 0))
  }

  @Test func unusablePromotionsAreCounted() {
    let long = String(repeating: "x", count: 3_000)
    let items = String(repeating: "<Item><ItemCode>1</ItemCode></Item>", count: 200)
    let text = "<Root><Promotions><Promotion><PromotionId>1</PromotionId></Promotion><Promotion/>"
      + "<Promotion><PromotionId>1</PromotionId></Promotion>"
      + "<Promotion><PromotionId>2</PromotionId><Remarks>\(long)</Remarks></Promotion>"
      + "<Promotion><PromotionId>3</PromotionId><PromotionItems>\(items)</PromotionItems></Promotion>"
      + "<Promotion><PromotionId>4</PromotionId></Promotion></Promotions></Root>"
    var limits = PriceFileLimits()
    limits.recordBytes = 2_000
    let (records, summary) = records(Array(text.utf8), limits: limits)
    // Merged promotions come last.
    #expect(records.map { $0[.id] } == ["4", "1"])
    #expect(summary.rows == 6)
    #expect(summary.rejected.missingCode == 1)
    #expect(summary.rejected.tooLarge == 2)
    #expect(summary.repeatedRows == 1)
    #expect(summary.keptRows == 2)
  }

  @Test(arguments: RecordFixtures.promotions + RecordFixtures.stores)
  func chunkSizesDoNotMatter(_ text: String) {
    let unmarked = text.first == "\u{FEFF}" ? String(text.dropFirst()) : text
    for bytes in [
      Array(text.utf8), Fixtures.windows1255(unmarked), Fixtures.utf16(text, bigEndian: false, marked: true),
    ] {
      let whole = records(bytes)
      let pieces = records(bytes) { 1 }
      #expect(whole.records == pieces.records)
      #expect(!whole.records.isEmpty)
      #expect(whole.summary == pieces.summary)
    }
  }

  @Test(arguments: RecordFixtures.promotions) func truncatedFilesKeepCompletePromotions(_ text: String) {
    let all = Array(text.utf8)
    let whole = records(all).records
    for cut in stride(from: 1, to: all.count - 8, by: 7) {
      let (found, summary) = records(Array(all[..<cut]))
      #expect(found == Array(whole.prefix(found.count)))
      #expect(summary.outcome == .truncated)
    }
  }
}

/// A promotion or branch as values, for comparing.
struct ReadRecord: Equatable {
  var texts: [UInt8: String] = [:]
  var times: [String?] = []
  var clubs: [String] = []
  var items: [String] = []
  var groups: [String] = []

  subscript(_ field: PromotionField) -> String? { texts[field.rawValue] }
  subscript(_ field: StoreField) -> String? { texts[field.rawValue] }

  init(_ row: borrowing PromotionOrStore) {
    switch row {
    case .promotion(let promotion):
      for field in PromotionField.allCases {
        let text = promotion.string(field)
        if !text.isEmpty { texts[field.rawValue] = text }
      }
      times = [promotion.startsAt, promotion.endsAt, promotion.updatedAt].map { $0?.description }
      for index in 0..<promotion.clubCount { clubs.append(String(decoding: promotion.club(index), as: UTF8.self)) }
      for index in 0..<promotion.itemCount {
        let item = promotion.item(index)
        let parts = [
          String(decoding: item.code, as: UTF8.self), item.itemType.map { "\($0)" } ?? "-",
          item.isGift.map { "\($0)" } ?? "-", item.discountedPrice?.description ?? "-",
        ]
        items.append(parts.joined(separator: " "))
        if let group = item.groupID { groups.append(String(decoding: group, as: UTF8.self)) }
      }
    case .store(let store):
      for field in StoreField.allCases {
        if let text = store.string(field) { texts[field.rawValue] = text }
      }
    }
  }
}

/// As `read`, of a file that holds promotions or stores.
func records(
  _ bytes: [UInt8], limits: PriceFileLimits = PriceFileLimits(), chunk: () -> Int = { 64 << 10 }
) -> (records: [ReadRecord], summary: PriceFileSummary) {
  var plan = ReadingPlan()
  while true {
    let reader = PriceFileReader(limits: limits, zone: israel, plan: plan)
    var records: [ReadRecord] = []
    var answer = PriceFileReader.Answer.more
    var start = 0
    while start < bytes.count, answer == .more {
      let end = min(bytes.count, start + max(1, chunk()))
      Array(bytes[start..<end]).withUnsafeBytes { raw in
        answer = (try? reader.feed(raw, { _ in }, records: { records.append(ReadRecord($0)) })) ?? .stop
      }
      start = end
    }
    if answer == .more { answer = (try? reader.finish({ _ in }, records: { records.append(ReadRecord($0)) })) ?? .stop }
    if answer == .restart {
      plan = reader.nextPlan
      continue
    }
    return (records, reader.summary)
  }
}
