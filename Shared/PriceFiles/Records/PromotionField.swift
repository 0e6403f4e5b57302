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
