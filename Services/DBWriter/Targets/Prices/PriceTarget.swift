import Catalogue
import Messages
import Postgres
import Values

/// `gogobe.products.ingest`: current prices, their history and end, products, and the effect of each file.
package struct PriceTarget: WriteTarget {
  package let name = "prices"
  package let topics = [Topics.productsIngest]
  package let elements: String? = "items"
  package let staging = [PriceSQL.batches, PriceSQL.rows]

  package init() {}

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] {
    let partitions = dialect == .postgresql ? [PriceSQL.ensurePartitions] : []
    return partitions + [PriceSQL.full.note, PriceSQL.mergePrices, PriceSQL.full.end, PriceSQL.mergeProducts]
  }

  private final class Reader: TargetReader {
    private var decoder = ProductsIngestDecoder()

    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      var visitor = PriceVisitor(&rows)
      defer { visitor.giveBack(to: &rows) }
      try decoder.decode(value, into: &visitor)
    }
  }
}

/// Converts the items of one message to rows of the staging tables, byte by byte, while the message is read.
///
/// An item that cannot be stored is refused alone; a header that cannot be stored refuses the message.
struct PriceVisitor: ProductsIngestVisitor {
  private let batch: Int32
  /// Separate properties rather than an array, because every field of every item is appended here.
  private var batches = BinaryCopyRows()
  private var rows = BinaryCopyRows()
  private var kept = 0
  private var index = 0
  private var refusals: [(Int, DecodingFailure)] = []
  private var closes = false

  /// Takes the buffers of `message`; `giveBack` returns them.
  init(_ message: inout MessageRows) {
    batch = message.batch
    swap(&batches, &message.tables[0])
    swap(&rows, &message.tables[1])
  }

  mutating func giveBack(to message: inout MessageRows) {
    swap(&batches, &message.tables[0])
    swap(&rows, &message.tables[1])
    message.keep(kept)
    message.headerCounts = closes
    for (index, failure) in refusals { message.refuse(index, failure) }
  }

  mutating func header(_ header: IngestHeader) throws(DecodingFailure) {
    try StagingLimits.checkKey(header.chain.utf8.span.bytes, "chain")
    try StagingLimits.checkKey(header.storeID.utf8.span.bytes, "store_id")
    try StagingLimits.checkFileTime(header.fileTime)
    let id = try StagingLimits.id(header.fileID.utf8.span.bytes)
    for code in header.alsoNamed { try StagingLimits.checkText(code, "also_named", limit: StagingLimits.keyBytes) }
    closes = header.isFull && header.isLast
    batches.beginRow(fields: PriceSQL.batches.columns.count)
    batches.int4(batch)
    batches.text(header.chain)
    batches.text(header.storeID)
    batches.timestamptz(unixMicroseconds: header.fileTime.microseconds)
    batches.uuid(high: id.high, low: id.low)
    batches.beginTextArray(count: closes ? 1 : 0)
    if closes { batches.text(header.storeID) }
    batches.endTextArray()
    batches.texts(header.alsoNamed)
  }

  mutating func item(_ item: borrowing ProductsIngestItemView) {
    defer { index += 1 }
    do {
      try Self.check(item, index)
    } catch {
      refusals.append((index, error))
      return
    }
    kept += 1
    rows.beginRow(fields: PriceSQL.rowColumns)
    rows.int4(batch)
    rows.int4(Int32(truncatingIfNeeded: item.row))
    rows.text(item.ean)
    rows.decimal(item.price)
    rows.decimalOrNull(item.unitPrice)
    rows.textOrNull(item.unit)
    rows.decimalOrNull(item.pricePerUnit)
    rows.timeOrNull(item.priceUpdatedAt)
    rows.text(item.masterID)
    rows.textOrNull(item.name)
    rows.textOrNull(item.manufacturer)
    rows.textOrNull(item.unitQty)
    rows.decimalOrNull(item.quantity)
    rows.textOrNull(item.unitOfMeasure)
    rows.boolOrNull(item.isWeighted)
  }

  mutating func unreadableItem(_ failure: DecodingFailure) {
    refusals.append((index, failure))
    index += 1
  }

  private static func check(_ item: borrowing ProductsIngestItemView, _ index: Int) throws(DecodingFailure) {
    try StagingLimits.checkKey(item.ean, "ean", index)
    try StagingLimits.checkText(item.masterID, "master_id", index, limit: StagingLimits.masterIDBytes)
    guard item.masterID.byteCount > 0 else {
      throw DecodingFailure(.badValue, at: 0, "empty", field: "master_id", item: index)
    }
    if item.price.isNegative {
      throw DecodingFailure(.badPrice, at: 0, "negative", field: "price", item: index)
    }
    guard StagingLimits.rows.contains(item.row) else {
      throw DecodingFailure(.badNumber, at: 0, "not a row number of 0...2147483647", field: "row", item: index)
    }
    if let text = item.name { try StagingLimits.checkText(text, "name", index) }
    if let text = item.manufacturer { try StagingLimits.checkText(text, "manufacturer", index) }
    if let text = item.unitQty { try StagingLimits.checkText(text, "unit_qty", index) }
    if let text = item.unit { try StagingLimits.checkText(text, "unit", index) }
    if let text = item.unitOfMeasure { try StagingLimits.checkText(text, "unit_of_measure", index) }
  }
}
