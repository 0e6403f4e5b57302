import Schemas

/// One usable row: it has a code and a price, and its code is the first of its kind in the file. Lent for the
/// duration of a call; the bytes are UTF-8, trimmed, references resolved.
package struct PriceRow: ~Copyable {
  /// 0-based, counting every row of the file.
  package let index: Int
  /// Not negative; the digits are those of the file.
  package let price: ExactDecimal
  /// nil when absent or not a number.
  package let quantity: ExactDecimal?
  package let unitPrice: ExactDecimal?
  /// What `unitPrice` is for; nil when its spelling names no unit.
  package let unit: UnitOfMeasure?
  /// nil when the file says neither 1 nor 0.
  package let isWeighted: Bool?
  /// nil when absent or unreadable; with the offset that was in force in Israel.
  package let updatedAt: Timestamp?

  /// What the file says of itself, as far as it was read.
  package let file: FileIdentifiers

  let fields: UnsafePointer<UnsafeBufferPointer<UInt8>>

  /// nil when the row has no such element, or an empty one.
  @_lifetime(borrow self)
  package func bytes(_ field: PriceField) -> RawSpan? {
    let text = unsafeText(field)
    guard let start = text.baseAddress, !text.isEmpty else { return nil }
    return _overrideLifetime(RawSpan(_unsafeStart: start, byteCount: text.count), borrowing: self)
  }

  /// Empty when the row has no such element, or an empty one. Valid until the row's handler returns.
  package func unsafeText(_ field: PriceField) -> UnsafeBufferPointer<UInt8> { fields[Int(field.rawValue)] }

  /// A copy, for tests and messages.
  package func string(_ field: PriceField) -> String { String(decoding: unsafeText(field), as: UTF8.self) }
}

/// Identities from the root of a file, as published; empty when absent.
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
