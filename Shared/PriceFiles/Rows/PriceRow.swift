import Values

/// One usable row: it has a code and a price, and is the row of its code that counts. Valid during the handler's call;
/// texts are UTF-8, trimmed, with references resolved.
package struct PriceRow: ~Copyable {
  /// 0-based, counting every row of the file.
  package let index: Int
  /// Not negative, with the digits of the file.
  package let price: ExactDecimal
  /// nil when absent or not a number.
  package let quantity: ExactDecimal?
  package let unitPrice: ExactDecimal?
  /// The unit of `unitPrice`; nil when the text names no unit.
  package let unit: UnitOfMeasure?
  /// nil unless the file says 1 or 0.
  package let isWeighted: Bool?
  /// nil when absent or unreadable; with Israel's offset.
  package let updatedAt: Timestamp?

  /// The file's own identifiers, as far as they were read.
  package let file: FileIdentifiers

  let fields: UnsafePointer<UnsafeBufferPointer<UInt8>>

  /// nil when the row lacks the element or it is empty.
  @_lifetime(borrow self)
  package func bytes(_ field: PriceField) -> RawSpan? {
    let text = unsafeText(field)
    guard let start = text.baseAddress, !text.isEmpty else { return nil }
    return _overrideLifetime(RawSpan(_unsafeStart: start, byteCount: text.count), borrowing: self)
  }

  /// Empty when the row lacks the element or it is empty. Valid until the handler returns.
  package func unsafeText(_ field: PriceField) -> UnsafeBufferPointer<UInt8> { fields[Int(field.rawValue)] }

  /// A copy, for tests and messages.
  package func string(_ field: PriceField) -> String { String(decoding: unsafeText(field), as: UTF8.self) }
}

/// Identifiers from the root of a file, as published; empty when absent.
package final class FileIdentifiers: Sendable {
  package let chainID: String
  package let subChainID: String
  package let storeID: String

  package init(chainID: String = "", subChainID: String = "", storeID: String = "") {
    self.chainID = chainID
    self.subChainID = subChainID
    self.storeID = storeID
  }
}
