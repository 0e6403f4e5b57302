import Messages
import Values

extension PromotionsIngest {
  /// One promotion. Nil is unknown: absent from the file, or not readable as what it should be.
  package struct Promotion: Hashable, Sendable {
    /// As published: `1142`, or zero padded `0001421409`. Unique within store and file.
    package var promotionID: String
    package var description: String?
    /// Date and hour of the file in one; an end without an hour is the last second of its day.
    package var startsAt: Timestamp?
    package var endsAt: Timestamp?
    package var updatedAt: Timestamp?
    /// The kind of reward by the regulation's numbers, 1 to 10. Of the first item where only the items say it.
    package var rewardType: Int64?
    package var minQty: ExactDecimal?
    package var maxQty: ExactDecimal?
    /// Per cent or hundredths of a shekel, by `discountType`; as published.
    package var discountRate: ExactDecimal?
    package var discountType: Int64?
    package var discountedPrice: ExactDecimal?
    /// Per unit of measure.
    package var discountedUnitPrice: ExactDecimal?
    package var minPurchaseAmount: ExactDecimal?
    package var minItems: ExactDecimal?
    package var isWeighted: Bool?
    package var isCoupon: Bool?
    package var allowMultiple: Bool?
    package var remarks: String?
    /// The clubs it is for: the number where there is one (`0` is every customer), else the text as published.
    package var clubs: [String] = []
    /// 0-based number of the promotion within its file.
    package var row: Int64 = 0
    package var items: [Item] = []
  }

  /// One reference to an item. A promotion may name an item twice, as bought and as gift, and in several groups.
  /// Quantities, rate and price are set where the file has them per item (the grouped dialect).
  package struct Item: Hashable, Sendable {
    /// The code that stands for "no particular item": the description says what the promotion is about.
    package static let standInCode = "0000000000000"

    package var ean: String
    package var itemType: Int64?
    package var isGift: Bool?
    package var groupID: String?
    package var rewardType: Int64?
    package var minQty: ExactDecimal?
    package var maxQty: ExactDecimal?
    package var discountRate: ExactDecimal?
    package var discountedPrice: ExactDecimal?
  }
}

extension PromotionsIngestWriter {
  /// Appends a promotion that has values of its own.
  package mutating func append(_ promotion: PromotionsIngest.Promotion) {
    func bytes(_ text: String?) -> [UInt8]? { text.map { Array($0.utf8) } }
    let (description, remarks) = (bytes(promotion.description), bytes(promotion.remarks))
    begin(
      promotionID: promotion.promotionID.utf8.span.bytes, description: description?.span.bytes,
      startsAt: promotion.startsAt, endsAt: promotion.endsAt, updatedAt: promotion.updatedAt,
      rewardType: promotion.rewardType, minQty: promotion.minQty, maxQty: promotion.maxQty,
      discountRate: promotion.discountRate, discountType: promotion.discountType,
      discountedPrice: promotion.discountedPrice, discountedUnitPrice: promotion.discountedUnitPrice,
      minPurchaseAmount: promotion.minPurchaseAmount, minItems: promotion.minItems,
      isWeighted: promotion.isWeighted, isCoupon: promotion.isCoupon, allowMultiple: promotion.allowMultiple,
      remarks: remarks?.span.bytes, row: promotion.row)
    for text in promotion.clubs { club(text.utf8.span.bytes) }
    for one in promotion.items {
      let groupID = bytes(one.groupID)
      item(
        ean: one.ean.utf8.span.bytes, itemType: one.itemType, isGift: one.isGift, groupID: groupID?.span.bytes,
        rewardType: one.rewardType, minQty: one.minQty, maxQty: one.maxQty, discountRate: one.discountRate,
        discountedPrice: one.discountedPrice)
    }
    _ = end()
  }
}

extension PromotionsIngest.Promotion {
  init(copying view: borrowing PromotionView) {
    let fields = view.fields
    self.init(
      promotionID: String(copying: view.promotionID), description: String(copying: view.description),
      startsAt: fields.startsAt, endsAt: fields.endsAt, updatedAt: fields.updatedAt, rewardType: fields.rewardType,
      minQty: fields.minQty, maxQty: fields.maxQty, discountRate: fields.discountRate,
      discountType: fields.discountType, discountedPrice: fields.discountedPrice,
      discountedUnitPrice: fields.discountedUnitPrice, minPurchaseAmount: fields.minPurchaseAmount,
      minItems: fields.minItems, isWeighted: fields.isWeighted, isCoupon: fields.isCoupon,
      allowMultiple: fields.allowMultiple, remarks: String(copying: view.remarks), row: fields.row)
    for index in 0..<view.clubCount { clubs.append(String(copying: view.club(index))) }
    for index in 0..<view.itemCount {
      let item = view.item(index)
      items.append(
        PromotionsIngest.Item(
          ean: String(copying: item.ean), itemType: item.fields.itemType, isGift: item.fields.isGift,
          groupID: String(copying: item.groupID), rewardType: item.fields.rewardType, minQty: item.fields.minQty,
          maxQty: item.fields.maxQty, discountRate: item.fields.discountRate,
          discountedPrice: item.fields.discountedPrice))
    }
  }
}
