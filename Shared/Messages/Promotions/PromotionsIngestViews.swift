import Values

/// One promotion of a message that is being read, with its clubs and items.
package struct PromotionView: ~Escapable {
  private let message: RawSpan
  private let scratch: RawSpan
  /// Texts are in the view, everything else is here.
  package let fields: PromotionFields
  private let clubs: Span<IngestText>
  private let items: Span<PromotionItemFields>

  @_lifetime(copy message, copy scratch, copy clubs, copy items)
  init(
    _ message: RawSpan, _ scratch: RawSpan, _ fields: PromotionFields, _ clubs: Span<IngestText>,
    _ items: Span<PromotionItemFields>
  ) {
    self.message = message
    self.scratch = scratch
    self.fields = fields
    self.clubs = clubs
    self.items = items
  }

  package var promotionID: RawSpan { @_lifetime(copy self) get { fields.promotionID.bytes(message, scratch) } }
  package var description: RawSpan? {
    @_lifetime(copy self) get { fields.description.bytesOrNull(message, scratch) }
  }
  package var remarks: RawSpan? { @_lifetime(copy self) get { fields.remarks.bytesOrNull(message, scratch) } }

  package var clubCount: Int { clubs.count }
  @_lifetime(copy self)
  package func club(_ index: Int) -> RawSpan { clubs[index].bytes(message, scratch) }

  package var itemCount: Int { items.count }
  @_lifetime(copy self)
  package func item(_ index: Int) -> PromotionItemView { PromotionItemView(message, scratch, items[index]) }
}

/// One item reference of a promotion that is being read.
package typealias PromotionItemView = MessageView<PromotionItemFields>

extension PromotionItemView {
  package var ean: RawSpan { @_lifetime(copy self) get { fields.ean.bytes(message, scratch) } }
  package var groupID: RawSpan? { @_lifetime(copy self) get { fields.groupID.bytesOrNull(message, scratch) } }
}

/// The fields of a promotion that is being read.
package struct PromotionFields {
  enum Field: String, CaseIterable {
    case promotionID = "promotion_id"
    case description
    case startsAt = "starts_at"
    case endsAt = "ends_at"
    case updatedAt = "updated_at"
    case rewardType = "reward_type"
    case minQty = "min_qty"
    case maxQty = "max_qty"
    case discountRate = "discount_rate"
    case discountType = "discount_type"
    case discountedPrice = "discounted_price"
    case discountedUnitPrice = "discounted_unit_price"
    case minPurchaseAmount = "min_purchase_amount"
    case minItems = "min_items"
    case isWeighted = "is_weighted"
    case isCoupon = "is_coupon"
    case allowMultiple = "allow_multiple"
    case remarks, row, clubs, items
  }
  static let table = FieldTable(Field.self)
  static let required = table.mask(.promotionID, .items)

  var promotionID = IngestText(), description = IngestText(), remarks = IngestText()
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
  /// 0-based number of the promotion within its file.
  package var row: Int64 = 0

  mutating func read(
    _ field: Field, from reader: inout JSONReader, scratch: inout IngestScratch
  ) throws(DecodingFailure) {
    let name = field.rawValue
    switch field {
    case .promotionID: promotionID = try scratch.text(&reader)
    case .description: description = try scratch.textOrNull(&reader)
    case .startsAt: startsAt = try reader.timestampOrNull(field: name)
    case .endsAt: endsAt = try reader.timestampOrNull(field: name)
    case .updatedAt: updatedAt = try reader.timestampOrNull(field: name)
    case .rewardType: rewardType = try reader.integerOrNull()
    case .minQty: minQty = try reader.decimalOrNull(field: name)
    case .maxQty: maxQty = try reader.decimalOrNull(field: name)
    case .discountRate: discountRate = try reader.decimalOrNull(field: name)
    case .discountType: discountType = try reader.integerOrNull()
    case .discountedPrice: discountedPrice = try reader.decimalOrNull(field: name)
    case .discountedUnitPrice: discountedUnitPrice = try reader.decimalOrNull(field: name)
    case .minPurchaseAmount: minPurchaseAmount = try reader.decimalOrNull(field: name)
    case .minItems: minItems = try reader.decimalOrNull(field: name)
    case .isWeighted: isWeighted = reader.isNull() ? nil : try reader.bool()
    case .isCoupon: isCoupon = reader.isNull() ? nil : try reader.bool()
    case .allowMultiple: allowMultiple = reader.isNull() ? nil : try reader.bool()
    case .remarks: remarks = try scratch.textOrNull(&reader)
    case .row: row = try reader.integerOrNull() ?? row
    case .clubs, .items: try reader.skipValue()
    }
  }
}

/// The fields of an item reference that is being read. A promotion may name an item twice, as bought and as gift, and
/// in several groups; quantities, rate and price are set where the file has them per item. The code `0000000000000`
/// stands for "no particular item": the description says what the promotion is about.
package struct PromotionItemFields {
  private enum Field: String, CaseIterable {
    case ean
    case itemType = "item_type"
    case isGift = "is_gift"
    case groupID = "group_id"
    case rewardType = "reward_type"
    case minQty = "min_qty"
    case maxQty = "max_qty"
    case discountRate = "discount_rate"
    case discountedPrice = "discounted_price"
  }
  private static let table = FieldTable(Field.self)
  private static let required = table.mask(.ean)

  var ean = IngestText(), groupID = IngestText()
  package var itemType: Int64?
  package var isGift: Bool?
  package var rewardType: Int64?
  package var minQty: ExactDecimal?
  package var maxQty: ExactDecimal?
  package var discountRate: ExactDecimal?
  package var discountedPrice: ExactDecimal?

  mutating func read(from reader: inout JSONReader, scratch: inout IngestScratch) throws(DecodingFailure) {
    let table = Self.table
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      let name = field.rawValue
      switch field {
      case .ean: ean = try scratch.text(&reader)
      case .itemType: itemType = try reader.integerOrNull()
      case .isGift: isGift = reader.isNull() ? nil : try reader.bool()
      case .groupID: groupID = try scratch.textOrNull(&reader)
      case .rewardType: rewardType = try reader.integerOrNull()
      case .minQty: minQty = try reader.decimalOrNull(field: name)
      case .maxQty: maxQty = try reader.decimalOrNull(field: name)
      case .discountRate: discountRate = try reader.decimalOrNull(field: name)
      case .discountedPrice: discountedPrice = try reader.decimalOrNull(field: name)
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
  }
}
