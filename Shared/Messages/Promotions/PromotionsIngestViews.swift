import Values

/// The header of a message that is being read. Texts are borrowed UTF-8 bytes, escapes resolved.
package struct PromotionsIngestHeaderView: ~Escapable {
  private let message: RawSpan
  private let scratch: RawSpan
  private let values: Fields

  @_lifetime(copy message, copy scratch)
  init(_ message: RawSpan, _ scratch: RawSpan, _ values: Fields) {
    self.message = message
    self.scratch = scratch
    self.values = values
  }

  package var batchID: RawSpan { @_lifetime(copy self) get { values.batchID.bytes(message, scratch) } }
  package var fileID: RawSpan { @_lifetime(copy self) get { values.fileID.bytes(message, scratch) } }
  package var fileName: RawSpan? { @_lifetime(copy self) get { values.fileName.bytesOrNull(message, scratch) } }
  package var fileType: FileType? { values.fileType }
  package var fileTime: Timestamp { values.fileTime }
  package var chain: RawSpan { @_lifetime(copy self) get { values.chain.bytes(message, scratch) } }
  package var chainID: RawSpan? { @_lifetime(copy self) get { values.chainID.bytesOrNull(message, scratch) } }
  package var subChainID: RawSpan? { @_lifetime(copy self) get { values.subChainID.bytesOrNull(message, scratch) } }
  package var storeID: RawSpan { @_lifetime(copy self) get { values.storeID.bytes(message, scratch) } }
  package var isFull: Bool { values.isFull }
  package var sequence: Int64 { values.sequence }
  package var isLast: Bool { values.isLast }
  package var alsoNamed: [String] { values.alsoNamed }

  enum Field: String, CaseIterable {
    case batchID = "batch_id"
    case fileID = "file_id"
    case fileName = "file_name"
    case fileType = "file_type"
    case fileTime = "file_time"
    case chain
    case chainID = "chain_id"
    case subChainID = "sub_chain_id"
    case storeID = "store_id"
    case full, sequence, last
    case alsoNamed = "also_named"
    case promotions
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.batchID, .fileID, .fileTime, .chain, .storeID, .promotions)

  struct Fields {
    var batchID = IngestText(), fileID = IngestText(), fileName = IngestText(), chain = IngestText()
    var chainID = IngestText(), subChainID = IngestText(), storeID = IngestText()
    var fileType: FileType?
    var fileTime = Timestamp.epoch
    var isFull = false
    var sequence: Int64 = 0
    var isLast = false
    var alsoNamed: [String] = []

    mutating func read(
      _ field: Field, from reader: inout JSONReader, scratch: inout IngestScratch
    ) throws(DecodingFailure) {
      switch field {
      case .batchID: batchID = try scratch.text(&reader)
      case .fileID: fileID = try scratch.text(&reader)
      case .fileName: fileName = try scratch.textOrNull(&reader)
      case .fileType: fileType = try reader.valueOrNull(FileType.self, field: field.rawValue)
      case .fileTime: fileTime = try reader.timestamp(field: field.rawValue)
      case .chain: chain = try scratch.text(&reader)
      case .chainID: chainID = try scratch.textOrNull(&reader)
      case .subChainID: subChainID = try scratch.textOrNull(&reader)
      case .storeID: storeID = try scratch.text(&reader)
      case .full: isFull = try reader.bool()
      case .sequence: sequence = try reader.integer()
      case .last: isLast = try reader.bool()
      case .alsoNamed: alsoNamed = try reader.strings(atMost: ProductsIngest.maxAlsoNamed)
      case .promotions: try reader.skipValue()
      }
    }
  }
}

/// One promotion of a message that is being read, with its clubs and items.
package struct PromotionView: ~Escapable {
  private let message: RawSpan
  private let scratch: RawSpan
  private let values: Fields
  private let clubs: Span<IngestText>
  private let items: Span<PromotionItemView.Fields>

  @_lifetime(copy message, copy scratch, copy clubs, copy items)
  init(
    _ message: RawSpan, _ scratch: RawSpan, _ values: Fields, _ clubs: Span<IngestText>,
    _ items: Span<PromotionItemView.Fields>
  ) {
    self.message = message
    self.scratch = scratch
    self.values = values
    self.clubs = clubs
    self.items = items
  }

  package var promotionID: RawSpan { @_lifetime(copy self) get { values.promotionID.bytes(message, scratch) } }
  package var description: RawSpan? {
    @_lifetime(copy self) get { values.description.bytesOrNull(message, scratch) }
  }
  package var startsAt: Timestamp? { values.startsAt }
  package var endsAt: Timestamp? { values.endsAt }
  package var updatedAt: Timestamp? { values.updatedAt }
  package var rewardType: Int64? { values.rewardType }
  package var minQty: ExactDecimal? { values.minQty }
  package var maxQty: ExactDecimal? { values.maxQty }
  package var discountRate: ExactDecimal? { values.discountRate }
  package var discountType: Int64? { values.discountType }
  package var discountedPrice: ExactDecimal? { values.discountedPrice }
  package var discountedUnitPrice: ExactDecimal? { values.discountedUnitPrice }
  package var minPurchaseAmount: ExactDecimal? { values.minPurchaseAmount }
  package var minItems: ExactDecimal? { values.minItems }
  package var isWeighted: Bool? { values.isWeighted }
  package var isCoupon: Bool? { values.isCoupon }
  package var allowMultiple: Bool? { values.allowMultiple }
  package var remarks: RawSpan? { @_lifetime(copy self) get { values.remarks.bytesOrNull(message, scratch) } }
  package var row: Int64 { values.row }

  package var clubCount: Int { clubs.count }
  @_lifetime(copy self)
  package func club(_ index: Int) -> RawSpan { clubs[index].bytes(message, scratch) }

  package var itemCount: Int { items.count }
  @_lifetime(copy self)
  package func item(_ index: Int) -> PromotionItemView { PromotionItemView(message, scratch, items[index]) }

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
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.promotionID, .items)

  struct Fields {
    var promotionID = IngestText(), description = IngestText(), remarks = IngestText()
    var startsAt: Timestamp?
    var endsAt: Timestamp?
    var updatedAt: Timestamp?
    var rewardType: Int64?
    var minQty: ExactDecimal?
    var maxQty: ExactDecimal?
    var discountRate: ExactDecimal?
    var discountType: Int64?
    var discountedPrice: ExactDecimal?
    var discountedUnitPrice: ExactDecimal?
    var minPurchaseAmount: ExactDecimal?
    var minItems: ExactDecimal?
    var isWeighted: Bool?
    var isCoupon: Bool?
    var allowMultiple: Bool?
    var row: Int64 = 0

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
}

/// One item reference of a promotion that is being read.
package struct PromotionItemView: ~Escapable {
  private let message: RawSpan
  private let scratch: RawSpan
  private let values: Fields

  @_lifetime(copy message, copy scratch)
  init(_ message: RawSpan, _ scratch: RawSpan, _ values: Fields) {
    self.message = message
    self.scratch = scratch
    self.values = values
  }

  package var ean: RawSpan { @_lifetime(copy self) get { values.ean.bytes(message, scratch) } }
  package var itemType: Int64? { values.itemType }
  package var isGift: Bool? { values.isGift }
  package var groupID: RawSpan? { @_lifetime(copy self) get { values.groupID.bytesOrNull(message, scratch) } }
  package var rewardType: Int64? { values.rewardType }
  package var minQty: ExactDecimal? { values.minQty }
  package var maxQty: ExactDecimal? { values.maxQty }
  package var discountRate: ExactDecimal? { values.discountRate }
  package var discountedPrice: ExactDecimal? { values.discountedPrice }

  enum Field: String, CaseIterable {
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
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.ean)

  struct Fields {
    var ean = IngestText(), groupID = IngestText()
    var itemType: Int64?
    var isGift: Bool?
    var rewardType: Int64?
    var minQty: ExactDecimal?
    var maxQty: ExactDecimal?
    var discountRate: ExactDecimal?
    var discountedPrice: ExactDecimal?

    mutating func read(
      from reader: inout JSONReader, scratch: inout IngestScratch
    ) throws(DecodingFailure) {
      let table = PromotionItemView.fields
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
      try reader.require(PromotionItemView.required, in: cursor, of: table)
    }
  }
}
