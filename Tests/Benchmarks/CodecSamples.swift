import Messages
import TestSupport
import Values

/// Messages of typical sizes and scripts.
enum CodecSamples {
  private static let time = Timestamp(year: 2025, month: 1, day: 20, hour: 1, minute: 5, offsetMinutes: 120)
    ?? .epoch

  static let file = FileDiscovered(
    chain: "king_store", url: "https://king.example/Download/Price7290058108879-1-202501200300.gz",
    timestamp: time, fileName: "Price7290058108879-1-202501200300.gz", fileType: .price,
    storeID: "1", size: 48_213, fingerprint: "9f2c", fileTime: time)

  static let ingest: ProductsIngest = {
    let names = [
      "במבה נוגט 60 גרם", "חלב טרי 3% שומן 1 ליטר", "Coca Cola Zero 1.5L", "גבינה לבנה 5% 250 גרם תנובה",
      "לחם אחיד פרוס",
    ]
    let makers = ["אסם", "תנובה", "החברה המרכזית", "אנג'ל", "שטראוס"]
    let items = (0..<500).map { row in
      let ean = String(7_290_000_066_318 + row * 37)
      return ProductsIngest.Item(
        ean: ean, price: ExactDecimal(mantissa: Int64(390 + row * 7), scale: 2) ?? .zero, masterID: "gtin:0\(ean)",
        name: names[row % names.count], manufacturer: makers[row % makers.count], unitQty: "גרם",
        quantity: ExactDecimal(mantissa: Int64(1000 + row), scale: 2), unitOfMeasure: "100 גרם",
        unitPrice: ExactDecimal(mantissa: Int64(161_250 + row), scale: 4), isWeighted: row % 20 == 0,
        priceUpdatedAt: time, row: Int64(row))
    }
    return ProductsIngest(
      header: ProductsIngest.Header(
        batchID: "0123456789abcdef0123456789abcdef-000000", chain: "king_store", chainID: "7290058108879",
        subChainID: "1", storeID: "1", fileID: "0123456789abcdef0123456789abcdef",
        fileName: "PriceFull7290058108879-001-202501200300.gz", fileType: .priceFull, fileTime: time),
      items: items)
  }()
}

/// A flat message of short texts, numbers and times: a bar of market data.
struct Bar {
  var symbol = "", exchange = "", interval = ""
  var datetime = Timestamp.epoch
  var open = ExactDecimal.zero, high = ExactDecimal.zero, low = ExactDecimal.zero, close = ExactDecimal.zero
  var volume: Int64 = 0
  var ingestionTimestamp = Timestamp.epoch

  static let sample: Bar = {
    var bar = Bar()
    (bar.symbol, bar.exchange, bar.interval) = ("COMI", "EGX", "Daily")
    func price(_ mantissa: Int64) -> ExactDecimal { ExactDecimal(mantissa: mantissa, scale: 2) ?? .zero }
    (bar.open, bar.high, bar.low, bar.close) = (price(4550), price(4620), price(4510), price(4600))
    bar.volume = 1_250_000
    bar.datetime = Timestamp(year: 2025, month: 1, day: 20) ?? bar.datetime
    bar.ingestionTimestamp = Timestamp(
      year: 2025, month: 1, day: 20, hour: 14, minute: 30, second: 52, microsecond: 123_456) ?? bar.datetime
    return bar
  }()

  enum Field: String, CaseIterable {
    case symbol, exchange, interval, datetime, open, high, low, close, volume
    case ingestionTimestamp = "ingestion_timestamp"
  }
  private static let fields = FieldTable(Field.self)

  private init() {}

  init(decoding bytes: RawSpan) throws(DecodingFailure) {
    var reader = try JSONReader(bytes)
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let index = try reader.nextField(&cursor, among: table.names) {
      switch table.fields[index] {
      case .symbol: symbol = try reader.string()
      case .exchange: exchange = try reader.string()
      case .interval: interval = try reader.string()
      case .datetime: datetime = try reader.timestamp(field: "datetime")
      case .open: open = try reader.decimal(field: "open")
      case .high: high = try reader.decimal(field: "high")
      case .low: low = try reader.decimal(field: "low")
      case .close: close = try reader.decimal(field: "close")
      case .volume: volume = try reader.integer()
      case .ingestionTimestamp: ingestionTimestamp = try reader.timestamp(field: "ingestion_timestamp")
      }
    }
    try reader.require(table.all, in: cursor, of: table)
    try reader.finish()
  }

  func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("symbol")
    writer.string(symbol)
    writer.key("exchange")
    writer.string(exchange)
    writer.key("interval")
    writer.string(interval)
    writer.key("datetime")
    writer.string(datetime)
    writer.key("open")
    writer.number(open)
    writer.key("high")
    writer.number(high)
    writer.key("low")
    writer.number(low)
    writer.key("close")
    writer.number(close)
    writer.key("volume")
    writer.integer(volume)
    writer.key("ingestion_timestamp")
    writer.string(ingestionTimestamp)
    writer.endObject()
  }
}

// The same messages for Foundation, in the cheapest types it can read them into.

struct PlainBar: Codable {
  var symbol, exchange, interval, datetime: String
  var open, high, low, close: Double
  var volume: Int64
  var ingestion_timestamp: String
}

struct PlainFile: Codable {
  var chain, url, timestamp, file_name: String
  var file_type, store_id: String?
  var size: Int64?
  var fingerprint, file_time: String?
}

struct PlainIngest: Codable {
  struct Item: Codable {
    var ean, price, master_id: String
    var name, manufacturer, unit_qty, quantity, unit_of_measure, unit_price: String?
    var is_weighted: Bool?
    var price_updated_at: String?
    var row: Int64
  }
  var batch_id, chain: String
  var chain_id, sub_chain_id: String?
  var store_id, file_id: String
  var file_name, file_type: String?
  var file_time: String
  var sequence, first_row: Int64
  var items: [Item]
}
