import Values

/// Writes the batches of one file, up to 500 priced items of one store in the order of their file, for
/// `gogobe.products.ingest`, key and order `chain/store_id`. A full file that was read to its end is closed by a
/// message without items: what no message of the file names is gone from the store.
///
/// Items go from borrowed bytes straight to the JSON of the message.
///
///     var writer = ProductsIngestWriter(header: headerOfBatchZero)
///     for row in rows {
///       if writer.append(…) == .full {
///         send(writer.finish())              // borrowed bytes, valid until the next call
///         writer.begin(sequence: …, firstRow: …)
///         writer.append(…)                   // the same item again
///       }
///     }
package struct ProductsIngestWriter: ~Copyable {
  package static let maxItems = 500
  /// Below Kafka's default `max.message.bytes` of 1,048,588, with room for key and headers.
  package static let defaultMaxBytes = 900_000

  package enum Outcome: Hashable, Sendable {
    case written
    /// The batch has as many items or bytes as it may: finish it, begin another and append the item again.
    case full
    /// The item alone is larger than a whole batch may be.
    case tooLarge
  }

  package private(set) var header: IngestHeader
  /// Items in the batch so far.
  package private(set) var count = 0
  private var json: JSONWriter
  private let maxItems: Int
  private let maxBytes: Int

  /// Begins the first batch.
  /// - Parameter header: its `batchID` is made from `fileID` and `sequence`, whatever it holds.
  package init(header: IngestHeader, maxItems: Int = maxItems, maxBytes: Int = defaultMaxBytes) {
    precondition((1...Self.maxItems).contains(maxItems), "a batch holds 1 to 500 items")
    self.header = header
    self.maxItems = maxItems
    self.maxBytes = maxBytes
    json = JSONWriter(capacity: min(maxBytes, 256 << 10))
    begin(sequence: header.sequence, firstRow: header.firstRow)
  }

  /// Begins another batch of the same file, dropping what was not sent.
  package mutating func begin(sequence: Int64, firstRow: Int64) {
    header.sequence = sequence
    header.firstRow = firstRow
    header.batchID = IngestHeader.batchID(fileID: header.fileID, sequence: sequence)
    json.clear()
    json.beginObject()
    ProductsHeader(header: header).writeFields(to: &json)
    count = 0
  }

  /// Appends one item. Texts are UTF-8 (malformed sequences become U+FFFD); nil is unknown.
  /// - Parameters:
  ///   - masterID: the two halves of the id, written one after the other: `gtin:` and 14 digits, or a chain with
  ///     its colon and the code.
  package mutating func append(
    ean: RawSpan, price: ExactDecimal, masterID: (RawSpan, RawSpan), name: RawSpan?, manufacturer: RawSpan?,
    unitQty: RawSpan?, quantity: ExactDecimal?, unitOfMeasure: RawSpan?, unitPrice: ExactDecimal?,
    unit: RawSpan?, pricePerUnit: ExactDecimal?, isWeighted: Bool?, priceUpdatedAt: Timestamp?, row: Int64
  ) -> Outcome {
    guard count < maxItems else { return .full }
    let mark = json.mark
    json.beginObject()
    json.text("ean", ean)
    json.field("price", price)
    json.key("master_id")
    json.string(masterID.0, masterID.1)
    json.text("name", name)
    json.text("manufacturer", manufacturer)
    json.text("unit_qty", unitQty)
    json.field("quantity", quantity)
    json.text("unit_of_measure", unitOfMeasure)
    json.field("unit_price", unitPrice)
    json.text("unit", unit)
    json.field("price_per_unit", pricePerUnit)
    json.field("is_weighted", isWeighted)
    json.field("price_updated_at", priceUpdatedAt)
    json.field("row", row)
    json.endObject()
    // Two bytes are kept for the closing brackets.
    guard json.count + 2 <= maxBytes else {
      json.rewind(to: mark)
      return count == 0 ? .tooLarge : .full
    }
    count += 1
    return .written
  }

  /// Ends the batch. The bytes are valid until the next call; an empty batch is valid, too, but not worth sending.
  @_lifetime(&self)
  package mutating func finish() -> RawSpan {
    json.endArray()
    json.endObject()
    return json.bytes
  }
}
