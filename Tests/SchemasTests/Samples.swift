import Schemas

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
    fileTime: time("2025-01-20T03:00:00+02:00"), sequence: 3, firstRow: 1500)

  static let items = [
    ProductsIngest.Item(
      ean: "7290000066318", price: decimal("12.90"), masterID: "gtin:07290000066318", name: "במבה \"גדולה\"",
      manufacturer: "אסם", unitQty: "גרם", quantity: decimal("80.00"), unitOfMeasure: "100 גרם",
      unitPrice: decimal("16.1250"), isWeighted: false, priceUpdatedAt: time("2025-01-19T09:15:00+02:00"), row: 1500),
    ProductsIngest.Item(ean: "0013006", price: decimal("99"), masterID: "king_store:0013006", row: 1502),
  ]

  static let ingest = ProductsIngest(header: header, items: items)
}
