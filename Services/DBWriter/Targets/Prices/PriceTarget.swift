import Catalogue
import Messages
import Postgres
import Values

extension WriteTarget {
  /// `gogobe.products.ingest`: current prices, their history and end, products, and the effect of each file.
  package static let prices = WriteTarget(
    name: "prices", topics: [Topics.productsIngest], elements: "items", staging: [PriceSQL.batches, PriceSQL.rows],
    merge: [PriceSQL.full.note, PriceSQL.mergePrices, PriceSQL.full.end, PriceSQL.mergeProducts],
    prelude: PriceSQL.ensurePartitions
  ) {
    let decoder = Reused(ProductsIngestDecoder())
    return { value, rows throws(DecodingFailure) in
      var visitor = PriceVisitor(&rows)
      defer { visitor.giveBack(to: &rows) }
      try decoder.value.decode(value, into: &visitor)
    }
  }
}

/// What a reader uses for many messages.
final class Reused<Value: ~Copyable> {
  var value: Value

  init(_ value: consuming Value) { self.value = value }
}

/// Converts the items of one message to rows of the staging tables, byte by byte, while the message is read.
///
/// An item that cannot be stored is refused alone; a header that cannot be stored refuses the message.
struct PriceVisitor: ProductsIngestVisitor {
  private var message: MessageRows
  private let batch: Int32
  /// Taken out of the message's array, because every field of every item is appended here.
  private var rows = BinaryCopyRows()
  private var index = 0

  /// Takes the buffers of `message`; `giveBack` returns them.
  init(_ message: inout MessageRows) {
    batch = message.batch
    self.message = MessageRows(batch: batch, tables: [])
    swap(&self.message, &message)
    swap(&rows, &self.message.tables[1])
  }

  mutating func giveBack(to message: inout MessageRows) {
    swap(&rows, &self.message.tables[1])
    swap(&self.message, &message)
  }

  mutating func header(_ header: IngestHeader) throws(DecodingFailure) {
    message.headerCounts = header.isFull && header.isLast
    try message.tables[0].storeFile(batch: batch, header)
  }

  mutating func item(_ item: borrowing ProductsIngestItemView) {
    defer { index += 1 }
    do {
      try Self.check(item, index)
    } catch {
      return message.refuse(index, error)
    }
    message.keep()
    rows.beginRow(fields: PriceSQL.rowColumns)
    rows.int4(batch)
    rows.int4(Int32(truncatingIfNeeded: item.fields.row))
    rows.text(item.ean)
    rows.decimal(item.fields.price)
    rows.decimalOrNull(item.fields.unitPrice)
    rows.textOrNull(item.unit)
    rows.decimalOrNull(item.fields.pricePerUnit)
    rows.timeOrNull(item.fields.priceUpdatedAt)
    rows.text(item.masterID)
    rows.textOrNull(item.name)
    rows.textOrNull(item.manufacturer)
    rows.textOrNull(item.unitQty)
    rows.decimalOrNull(item.fields.quantity)
    rows.textOrNull(item.unitOfMeasure)
    rows.boolOrNull(item.fields.isWeighted)
  }

  mutating func unreadableItem(_ failure: DecodingFailure) {
    message.refuse(index, failure)
    index += 1
  }

  private static func check(_ item: borrowing ProductsIngestItemView, _ index: Int) throws(DecodingFailure) {
    try StagingLimits.checkKey(item.ean, "ean", index)
    try StagingLimits.checkText(item.masterID, "master_id", index, limit: StagingLimits.masterIDBytes)
    guard item.masterID.byteCount > 0 else {
      throw DecodingFailure(.badValue, at: 0, "empty", field: "master_id", item: index)
    }
    if item.fields.price.isNegative {
      throw DecodingFailure(.badPrice, at: 0, "negative", field: "price", item: index)
    }
    guard StagingLimits.rows.contains(item.fields.row) else {
      throw DecodingFailure(.badNumber, at: 0, "not a row number of 0...2147483647", field: "row", item: index)
    }
    if let text = item.name { try StagingLimits.checkText(text, "name", index) }
    if let text = item.manufacturer { try StagingLimits.checkText(text, "manufacturer", index) }
    if let text = item.unitQty { try StagingLimits.checkText(text, "unit_qty", index) }
    if let text = item.unit { try StagingLimits.checkText(text, "unit", index) }
    if let text = item.unitOfMeasure { try StagingLimits.checkText(text, "unit_of_measure", index) }
  }
}
