import Schemas

/// One promotion with all its items. Lent for the duration of a call; the bytes are UTF-8, trimmed, references
/// resolved.
package struct PromotionRow: ~Copyable {
  /// 0-based, counting every promotion of the file.
  package let index: Int
  /// With the offset that was in force in Israel; an end without an hour is the last second of its day.
  package let startsAt: Timestamp?
  package let endsAt: Timestamp?
  package let updatedAt: Timestamp?
  /// What the file says of itself, as far as it was read.
  package let file: FileIdentifiers

  let texts: UnsafePointer<UInt8>
  let fields: UnsafePointer<TextPlace>
  let clubs: UnsafeBufferPointer<TextPlace>
  let items: UnsafeBufferPointer<PromotionItemPlaces>

  /// Empty when the promotion has no such element, or an empty one. Valid until the handler returns.
  package func unsafeText(_ field: PromotionField) -> UnsafeBufferPointer<UInt8> {
    fields[Int(field.rawValue)].text(in: texts)
  }

  /// nil when the promotion has no such element, or an empty one.
  @_lifetime(borrow self)
  package func bytes(_ field: PromotionField) -> RawSpan? {
    let text = unsafeText(field)
    guard let start = text.baseAddress, !text.isEmpty else { return nil }
    return _overrideLifetime(RawSpan(_unsafeStart: start, byteCount: text.count), borrowing: self)
  }

  package func string(_ field: PromotionField) -> String { String(decoding: unsafeText(field), as: UTF8.self) }

  /// nil when absent or not a number.
  package func number(_ field: PromotionField) -> ExactDecimal? { RecordValue.number(unsafeText(field)) }
  package func integer(_ field: PromotionField) -> Int64? { RecordValue.integer(unsafeText(field)) }
  package func flag(_ field: PromotionField) -> Bool? { RecordValue.flag(unsafeText(field)) }

  package var clubCount: Int { clubs.count }
  /// The club's number, or its text when there is none.
  package func club(_ index: Int) -> UnsafeBufferPointer<UInt8> { clubs[index].text(in: texts) }

  package var itemCount: Int { items.count }
  package func item(_ index: Int) -> PromotionRowItem { PromotionRowItem(texts: texts, places: items[index]) }
}

/// One item of a ``PromotionRow``; valid as long as that.
package struct PromotionRowItem {
  let texts: UnsafePointer<UInt8>
  let places: PromotionItemPlaces

  package var code: UnsafeBufferPointer<UInt8> { places.code.text(in: texts) }
  /// nil outside a group.
  package var groupID: UnsafeBufferPointer<UInt8>? { places.groupID.isEmpty ? nil : places.groupID.text(in: texts) }
  package var itemType: Int64? { RecordValue.integer(places.itemType.text(in: texts)) }
  package var isGift: Bool? { RecordValue.flag(places.isGift.text(in: texts)) }
  package var rewardType: Int64? { RecordValue.integer(places.rewardType.text(in: texts)) }
  package var minQty: ExactDecimal? { RecordValue.number(places.minQty.text(in: texts)) }
  package var maxQty: ExactDecimal? { RecordValue.number(places.maxQty.text(in: texts)) }
  package var discountRate: ExactDecimal? { RecordValue.number(places.discountRate.text(in: texts)) }
  /// Of the item in its group, or of the gift.
  package var discountedPrice: ExactDecimal? { RecordValue.number(places.discountedPrice.text(in: texts)) }
}

struct PromotionItemPlaces {
  var code = TextPlace(), groupID = TextPlace(), itemType = TextPlace(), isGift = TextPlace()
  var rewardType = TextPlace(), minQty = TextPlace(), maxQty = TextPlace(), discountRate = TextPlace()
  var discountedPrice = TextPlace()

  var all: [TextPlace] {
    [code, groupID, itemType, isGift, rewardType, minQty, maxQty, discountRate, discountedPrice]
  }

  func moved(behind shift: Int32) -> PromotionItemPlaces {
    PromotionItemPlaces(
      code: code.moved(behind: shift), groupID: groupID.moved(behind: shift), itemType: itemType.moved(behind: shift),
      isGift: isGift.moved(behind: shift), rewardType: rewardType.moved(behind: shift),
      minQty: minQty.moved(behind: shift), maxQty: maxQty.moved(behind: shift),
      discountRate: discountRate.moved(behind: shift), discountedPrice: discountedPrice.moved(behind: shift))
  }

  /// Of elements that an item repeats the first counts.
  mutating func keep(_ place: TextPlace, as field: PromotionField) {
    switch field {
    case .itemCode: if code.isEmpty { code = place }
    case .itemType: if itemType.isEmpty { itemType = place }
    case .isGift: if isGift.isEmpty { isGift = place }
    case .rewardType: if rewardType.isEmpty { rewardType = place }
    case .minQty: if minQty.isEmpty { minQty = place }
    case .maxQty: if maxQty.isEmpty { maxQty = place }
    case .discountRate: if discountRate.isEmpty { discountRate = place }
    case .discountedPrice: if discountedPrice.isEmpty { discountedPrice = place }
    default: break
    }
  }
}

extension TextPlace {
  func text(in base: UnsafePointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: base + Int(start), count: Int(end - start))
  }
}

/// Values from clean text.
enum RecordValue {
  static func number(_ text: UnsafeBufferPointer<UInt8>) -> ExactDecimal? {
    text.isEmpty ? nil : ExactDecimal(published: UnsafeRawBufferPointer(text).bytes)
  }

  /// A whole number, with or without zeros behind a point: `10`, `10.00`.
  static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
    guard let value = number(text) else { return nil }
    var (mantissa, scale) = (value.mantissa, value.scale)
    while scale > 0, mantissa % 10 == 0 { (mantissa, scale) = (mantissa / 10, scale - 1) }
    return scale == 0 ? mantissa : nil
  }

  static func flag(_ text: UnsafeBufferPointer<UInt8>) -> Bool? {
    guard text.count == 1 else { return nil }
    return switch text[0] {
    case UInt8(ascii: "1"): true
    case UInt8(ascii: "0"): false
    default: nil
    }
  }
}
