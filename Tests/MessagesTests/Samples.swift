@testable import Messages
@testable import TestSupport
import Values

func time(_ text: String) -> Timestamp {
  guard let time = Timestamp(text) else { preconditionFailure("not a time: \(text)") }
  return time
}

func decimal(_ text: String) -> ExactDecimal {
  guard let decimal = ExactDecimal(text) else { preconditionFailure("not a decimal: \(text)") }
  return decimal
}

/// What decoding throws, or nil when it succeeds.
func failure<Result>(_ body: () throws(DecodingFailure) -> Result) -> DecodingFailure? {
  do {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

enum Samples {
  static let discovered = FileDiscovered(
    chain: "king_store",
    url: "https://kingstore.binaprojects.com/Download/PriceFull7290058108879-001-202501200300.gz",
    timestamp: time("2025-01-20T01:05:00.25Z"), fileName: "PriceFull7290058108879-001-202501200300.gz",
    fileType: .priceFull, storeID: "1", size: 48_213, fingerprint: "9f2c", fileTime: time("2025-01-20T03:00:00+02:00"))

  static let alert = Alert(
    kind: .listingEmpty, severity: .warning, service: "crawler", chain: "king_store", subject: "king_store",
    occasion: "2025-01-20", message: "lists \"nothing\"", value: decimal("0"), expected: decimal("812"),
    observedAt: time("2025-01-20T01:05:00Z"))

  static let downloaded = FileDownloaded(
    chain: "king_store", s3Path: "s3://souk/files/king_store/2025-01-20/00112233aabbccdd-PriceFull.gz",
    localPath: nil, url: "https://kingstore.binaprojects.com/Download/PriceFull.gz", fileName: "PriceFull.gz",
    fileType: .priceFull, storeID: "1", fileTime: time("2025-01-20T03:00:00+02:00"),
    sha256: "00112233aabbccdd00112233aabbccdd00112233aabbccdd00112233aabbccdd", bytes: 48_213, compression: .gzip,
    discoveredAt: time("2025-01-20T01:05:00Z"), downloadedAt: time("2025-01-20T01:05:02.000001Z"))

  static let header = ProductsIngest.Header(
    batchID: "0123456789abcdef0123456789abcdef-000003", chain: "king_store", chainID: "7290058108879",
    subChainID: "1", storeID: "1", fileID: "0123456789abcdef0123456789abcdef",
    fileName: "PriceFull7290058108879-001-202501200300.gz", fileType: .priceFull,
    fileTime: time("2025-01-20T03:00:00+02:00"), sequence: 3, firstRow: 1500, isFull: true)

  static let items = [
    ProductsIngest.Item(
      ean: "7290000066318", price: decimal("12.90"), masterID: "gtin:07290000066318", name: "במבה \"גדולה\"",
      manufacturer: "אסם", unitQty: "גרם", quantity: decimal("80.00"), unitOfMeasure: "100 גרם",
      unitPrice: decimal("16.1250"), unit: "kg", pricePerUnit: decimal("161.250"), isWeighted: false,
      priceUpdatedAt: time("2025-01-19T09:15:00+02:00"), row: 1500),
    ProductsIngest.Item(ean: "0013006", price: decimal("99"), masterID: "king_store:0013006", row: 1502),
  ]

  static let ingest = ProductsIngest(header: header, items: items)

  static let promotions = PromotionsIngest(
    header: PromotionsIngest.Header(
      batchID: "0123456789abcdef0123456789abcdef-000001", chain: "rami_levy", chainID: "7290058140886",
      subChainID: "1", storeID: "29", fileID: "0123456789abcdef0123456789abcdef",
      fileName: "PromoFull7290058140886-029-202310021200.gz", fileType: .promoFull,
      fileTime: time("2023-10-02T12:00:00+03:00"), sequence: 1, isFull: true, isLast: true, alsoNamed: ["3"]),
    promotions: [
      PromotionsIngest.Promotion(
        promotionID: "0001421409", description: "אננס ב\"7.90\"", startsAt: time("2026-08-04T00:00:00+03:00"),
        endsAt: time("2026-09-01T23:59:00+03:00"), updatedAt: time("2026-08-23T00:00:00+03:00"), rewardType: 10,
        minQty: decimal("0.010"), maxQty: decimal("9"), discountRate: decimal("46.98"), discountType: 1,
        discountedPrice: decimal("7.90"), discountedUnitPrice: decimal("7.900"), minPurchaseAmount: decimal("0.00"),
        minItems: decimal("10"), isWeighted: true, isCoupon: false, allowMultiple: false, remarks: "one each",
        clubs: ["0", "2"], row: 7,
        items: [
          PromotionsIngest.Item(
            ean: "7290000000502", itemType: 1, isGift: true, groupID: "1", rewardType: 10, minQty: decimal("0.010"),
            maxQty: decimal("9"), discountRate: decimal("46.98"), discountedPrice: decimal("7.90")),
          PromotionsIngest.Item(ean: PromotionsIngest.Item.standInCode),
        ]),
      PromotionsIngest.Promotion(promotionID: "1142", row: 8),
    ])

  static let stores = StoresIngest(
    fileID: "0123456789abcdef0123456789abcdef", fileName: "Stores7290058140886-000-20250724-050500.xml",
    fileTime: time("2025-07-24T05:05:00+03:00"), chain: "rami_levy",
    chainIDs: ["7290058140887"],
    stores: [
      StoresIngest.Store(
        chainID: "7290058140886", chainName: "רמי לוי", subChainID: "1", subChainName: "1", storeID: "39",
        name: "תלפיות", type: 2, address: "האומן,15", city: "3000", zip: "9342110", latitude: decimal("31.75"),
        longitude: decimal("35.21")),
      StoresIngest.Store(storeID: "2"),
    ])

  static let parsed: FileParsed = {
    var parsed = FileParsed(
      fileID: "0123456789abcdef0123456789abcdef", chain: "king_store", fileName: "PriceFull.gz", outcome: "truncated",
      fileTime: time("2025-01-20T03:00:00+02:00"))
    (parsed.chainID, parsed.subChainID, parsed.storeID) = ("7290058108879", "1", "1")
    (parsed.kind, parsed.dialect, parsed.reason) = (.priceFull, "bina", "truncated")
    (parsed.rows, parsed.distinctCodes, parsed.duplicates, parsed.rejected, parsed.batches) = (100, 97, 2, 1, 1)
    parsed.unknownElements = ["Foo \"x\"": 3, "Bar": 1]
    parsed.defects = ["xml_bad_name": 2]
    parsed.unknownWords = ["unit_of_measure: חופן": 4]
    (parsed.compression, parsed.encoding, parsed.bytes, parsed.xmlBytes) = (.gzip, "utf-8", 48_213, 900_000)
    parsed.discoveredAt = time("2025-01-20T01:05:00Z")
    parsed.downloadedAt = time("2025-01-20T01:05:02.000001Z")
    parsed.parsedAt = time("2025-01-20T01:05:03Z")
    (parsed.parseMilliseconds, parsed.newMasters, parsed.matched) = (12, 5, 91)
    return parsed
  }()
}
