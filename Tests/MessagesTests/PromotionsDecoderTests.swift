import Messages
@testable import TestSupport
import Testing

@Suite struct PromotionsDecoderTests {
  private struct Recorder: PromotionsIngestVisitor {
    var events: [String] = []

    mutating func header(_ header: IngestHeader) {
      events.append("header \(header.storeID) \(header.isFull) \(header.isLast)")
    }

    mutating func promotion(_ promotion: borrowing PromotionView) {
      var parts = [text(promotion.promotionID), "\(promotion.fields.row)"]
      for index in 0..<promotion.clubCount { parts.append("club " + text(promotion.club(index))) }
      for index in 0..<promotion.itemCount {
        let item = promotion.item(index)
        parts.append("item \(text(item.ean)) \(item.fields.isGift.map { "\($0)" } ?? "-")")
      }
      events.append(parts.joined(separator: ", "))
    }

    mutating func unreadablePromotion(_ failure: DecodingFailure) { events.append("unreadable \(failure.item ?? -1)") }
  }

  private func record(_ json: String) throws(DecodingFailure) -> [String] {
    var decoder = PromotionsIngestDecoder()
    var recorder = Recorder()
    try decoder.decode(Array(json.utf8).span.bytes, into: &recorder)
    return recorder.events
  }

  private let header = #""batch_id":"b","file_id":"f","file_time":"2025-01-20T03:00:00+02:00","chain":"c","#
    + #""store_id":"1","full":true,"last":false"#
  private let promotions = #""promotions":[{"promotion_id":"1\u002d","items":[{"ean":"7","is_gift":true},{"ean":"7"}],"#
    + #""clubs":["0","\u05d0"],"row":4},{"promotion_id":"2","items":[{"item_type":1}]},"#
    + #"{"future":{"a":[1]},"promotion_id":"3","items":[],"clubs":[]}]"#
  private let expected = [
    "header 1 true false", "1-, 4, club 0, club א, item 7 true, item 7 -", "unreadable 1", "3, 2",
  ]

  @Test func promotionsComeWhole() throws {
    #expect(try record("{\(header),\(promotions)}") == expected)
    #expect(try record("{\(promotions),\(header)}") == expected)
  }

  @Test(arguments: ["batch_id", "file_id", "file_time", "chain", "store_id", "promotions"])
  func requiredHeaderFields(_ field: String) {
    let json = "{\(header),\(promotions)}".replacing("\"\(field)\"", with: "\"other\"")
    #expect(failure { () throws(DecodingFailure) in try record(json) }?.code == "missing_field")
  }

  @Test func aBrokenMessageIsAnErrorAndNotAPromotion() {
    let json = #"{\#(header),"promotions":[{"promotion_id":"1","items":[{"ean":"7"}"#
    #expect(failure { () throws(DecodingFailure) in try record(json) }?.code == "malformed_json")
  }

  @Test func messagesReadBack() throws {
    #expect(try PromotionsIngest(decoding: Samples.promotions.encoded()) == Samples.promotions)
    #expect(try StoresIngest(decoding: Samples.stores.encoded()) == Samples.stores)
    #expect(try FileParsed(decoding: Samples.parsed.encoded()) == Samples.parsed)
  }

  @Test func aFullBatchKeepsOnlyWholePromotions() throws {
    let sample = Samples.promotions.promotions[0]
    var writer = PromotionsIngestWriter(header: Samples.promotions.header, maxPromotions: 2)
    var sizes: [Int] = []
    for _ in 0..<5 {
      if append(sample, to: &writer) == .full {
        sizes.append(try PromotionsIngest(decoding: bytes(writer.finish(isLast: false))).promotions.count)
        writer.beginBatch(sequence: writer.header.sequence + 1)
        let outcome = append(sample, to: &writer)
        #expect(outcome == .written)
      }
    }
    let last = try PromotionsIngest(decoding: bytes(writer.finish(isLast: true)))
    #expect(sizes == [2, 2])
    #expect(last.promotions == [sample])
    #expect(last.header.isLast)
    #expect(last.header.batchID.hasSuffix("-000003"))
  }

  @Test func aPromotionLargerThanAMessageIsNotWritten() throws {
    var writer = PromotionsIngestWriter(header: Samples.promotions.header, maxBytes: 1500)
    let outcome = append(Samples.promotions.promotions[0], to: &writer)
    #expect(outcome == .tooLarge)
    #expect(try PromotionsIngest(decoding: bytes(writer.finish(isLast: true))).promotions == [])
  }

  private func bytes(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { Array($0) } }
}
