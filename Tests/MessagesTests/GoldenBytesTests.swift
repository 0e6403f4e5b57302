import Messages
@testable import TestSupport
import Testing
import Values

/// The exact bytes of each message. A change here is a change of the wire form: readers of the old one must still
/// be served (see `SchemaGrowthTests`).
@Suite struct GoldenBytesTests {
  @Test func fileDiscovered() {
    #expect(String(decoding: Samples.discovered.encoded(), as: UTF8.self) == """
      {"chain":"king_store",\
      "url":"https://kingstore.binaprojects.com/Download/PriceFull7290058108879-001-202501200300.gz",\
      "timestamp":"2025-01-20T01:05:00.250Z","file_name":"PriceFull7290058108879-001-202501200300.gz",\
      "file_type":"price_full","store_id":"1","size":48213,"fingerprint":"9f2c",\
      "file_time":"2025-01-20T03:00:00+02:00"}
      """)
    #expect(String(decoding: Samples.discovered.key, as: UTF8.self)
      == "king_store/PriceFull7290058108879-001-202501200300.gz")
    #expect(String(decoding: Samples.discovered.partitionKey, as: UTF8.self) == "king_store/1")
  }

  @Test func fileDiscoveredWithNothingKnown() {
    let message = FileDiscovered(chain: "7290058140886", url: "file:///a/b", timestamp: time("2025-01-20T01:05:00Z"),
      fileName: "b")
    #expect(String(decoding: message.encoded(), as: UTF8.self) == """
      {"chain":"7290058140886","url":"file:///a/b","timestamp":"2025-01-20T01:05:00Z","file_name":"b",\
      "file_type":null,"store_id":null,"size":null,"fingerprint":null,"file_time":null}
      """)
  }

  @Test func alert() throws {
    #expect(String(decoding: Samples.alert.encoded(), as: UTF8.self) == """
      {"alert_id":"listing_empty/king_store/2025-01-20","kind":"listing_empty","severity":"warning",\
      "service":"crawler","chain":"king_store","subject":"king_store","message":"lists \\"nothing\\"",\
      "value":0,"expected":812,"observed_at":"2025-01-20T01:05:00Z"}
      """)
    #expect(String(decoding: Samples.alert.key, as: UTF8.self) == "crawler/king_store")
    #expect(try Alert(decoding: Samples.alert.encoded()) == Samples.alert)
    var bare = Samples.alert
    (bare.chain, bare.value, bare.expected) = (nil, nil, nil)
    #expect(try Alert(decoding: bare.encoded()) == bare)
  }

  @Test func fileDownloaded() {
    #expect(String(decoding: Samples.downloaded.encoded(), as: UTF8.self) == """
      {"chain":"king_store","s3_path":"s3://souk/files/king_store/2025-01-20/00112233aabbccdd-PriceFull.gz",\
      "local_path":null,"url":"https://kingstore.binaprojects.com/Download/PriceFull.gz",\
      "file_name":"PriceFull.gz","file_type":"price_full","store_id":"1",\
      "file_time":"2025-01-20T03:00:00+02:00",\
      "sha256":"00112233aabbccdd00112233aabbccdd00112233aabbccdd00112233aabbccdd","bytes":48213,\
      "compression":"gzip","discovered_at":"2025-01-20T01:05:00Z","downloaded_at":"2025-01-20T01:05:02.000001Z"}
      """)
    #expect(String(decoding: Samples.downloaded.key, as: UTF8.self) == "king_store/1")
  }

  private let ingest = """
    {"batch_id":"0123456789abcdef0123456789abcdef-000003","chain":"king_store","chain_id":"7290058108879",\
    "sub_chain_id":"1","store_id":"1","file_id":"0123456789abcdef0123456789abcdef",\
    "file_name":"PriceFull7290058108879-001-202501200300.gz","file_type":"price_full",\
    "file_time":"2025-01-20T03:00:00+02:00","sequence":3,"first_row":1500,"full":true,"last":false,\
    "also_named":[],"items":[\
    {"ean":"7290000066318","price":"12.90","master_id":"gtin:07290000066318","name":"במבה \\"גדולה\\"",\
    "manufacturer":"אסם","unit_qty":"גרם","quantity":"80.00","unit_of_measure":"100 גרם",\
    "unit_price":"16.1250","unit":"kg","price_per_unit":"161.250","is_weighted":false,"price_updated_at":"2025-01-19T09:15:00+02:00","row":1500},\
    {"ean":"0013006","price":"99","master_id":"king_store:0013006","name":null,"manufacturer":null,\
    "unit_qty":null,"quantity":null,"unit_of_measure":null,"unit_price":null,"unit":null,"price_per_unit":null,\
    "is_weighted":null,\
    "price_updated_at":null,"row":1502}]}
    """

  @Test func productsIngest() {
    #expect(String(decoding: Samples.ingest.encoded(), as: UTF8.self) == ingest)
    #expect(String(decoding: Samples.ingest.key, as: UTF8.self) == "king_store/1")
  }

  @Test func theStreamingWriterWritesTheSameBytes() {
    var writer = ProductsIngestWriter(header: Samples.header)
    for item in Samples.items {
      #expect(append(item, to: &writer) == .written)
    }
    #expect(text(writer.finish()) == ingest)
  }

  @Test func productMaster() throws {
    let master = ProductMaster(
      masterID: "gtin:07290000066318", gtin: "07290000066318", name: "במבה \"גדולה\"", brand: "אסם",
      quantity: decimal("80"), unit: "g", sourceFileID: "0123456789abcdef0123456789abcdef",
      mintedAt: time("2025-01-20T03:00:00+02:00"))
    #expect(String(decoding: master.encoded(), as: UTF8.self) == """
      {"master_id":"gtin:07290000066318","gtin":"07290000066318","name":"במבה \\"גדולה\\"","brand":"אסם",\
      "quantity":"80","unit":"g","source_file_id":"0123456789abcdef0123456789abcdef",\
      "minted_at":"2025-01-20T03:00:00+02:00"}
      """)
    #expect(try ProductMaster(decoding: master.encoded()) == master)
    #expect(String(decoding: master.key, as: UTF8.self) == "gtin:07290000066318")
    let bare = ProductMaster(masterID: "name:00", name: "x", mintedAt: time("2025-01-20T01:05:00Z"))
    #expect(String(decoding: bare.encoded(), as: UTF8.self) == """
      {"master_id":"name:00","gtin":null,"name":"x","brand":null,"quantity":null,"unit":null,\
      "source_file_id":null,"minted_at":"2025-01-20T01:05:00Z"}
      """)
    #expect(try ProductMaster(decoding: bare.encoded()) == bare)
  }

  @Test func masterDecision() throws {
    var split = MasterDecision(
      .split, "gtin:07290000066318", "name:8123456789abcdef0123456789abcdef",
      products: [.init(chain: "king_store", code: "7"), .init(chain: "king_store", code: "17")],
      decidedAt: time("2025-01-20T01:05:00Z"), decidedBy: "dana", reason: "two sizes")
    split.decisionID = "0123456789abcdef0123456789abcdef"
    #expect(String(decoding: split.encoded(), as: UTF8.self) == """
      {"decision_id":"0123456789abcdef0123456789abcdef","kind":"split","master_id":"gtin:07290000066318",\
      "other_id":"name:8123456789abcdef0123456789abcdef","products":[{"chain":"king_store","code":"17"},\
      {"chain":"king_store","code":"7"}],"decided_at":"2025-01-20T01:05:00Z","decided_by":"dana",\
      "reason":"two sizes","model":null,"probability":null,"undone_at":null,"undone_by":null,"undone_reason":null}
      """)
    #expect(try MasterDecision(decoding: split.encoded()) == split)
    #expect(String(decoding: split.key, as: UTF8.self) == split.decisionID)
    (split.undoneAt, split.undoneBy, split.undoneReason) = (time("2025-01-20T01:06:00Z"), "noa", "one after all")
    #expect(try MasterDecision(decoding: split.encoded()) == split)

    var merge = MasterDecision(
      .merge, split.otherID, split.masterID, decidedAt: time("2025-01-20T01:05:00Z"), decidedBy: "dana")
    (merge.model, merge.probability) = ("v1", decimal("0.61"))
    #expect(try MasterDecision(decoding: merge.encoded()) == merge)
    // The time is part of the id, unless the decision is to be the same whenever it is made.
    func id(_ time: Timestamp, isRepeatable: Bool) -> String {
      MasterDecision(
        .merge, split.otherID, split.masterID, decidedAt: time, decidedBy: "dana", isRepeatable: isRepeatable
      ).decisionID
    }
    let later = time("2025-01-20T01:05:01Z")
    #expect(id(merge.decidedAt, isRepeatable: false) == merge.decisionID)
    #expect(id(later, isRepeatable: false) != merge.decisionID)
    #expect(id(later, isRepeatable: true) == id(merge.decidedAt, isRepeatable: true))
    let made = MasterDecision.splitMasterID(of: split.masterID, split.products)
    #expect(MasterDecision.isMasterID(made))
    #expect(made == MasterDecision.splitMasterID(of: split.masterID, split.products.reversed()))
  }

  private let promotions = """
    {"batch_id":"0123456789abcdef0123456789abcdef-000001","file_id":"0123456789abcdef0123456789abcdef",\
    "file_name":"PromoFull7290058140886-029-202310021200.gz","file_type":"promo_full",\
    "file_time":"2023-10-02T12:00:00+03:00","chain":"rami_levy","chain_id":"7290058140886","sub_chain_id":"1",\
    "store_id":"29","full":true,"sequence":1,"last":true,"also_named":["3"],"promotions":[\
    {"promotion_id":"0001421409","description":"אננס ב\\"7.90\\"","starts_at":"2026-08-04T00:00:00+03:00",\
    "ends_at":"2026-09-01T23:59:00+03:00","updated_at":"2026-08-23T00:00:00+03:00","reward_type":10,\
    "min_qty":"0.010","max_qty":"9","discount_rate":"46.98","discount_type":1,"discounted_price":"7.90",\
    "discounted_unit_price":"7.900","min_purchase_amount":"0.00","min_items":"10","is_weighted":true,\
    "is_coupon":false,"allow_multiple":false,"remarks":"one each","row":7,"clubs":["0","2"],"items":[\
    {"ean":"7290000000502","item_type":1,"is_gift":true,"group_id":"1","reward_type":10,"min_qty":"0.010",\
    "max_qty":"9","discount_rate":"46.98","discounted_price":"7.90"},\
    {"ean":"0000000000000","item_type":null,"is_gift":null,"group_id":null,"reward_type":null,"min_qty":null,\
    "max_qty":null,"discount_rate":null,"discounted_price":null}]},\
    {"promotion_id":"1142","description":null,"starts_at":null,"ends_at":null,"updated_at":null,\
    "reward_type":null,"min_qty":null,"max_qty":null,"discount_rate":null,"discount_type":null,\
    "discounted_price":null,"discounted_unit_price":null,"min_purchase_amount":null,"min_items":null,\
    "is_weighted":null,"is_coupon":null,"allow_multiple":null,"remarks":null,"row":8,"clubs":[],"items":[]}]}
    """

  @Test func promotionsIngest() {
    #expect(String(decoding: Samples.promotions.encoded(), as: UTF8.self) == promotions)
    #expect(String(decoding: Samples.promotions.key, as: UTF8.self) == "rami_levy/29")
  }

  @Test func theStreamingWriterOfPromotionsWritesTheSameBytes() {
    var writer = PromotionsIngestWriter(header: Samples.promotions.header)
    for promotion in Samples.promotions.promotions {
      let outcome = append(promotion, to: &writer)
      #expect(outcome == .written)
    }
    #expect(text(writer.finish(isLast: true, alsoNamed: ["3"])) == promotions)
  }

  @Test func storesIngest() {
    #expect(String(decoding: Samples.stores.encoded(), as: UTF8.self) == """
      {"batch_id":"0123456789abcdef0123456789abcdef-000000","file_id":"0123456789abcdef0123456789abcdef",\
      "file_name":"Stores7290058140886-000-20250724-050500.xml","file_time":"2025-07-24T05:05:00+03:00",\
      "chain":"rami_levy","sequence":0,"last":true,"chain_ids":["7290058140887"],"stores":[\
      {"chain_id":"7290058140886","chain_name":"רמי לוי","sub_chain_id":"1","sub_chain_name":"1","store_id":"39",\
      "name":"תלפיות","type":2,"address":"האומן,15","city":"3000","zip":"9342110","latitude":"31.75",\
      "longitude":"35.21"},\
      {"chain_id":null,"chain_name":null,"sub_chain_id":null,"sub_chain_name":null,"store_id":"2","name":null,\
      "type":null,"address":null,"city":null,"zip":null,"latitude":null,"longitude":null}]}
      """)
    #expect(String(decoding: Samples.stores.key, as: UTF8.self) == "rami_levy")
  }

  @Test func fileParsed() {
    #expect(String(decoding: Samples.parsed.encoded(), as: UTF8.self) == """
      {"file_id":"0123456789abcdef0123456789abcdef","chain":"king_store","chain_id":"7290058108879",\
      "sub_chain_id":"1","store_id":"1","file_name":"PriceFull.gz","kind":"price_full","dialect":"bina",\
      "outcome":"truncated","reason":"truncated","rows":100,"distinct_codes":97,"duplicates":2,"rejected":1,\
      "item_refs":0,"batches":1,"unknown_elements":{"Bar":1,"Foo \\"x\\"":3},"compression":"gzip",\
      "encoding":"utf-8","bytes":48213,"xml_bytes":900000,"file_time":"2025-01-20T03:00:00+02:00",\
      "discovered_at":"2025-01-20T01:05:00Z","downloaded_at":"2025-01-20T01:05:02.000001Z",\
      "parsed_at":"2025-01-20T01:05:03Z","parse_ms":12,"new_masters":5,"matched":91,\
      "defects":{"xml_bad_name":2},"unknown_words":{"unit_of_measure: חופן":4}}
      """)
    #expect(String(decoding: Samples.parsed.key, as: UTF8.self) == "king_store/1")
  }

  @Test func traceparent() {
    let parent = TraceParent(
      traceIDHigh: 0x0af7_6519_16cd_43dd, traceIDLow: 0x8448_eb21_1c80_319c, parentID: 0xb7ad_6b71_6920_3331, flags: 1)
    #expect(parent?.description == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
  }
}

func text(_ bytes: RawSpan) -> String { bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

func append(_ item: ProductsIngest.Item, to writer: inout ProductsIngestWriter) -> ProductsIngestWriter.Outcome {
  func bytes(_ text: String?) -> [UInt8]? { text.map { Array($0.utf8) } }
  let colon = item.masterID.firstIndex(of: ":").map(item.masterID.index(after:)) ?? item.masterID.startIndex
  let (prefix, rest) = (bytes(String(item.masterID[..<colon])) ?? [], bytes(String(item.masterID[colon...])) ?? [])
  let (ean, name, manufacturer) = (bytes(item.ean) ?? [], bytes(item.name), bytes(item.manufacturer))
  let (unitQty, unitOfMeasure, unit) = (bytes(item.unitQty), bytes(item.unitOfMeasure), bytes(item.unit))
  return writer.append(
    ean: ean.span.bytes, price: item.price, masterID: (prefix.span.bytes, rest.span.bytes), name: name?.span.bytes,
    manufacturer: manufacturer?.span.bytes, unitQty: unitQty?.span.bytes, quantity: item.quantity,
    unitOfMeasure: unitOfMeasure?.span.bytes, unitPrice: item.unitPrice, unit: unit?.span.bytes,
    pricePerUnit: item.pricePerUnit, isWeighted: item.isWeighted, priceUpdatedAt: item.priceUpdatedAt, row: item.row)
}

func append(
  _ promotion: PromotionsIngest.Promotion, to writer: inout PromotionsIngestWriter
) -> PromotionsIngestWriter.Outcome {
  func bytes(_ text: String?) -> [UInt8]? { text.map { Array($0.utf8) } }
  let (id, description) = (Array(promotion.promotionID.utf8), bytes(promotion.description))
  let remarks = bytes(promotion.remarks)
  writer.begin(
    promotionID: id.span.bytes, description: description?.span.bytes, startsAt: promotion.startsAt,
    endsAt: promotion.endsAt, updatedAt: promotion.updatedAt, rewardType: promotion.rewardType,
    minQty: promotion.minQty, maxQty: promotion.maxQty, discountRate: promotion.discountRate,
    discountType: promotion.discountType, discountedPrice: promotion.discountedPrice,
    discountedUnitPrice: promotion.discountedUnitPrice, minPurchaseAmount: promotion.minPurchaseAmount,
    minItems: promotion.minItems, isWeighted: promotion.isWeighted, isCoupon: promotion.isCoupon,
    allowMultiple: promotion.allowMultiple, remarks: remarks?.span.bytes, row: promotion.row)
  for club in promotion.clubs { writer.club(Array(club.utf8).span.bytes) }
  for item in promotion.items {
    let groupID = bytes(item.groupID)
    writer.item(
      ean: Array(item.ean.utf8).span.bytes, itemType: item.itemType, isGift: item.isGift,
      groupID: groupID?.span.bytes, rewardType: item.rewardType, minQty: item.minQty, maxQty: item.maxQty,
      discountRate: item.discountRate, discountedPrice: item.discountedPrice)
  }
  return writer.end()
}
