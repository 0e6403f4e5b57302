import Values

/// One promotion with all its items, valid during the handler's call. Texts are UTF-8, trimmed, with references
/// resolved.
package struct PromotionRow: ~Copyable {
  /// 0-based, counting every promotion of the file.
  package let index: Int
  /// With Israel's offset; an end without an hour is the last second of its day.
  package let startsAt: Timestamp?
  package let endsAt: Timestamp?
  package let updatedAt: Timestamp?
  /// The file's own identifiers, as far as they were read.
  package let file: FileIdentifiers

  let texts: UnsafePointer<UInt8>
  let fields: UnsafePointer<TextRange>
  let clubs: UnsafeBufferPointer<TextRange>
  let items: UnsafeBufferPointer<PromotionItemRanges>

  /// Empty when the promotion lacks the element or it is empty. Valid until the handler returns.
  package func unsafeText(_ field: PromotionField) -> UnsafeBufferPointer<UInt8> {
    fields[Int(field.rawValue)].text(in: texts)
  }

  /// nil when the promotion lacks the element or it is empty.
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
  /// The club's number, or its text without a number.
  package func club(_ index: Int) -> UnsafeBufferPointer<UInt8> { clubs[index].text(in: texts) }

  package var itemCount: Int { items.count }
  package func item(_ index: Int) -> PromotionRowItem { PromotionRowItem(texts: texts, ranges: items[index]) }
}

/// One item of a ``PromotionRow``; valid as long as that.
package struct PromotionRowItem {
  let texts: UnsafePointer<UInt8>
  let ranges: PromotionItemRanges

  package var code: UnsafeBufferPointer<UInt8> { text(.itemCode) }
  /// nil outside a group.
  package var groupID: UnsafeBufferPointer<UInt8>? { ranges[.groupID].isEmpty ? nil : text(.groupID) }
  package var itemType: Int64? { RecordValue.integer(text(.itemType)) }
  package var isGift: Bool? { RecordValue.flag(text(.isGift)) }
  package var rewardType: Int64? { RecordValue.integer(text(.rewardType)) }
  package var minQty: ExactDecimal? { RecordValue.number(text(.minQty)) }
  package var maxQty: ExactDecimal? { RecordValue.number(text(.maxQty)) }
  package var discountRate: ExactDecimal? { RecordValue.number(text(.discountRate)) }
  /// The item's price in its group, or the gift's.
  package var discountedPrice: ExactDecimal? { RecordValue.number(text(.discountedPrice)) }

  private func text(_ field: PromotionField) -> UnsafeBufferPointer<UInt8> { ranges[field].text(in: texts) }
}

/// Where the texts of one item lie.
struct PromotionItemRanges {
  private var ranges = InlineArray<9, TextRange>(repeating: TextRange())

  private static func index(of field: PromotionField) -> Int? {
    switch field {
    case .itemCode: 0
    case .groupID: 1
    case .itemType: 2
    case .isGift: 3
    case .rewardType: 4
    case .minQty: 5
    case .maxQty: 6
    case .discountRate: 7
    case .discountedPrice: 8
    default: nil
    }
  }

  subscript(_ field: PromotionField) -> TextRange { Self.index(of: field).map { ranges[$0] } ?? TextRange() }

  var all: [TextRange] { ranges.indices.map { ranges[$0] } }

  /// Keeps a field of the item. If the item repeats a field, the first value counts.
  mutating func keep(_ range: TextRange, as field: PromotionField) {
    guard let index = Self.index(of: field), ranges[index].isEmpty else { return }
    ranges[index] = range
  }

  mutating func move(by shift: Int32) {
    for index in ranges.indices { ranges[index].move(by: shift) }
  }
}

/// Parses values from clean text.
enum RecordValue {
  static func number(_ text: UnsafeBufferPointer<UInt8>) -> ExactDecimal? {
    text.isEmpty ? nil : ExactDecimal(published: UnsafeRawBufferPointer(text).bytes)
  }

  /// A whole number, with or without zeros after the point: `10`, `10.00`.
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

/// The meaning of an element in a promotion, in any dialect.
package enum PromotionField: UInt8, CaseIterable, Sendable {
  case id, description, updatedAt, startDate, startHour, endDate, endHour
  case rewardType, allowMultiple, isWeighted, isCoupon, minQty, maxQty, discountRate, discountType
  case discountedPrice, discountedUnitPrice, minPurchaseAmount, minItems, remarks
  // Of an item or a group of items.
  case groupID, itemCode, itemType, isGift

  static var count: Int { allCases.count }
}

/// The meaning of an element name in a promotion file.
enum PromotionMeaning: Sendable, Hashable {
  case field(PromotionField)
  case club
  /// A list of promotions; one promotion; one row with a promotion and one of its items.
  case container, promotion, flatRow
  /// A group of items with its own conditions; one item.
  case group, item
  /// Only holds other elements.
  case structure
  /// Known and unused.
  case ignored
}

/// The vocabulary of promotion files. Flat dialects (A Cerberus, B Bina, D Shufersal to 2025) list the items below the
/// promotion; C (BigID) and F (Super-Pharm to 2025) repeat the promotion for each item; the grouped dialect (E, most
/// chains since 2026) has groups of items with their own conditions.
enum PromotionNames {
  static let table = NameTable<PromotionMeaning>([
    (.container, ["promotions", "promos", "sales", "details"]),
    (.promotion, ["promotion"]),
    (.flatRow, ["sale", "line"]),
    (.group, ["group"]),
    (.item, ["item", "promotionitem"]),
    (.structure, ["promotionitems", "groups", "clubs", "additionalrestrictions", "giftsitems"]),

    //                           A B D F            C                E
    (.field(.id), ["promotionid"]),
    (.field(.description), ["promotiondescription"]),
    (.field(.updatedAt), ["promotionupdatedate", "priceupdatedate", "promotionupdatetime"]),
    (.field(.startDate), ["promotionstartdate", "promotionstartdatetime"]),
    (.field(.startHour), ["promotionstarthour"]),
    (.field(.endDate), ["promotionenddate", "promotionenddatetime"]),
    (.field(.endHour), ["promotionendhour"]),
    (.field(.rewardType), ["rewardtype"]),
    (.field(.allowMultiple), ["allowmultiplediscounts"]),
    (.field(.isWeighted), ["isweightedpromo", "bisweighted", "blsweighted", "isweighted"]),
    (.field(.isCoupon), ["additionaliscoupon"]),
    (.field(.minQty), ["minqty"]),
    (.field(.maxQty), ["maxqty"]),
    (.field(.discountRate), ["discountrate"]),
    (.field(.discountType), ["discounttype"]),
    (.field(.discountedPrice), ["discountedprice", "giftitemprice"]),
    (.field(.discountedUnitPrice), ["discountedpricepermida"]),
    (.field(.minPurchaseAmount), ["minpurchaseamnt", "minpurchaseamount"]),
    // The first spelling is the published one.
    (.field(.minItems), ["minnoofitemofered", "minnoofitemoffered", "minnoofitemsoffered"]),
    (.field(.remarks), ["remark", "remarks"]),
    (.club, ["clubid"]),
    (.field(.groupID), ["groupid"]),
    (.field(.itemCode), ["itemcode"]),
    (.field(.itemType), ["itemtype"]),
    (.field(.isGift), ["isgiftitem"]),

    (.ignored, [
      "additionalgiftcount", "additionalistotal", "additionalisactive", "additionalminbasketamount", "weightunit",
      "minamount", "maxamount", "promotiondays", "redemptionlimit", "itemname", "itemnm", "bikoretno",
      "chainid", "subchainid", "storeid", "dllverno", "xmldocversion", "lastupdatedate", "lastupdatetime",
    ]),
  ])
}
