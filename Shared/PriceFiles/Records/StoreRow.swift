/// One branch of a chain. Lent for the duration of a call; the bytes are UTF-8, trimmed, references resolved.
package struct StoreRow: ~Copyable {
  /// 0-based, counting every branch of the file.
  package let index: Int
  let texts: UnsafePointer<UInt8>
  let fields: UnsafePointer<TextPlace>

  /// What the branch says of itself, else what the elements around it say; empty when neither does, or when the text
  /// is a ``Placeholder`` (of a ZIP code also zeros).
  package func unsafeText(_ field: StoreField) -> UnsafeBufferPointer<UInt8> {
    let text = fields[Int(field.rawValue)].text(in: texts)
    let isUnknown = Placeholder.isUnknown(text) || (field == .zip && text.allSatisfy { $0 == UInt8(ascii: "0") })
    return isUnknown ? UnsafeBufferPointer(start: nil, count: 0) : text
  }

  package func string(_ field: StoreField) -> String? {
    let text = unsafeText(field)
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }
}

/// What a file holds besides prices.
package enum SideRow: ~Copyable {
  case promotion(PromotionRow)
  case store(StoreRow)
}
