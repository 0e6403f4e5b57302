import Messages
import TestSupport
import Values

/// Messages as the parser makes them: Hebrew names, prices with two digits, batches of 500.
struct CopyFeed {
  static let itemsPerFile = 5_000
  private(set) var messages: [[UInt8]] = []
  /// The messages of each flush.
  private(set) var flushes: [Range<Int>] = []

  var rowCount: Int { messages.count * ProductsIngestWriter.maxItems }
  var byteCount: Int { messages.reduce(0) { $0 + $1.count } }

  init(files: Int, flushRows: Int) {
    let stores = max(1, (files + 2) / 3)
    for file in 0..<files {
      let (store, hour) = (file % stores, file / stores)
      for batch in 0..<(Self.itemsPerFile / ProductsIngestWriter.maxItems) {
        let first = batch * ProductsIngestWriter.maxItems
        messages.append(ProductsIngest(
          header: Self.header(file: file, store: store, hour: hour, batch: batch),
          items: (first..<(first + ProductsIngestWriter.maxItems)).map {
            Self.item($0, store: store, hour: hour)
          }).encoded())
      }
    }
    let step = max(1, flushRows / ProductsIngestWriter.maxItems)
    flushes = stride(from: 0, to: messages.count, by: step).map { $0..<min($0 + step, messages.count) }
  }

  private static func header(file: Int, store: Int, hour: Int, batch: Int) -> ProductsIngest.Header {
    let digits = String(UInt64(file + 1) &* 0x9e37_79b9_7f4a_7c15, radix: 16)
    let fileID = String((digits + String(repeating: "0", count: 32)).prefix(32))
    return ProductsIngest.Header(
      batchID: IngestHeader.batchID(fileID: fileID, sequence: Int64(batch)), chain: "chain\(store % 4)",
      storeID: "\(store)", fileID: fileID,
      fileTime: Timestamp(microseconds: 1_737_331_200_000_000 + Int64(hour) * 3_600_000_000) ?? Self.epoch,
      sequence: Int64(batch), firstRow: Int64(batch * ProductsIngestWriter.maxItems))
  }

  private static let epoch = Timestamp(microseconds: 1_737_331_200_000_000)!

  private static func item(_ number: Int, store: Int, hour: Int) -> ProductsIngest.Item {
    let changes = (number &* 7 &+ store) % 10 == 0 ? hour : 0
    let agorot = Int64(100 + (number &* 37 &+ store &* 11) % 20_000 + changes)
    let ean = String(7_290_000_000_000 + number)
    return ProductsIngest.Item(
      ean: ean, price: ExactDecimal(mantissa: agorot, scale: 2) ?? .zero, masterID: "gtin:0" + ean,
      name: "מוצר מספר \(number) בטעם וניל 200 גרם", manufacturer: "יצרן \(number % 300) בע\"מ", unitQty: "גרם",
      quantity: ExactDecimal(mantissa: 20_000, scale: 2), unitOfMeasure: "100 גרם",
      unitPrice: ExactDecimal(mantissa: agorot * 50, scale: 4), isWeighted: false,
      priceUpdatedAt: epoch, row: Int64(number))
  }
}
