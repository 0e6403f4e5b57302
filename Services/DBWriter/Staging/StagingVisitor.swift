import Postgres
import Schemas

import Glibc

/// Turns the items of one message into rows of the staging tables, byte for byte, while the message is read.
///
/// An item that cannot be stored is left out and counted, and its neighbours stay; a header that cannot be stored
/// ends the message.
package struct StagingVisitor: ProductsIngestVisitor {
  /// Number of this message among those staged; ties its rows to their header, and is their order of arrival.
  let batch: Int32
  package var batches: BinaryCopyRows
  package var rows: BinaryCopyRows
  /// Items by what became of them.
  struct Count {
    var kept = 0
    var refused = 0
    var firstRefusal: DecodingFailure?
  }
  private(set) var count = Count()
  private var index = 0

  package init(batch: Int32, batches: BinaryCopyRows, rows: BinaryCopyRows) {
    self.batch = batch
    self.batches = batches
    self.rows = rows
  }

  package mutating func header(_ header: borrowing ProductsIngestHeaderView) throws(DecodingFailure) {
    try Self.checkKey(header.chain, "chain", nil)
    try Self.checkKey(header.storeID, "store_id", nil)
    guard let id = Self.fileID(header.fileID) else {
      throw DecodingFailure(.badValue, at: 0, "not 32 hexadecimal digits", field: "file_id")
    }
    batches.beginRow(fields: StagingSQL.batchColumns)
    batches.int4(batch)
    batches.text(header.chain)
    batches.text(header.storeID)
    batches.timestamptz(unixMicroseconds: header.fileTime.microseconds)
    batches.uuid(high: id.high, low: id.low)
  }

  package mutating func item(_ item: borrowing ProductsIngestItemView) {
    defer { index += 1 }
    do {
      try Self.check(item, index)
    } catch {
      refuse(error)
      return
    }
    count.kept += 1
    rows.beginRow(fields: StagingSQL.rowColumns)
    rows.int4(batch)
    rows.int4(Int32(truncatingIfNeeded: item.row))
    rows.text(item.ean)
    put(item.price)
    put(item.unitPrice)
    if let time = item.priceUpdatedAt { rows.timestamptz(unixMicroseconds: time.microseconds) } else { rows.null() }
    rows.text(item.masterID)
    put(item.name)
    put(item.manufacturer)
    put(item.unitQty)
    put(item.quantity)
    put(item.unitOfMeasure)
    if let isWeighted = item.isWeighted { rows.bool(isWeighted) } else { rows.null() }
  }

  package mutating func unreadableItem(_ failure: DecodingFailure) {
    index += 1
    refuse(failure)
  }

  private mutating func refuse(_ failure: DecodingFailure) {
    count.refused += 1
    if count.firstRefusal == nil { count.firstRefusal = failure }
  }

  @inline(__always)
  private mutating func put(_ text: RawSpan?) {
    if let text { rows.text(text) } else { rows.null() }
  }

  @inline(__always)
  private mutating func put(_ number: ExactDecimal?) {
    if let number { rows.numeric(mantissa: number.mantissa, scale: Int(number.scale)) } else { rows.null() }
  }

  private static func check(_ item: borrowing ProductsIngestItemView, _ index: Int) throws(DecodingFailure) {
    try checkKey(item.ean, "ean", index)
    try checkText(item.masterID, "master_id", index, limit: StagingLimits.masterIDBytes)
    guard item.masterID.byteCount > 0 else {
      throw DecodingFailure(.badValue, at: 0, "empty", field: "master_id", item: index)
    }
    if item.price.isNegative {
      throw DecodingFailure(.badPrice, at: 0, "negative", field: "price", item: index)
    }
    guard StagingLimits.rows.contains(item.row) else {
      throw DecodingFailure(.badNumber, at: 0, "not a row number of 0...2147483647", field: "row", item: index)
    }
    if let text = item.name { try checkText(text, "name", index) }
    if let text = item.manufacturer { try checkText(text, "manufacturer", index) }
    if let text = item.unitQty { try checkText(text, "unit_qty", index) }
    if let text = item.unitOfMeasure { try checkText(text, "unit_of_measure", index) }
  }

  @inline(__always)
  private static func checkKey(_ bytes: RawSpan, _ field: StaticString, _ index: Int?) throws(DecodingFailure) {
    guard bytes.byteCount > 0 else {
      throw DecodingFailure(.badValue, at: 0, "empty", field: "\(field)", item: index)
    }
    try checkText(bytes, field, index, limit: StagingLimits.keyBytes)
  }

  /// PostgreSQL's text has no NUL, whatever the encoding.
  @inline(__always)
  private static func checkText(
    _ bytes: RawSpan, _ field: StaticString, _ index: Int?, limit: Int = StagingLimits.textBytes
  ) throws(DecodingFailure) {
    guard bytes.byteCount <= limit else {
      throw DecodingFailure(.badValue, at: 0, "longer than can be stored", field: "\(field)", item: index)
    }
    let hasNUL = bytes.withUnsafeBytes { raw in
      raw.baseAddress.map { memchr($0, 0, raw.count) != nil } ?? false
    }
    if hasNUL {
      throw DecodingFailure(
        .badValue, at: 0, "has a NUL character, which cannot be stored", field: "\(field)", item: index)
    }
  }

  /// The 128 bits of 32 hexadecimal digits.
  static func fileID(_ text: RawSpan) -> (high: UInt64, low: UInt64)? {
    guard text.byteCount == 32 else { return nil }
    return text.withUnsafeBytes { digits in
      var halves = (high: UInt64(0), low: UInt64(0))
      for index in 0..<32 {
        let digit = digits[index]
        let value: UInt8
        switch digit {
        case 0x30...0x39: value = digit &- 0x30
        case 0x61...0x66: value = digit &- 0x57
        case 0x41...0x46: value = digit &- 0x37
        default: return nil
        }
        if index < 16 {
          halves.high = halves.high << 4 | UInt64(value)
        } else {
          halves.low = halves.low << 4 | UInt64(value)
        }
      }
      return halves
    }
  }
}
