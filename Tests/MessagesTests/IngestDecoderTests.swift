import Messages
import Testing

@Suite struct IngestDecoderTests {
  /// Keeps copies of what it visits.
  private struct Recorder: ProductsIngestVisitor {
    var events: [String] = []
    var refuseItem: String?

    mutating func header(_ header: IngestHeader) {
      events.append("header \(header.batchID) \(header.storeID) \(header.fileTime)")
    }

    mutating func item(_ item: borrowing ProductsIngestItemView) throws(DecodingFailure) {
      let ean = text(item.ean)
      if ean == refuseItem { throw DecodingFailure(.badValue, at: 0, "refused", field: "ean") }
      var name = "-"
      if let bytes = item.name { name = text(bytes) }
      events.append("\(item.fields.row) \(ean) \(item.fields.price) \(name)")
    }
  }

  private func record(_ json: String, refuse: String? = nil) throws(DecodingFailure) -> [String] {
    var decoder = ProductsIngestDecoder()
    var recorder = Recorder(refuseItem: refuse)
    try decoder.decode(Array(json.utf8).span.bytes, into: &recorder)
    return recorder.events
  }

  private let header =
    #""batch_id":"b\u0021","chain":"c","store_id":"\u05d0","file_id":"f","file_time":"2025-01-20T03:00:00+02:00""#
  private let items = #""first_row":7,"items":["#
    + #"{"ean":"1","price":"0.10","master_id":"m","name":"a\"\u05d0\uD83D\uDE00\\"},"#
    + #"{"master_id":"m","price":2,"ean":"2","name":null,"row":40},{"ean":"3","price":"3","master_id":"m","name":""}]"#

  private let expected = [
    "header b! א 2025-01-20T03:00:00+02:00", "7 1 0.10 a\"א😀\\", "40 2 2 -", "9 3 3 ",
  ]

  @Test func headerThenItemsInOrder() throws {
    #expect(try record("{\(header),\(items)}") == expected)
  }

  @Test func headerFieldsMayFollowTheItems() throws {
    #expect(try record("{\(items),\(header)}") == expected)
    #expect(try record(" { \(items) , \"x\" : {\"items\":[1]}, \(header) } ") == expected)
  }

  @Test func ourOwnMessagesNeedOnePass() throws {
    var decoder = ProductsIngestDecoder()
    for _ in 0..<3 {
      var recorder = Recorder()
      let bytes = Samples.ingest.encoded()
      try decoder.decode(bytes.span.bytes, into: &recorder)
      #expect(recorder.events == [
        "header 0123456789abcdef0123456789abcdef-000003 1 2025-01-20T03:00:00+02:00",
        "1500 7290000066318 12.90 במבה \"גדולה\"", "1502 0013006 99 -",
      ])
    }
  }

  @Test func noItemsIsStillAMessage() throws {
    #expect(try record("{\(header),\"items\":[]}") == [expected[0]])
  }

  @Test func aVisitorMayRefuse() {
    let error = failure { () throws(DecodingFailure) in try record("{\(header),\(items)}", refuse: "2") }
    #expect(error?.code == "bad_value")
  }

  @Test(arguments: [
    ("chain", "missing_field"), ("batch_id", "missing_field"), ("store_id", "missing_field"),
    ("file_id", "missing_field"), ("file_time", "missing_field"), ("items", "missing_field"),
  ])
  func requiredHeaderFields(_ field: String, _ code: String) {
    let json = "{\(header),\(items)}".replacing("\"\(field)\"", with: "\"other\"")
    let error = failure { () throws(DecodingFailure) in try record(json) }
    #expect(error?.code == code)
    #expect(error?.field == field)
  }

  @Test(arguments: ["ean", "price", "master_id"])
  func requiredItemFields(_ field: String) {
    let json = "{\(header),\"items\":[{\"ean\":\"1\",\"price\":\"1\",\"master_id\":\"m\"}]}"
      .replacing("\"\(field)\"", with: "\"other\"")
    let error = failure { () throws(DecodingFailure) in try record(json) }
    #expect(error?.code == "missing_field")
    #expect(error?.field == field)
    #expect(error?.item == 0)
  }

  @Test(arguments: [
    (#"{"ean":"1","price":null,"master_id":"m"}"#, "wrong_type"),
    (#"{"ean":"1","price":"","master_id":"m"}"#, "bad_price"),
    (#"{"ean":"1","price":" 1","master_id":"m"}"#, "bad_price"),
    (#"{"ean":"1","price":"1,5","master_id":"m"}"#, "bad_price"),
    (#"{"ean":"1","price":"1234567890123456789","master_id":"m"}"#, "bad_price"),
    (#"{"ean":"1","price":1234567890123456789,"master_id":"m"}"#, "bad_price"),
    (#"{"ean":"1","price":true,"master_id":"m"}"#, "wrong_type"),
    (#"{"ean":"1","price":"1","master_id":"m","quantity":"x"}"#, "bad_number"),
    (#"{"ean":"1","price":"1","master_id":"m","is_weighted":1}"#, "wrong_type"),
    (#"{"ean":"1","price":"1","master_id":"m","price_updated_at":"yesterday"}"#, "bad_timestamp"),
    (#"{"ean":"1","price":"1","master_id":"m","ean":"1"}"#, "duplicate_field"),
    (#"{"ean":1,"price":"1","master_id":"m"}"#, "wrong_type"), ("[]", "wrong_type"), ("7", "wrong_type"),
    (#"{"ean":"1","price":"1","master_id":"m""#, "malformed_json"),
  ])
  func badItems(_ item: String, _ code: String) {
    let error = failure { () throws(DecodingFailure) in
      try record("{\(header),\"items\":[{\"ean\":\"0\",\"price\":\"1\",\"master_id\":\"m\"},\(item)]}")
    }
    #expect(error?.code == code)
    // With header fields still to come, the items are first skipped, uncounted.
    #expect(error?.item == (code == "malformed_json" ? nil : 1))
  }

  @Test func anErrorAfterTheItemsIsStillAnError() {
    func code(_ json: String) -> String? { failure { () throws(DecodingFailure) in try record(json) }?.code }
    #expect(code("{\(header),\(items)} x") == "malformed_json")
    #expect(code("{\(header),\(items),\(items)}") == "duplicate_field")
  }
}
