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

/// A promotion of a batch and an item of it, for documents.
enum PromotionElement: BatchElement {
  static var shapes: [FieldShape] { PromotionFields.shapes }
}
enum PromotionItemElement: BatchElement {
  static var shapes: [FieldShape] { PromotionItemFields.shapes }
}

/// The fields of a promotion that is being read.
package struct PromotionFields {
  enum Field: String, DescribedField {
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

    var described: (type: any JSONValue.Type, doc: StaticString) {
      switch self {
      case .promotionID: (String.self, "Number of the promotion within the chain")
      case .description: (String?.self, "Description, as published")
      case .startsAt: (Timestamp?.self, "When it begins")
      case .endsAt: (Timestamp?.self, "When it ends; without an hour the last second of the day")
      case .updatedAt: (Timestamp?.self, "When the chain last changed it")
      case .rewardType: (Int64?.self, "Kind of reward by the regulation, 1 to 10; else that of the first item")
      case .minQty: (ExactDecimal?.self, "The least that has to be bought [units of the item]")
      case .maxQty: (ExactDecimal?.self, "The most that it is given for [units of the item]")
      case .discountRate: (ExactDecimal?.self, "Discount, by `discount_type`, as published [% or 0.01 ILS]")
      case .discountType: (Int64?.self, "What `discount_rate` is, by the regulation")
      case .discountedPrice: (ExactDecimal?.self, "Price of the whole promotion [ILS]")
      case .discountedUnitPrice: (ExactDecimal?.self, "Price of one unit of measure in it [ILS]")
      case .minPurchaseAmount: (ExactDecimal?.self, "The least sum of the purchase [ILS]")
      case .minItems: (ExactDecimal?.self, "The least number of items")
      case .isWeighted: (Bool?.self, "Its items are sold by weight")
      case .isCoupon: (Bool?.self, "It needs a coupon")
      case .allowMultiple: (Bool?.self, "It may be combined with other promotions")
      case .remarks: (String?.self, "Remarks, as published")
      case .row: (Int64?.self, "Number of the promotion within its file, from 0")
      case .clubs: ([String]?.self, "The clubs of customers that it is for, as published")
      case .items: ([PromotionItemElement].self, "The items that it is about")
      }
    }
  }
  static let shapes = table.shapes(required: required)
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
  private enum Field: String, DescribedField {
    case ean
    case itemType = "item_type"
    case isGift = "is_gift"
    case groupID = "group_id"
    case rewardType = "reward_type"
    case minQty = "min_qty"
    case maxQty = "max_qty"
    case discountRate = "discount_rate"
    case discountedPrice = "discounted_price"

    var described: (type: any JSONValue.Type, doc: StaticString) {
      switch self {
      case .ean: (String.self, "Code of the item; `0000000000000` is no item in particular")
      case .itemType: (Int64?.self, "Kind of the code, as published")
      case .isGift: (Bool?.self, "It is given, not bought")
      case .groupID: (String?.self, "The group of items that it belongs to")
      case .rewardType: (Int64?.self, "Kind of reward by the regulation, 1 to 10")
      case .minQty: (ExactDecimal?.self, "The least that has to be bought [units of the item]")
      case .maxQty: (ExactDecimal?.self, "The most that it is given for [units of the item]")
      case .discountRate: (ExactDecimal?.self, "Discount of the item, as published [% or 0.01 ILS]")
      case .discountedPrice: (ExactDecimal?.self, "Price of the item in the promotion [ILS]")
      }
    }
  }
  static let shapes = table.shapes(required: required)
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
