import Catalogue
import Messages
import Postgres

extension WriteTarget {
  /// `gogobe.promotions.ingest`: each store's promotions and their items.
  static let promotions = WriteTarget(
    name: "promotions", topics: [Topics.promotionsIngest], elements: "promotions",
    staging: [PromotionSQL.files, PromotionSQL.promotions, PromotionSQL.items], scratch: [PromotionSQL.forward],
    merge: PromotionSQL.merge
  ) {
    let decoder = Reused(PromotionsIngestDecoder())
    return { value, rows throws(DecodingFailure) in
      var visitor = PromotionVisitor(&rows)
      defer { visitor.giveBack(to: &rows) }
      try decoder.value.decode(value, into: &visitor)
    }
  }
}

/// Converts the promotions of one message to rows while the message is read; a promotion that cannot be stored is
/// refused with all its items.
struct PromotionVisitor: PromotionsIngestVisitor {
  private var message: MessageRows
  private let batch: Int32
  private var promotions = BinaryCopyRows()
  private var items = BinaryCopyRows()
  private var index = 0

  /// Takes the buffers of `message`; `giveBack` returns them.
  init(_ message: inout MessageRows) {
    batch = message.batch
    self.message = MessageRows(batch: batch, tables: [])
    swap(&self.message, &message)
    swap(&promotions, &self.message.tables[1])
    swap(&items, &self.message.tables[2])
  }

  mutating func giveBack(to message: inout MessageRows) {
    swap(&promotions, &self.message.tables[1])
    swap(&items, &self.message.tables[2])
    swap(&self.message, &message)
  }

  mutating func header(_ header: IngestHeader) throws(DecodingFailure) {
    message.headerCounts = header.isFull && header.isLast
    try message.tables[0].storeFile(batch: batch, header)
  }

  mutating func promotion(_ promotion: borrowing PromotionView) {
    defer { index += 1 }
    do {
      try Self.check(promotion, index)
    } catch {
      return message.refuse(index, error)
    }
    promotions.beginRow(fields: PromotionSQL.promotions.columns.count)
    promotions.int4(batch)
    promotions.int4(Int32(message.kept))
    let start = promotions.byteCount
    promotions.text(promotion.promotionID)
    promotions.textOrNull(promotion.description)
    promotions.timeOrNull(promotion.fields.startsAt)
    promotions.timeOrNull(promotion.fields.endsAt)
    promotions.timeOrNull(promotion.fields.updatedAt)
    promotions.integerOrNull(promotion.fields.rewardType)
    promotions.decimalOrNull(promotion.fields.minQty)
    promotions.decimalOrNull(promotion.fields.maxQty)
    promotions.decimalOrNull(promotion.fields.discountRate)
    promotions.integerOrNull(promotion.fields.discountType)
    promotions.decimalOrNull(promotion.fields.discountedPrice)
    promotions.decimalOrNull(promotion.fields.discountedUnitPrice)
    promotions.decimalOrNull(promotion.fields.minPurchaseAmount)
    promotions.decimalOrNull(promotion.fields.minItems)
    promotions.boolOrNull(promotion.fields.isWeighted)
    promotions.boolOrNull(promotion.fields.isCoupon)
    promotions.boolOrNull(promotion.fields.allowMultiple)
    promotions.textOrNull(promotion.remarks)
    promotions.beginTextArray(count: promotion.clubCount)
    for club in 0..<promotion.clubCount { promotions.text(promotion.club(club)) }
    promotions.endTextArray()
    promotions.int4(Int32(promotion.itemCount))
    var hash = ContentHash()
    hash.add(promotions.bytes[start...])
    addItems(promotion, to: &hash)
    promotions.int8(hash.value)
    message.keep()
  }

  private mutating func addItems(_ promotion: borrowing PromotionView, to hash: inout ContentHash) {
    for index in 0..<promotion.itemCount {
      let item = promotion.item(index)
      items.beginRow(fields: PromotionSQL.items.columns.count)
      items.int4(batch)
      items.int4(Int32(message.kept))
      let start = items.byteCount
      items.int4(Int32(index))
      items.text(item.ean)
      items.integerOrNull(item.fields.itemType)
      items.boolOrNull(item.fields.isGift)
      items.textOrNull(item.groupID)
      items.integerOrNull(item.fields.rewardType)
      items.decimalOrNull(item.fields.minQty)
      items.decimalOrNull(item.fields.maxQty)
      items.decimalOrNull(item.fields.discountRate)
      items.decimalOrNull(item.fields.discountedPrice)
      hash.add(items.bytes[start...])
    }
  }

  mutating func unreadablePromotion(_ failure: DecodingFailure) {
    message.refuse(index, failure)
    index += 1
  }

  private static func check(_ promotion: borrowing PromotionView, _ index: Int) throws(DecodingFailure) {
    try StagingLimits.checkKey(promotion.promotionID, "promotion_id", index)
    if let text = promotion.description { try StagingLimits.checkText(text, "description", index) }
    if let text = promotion.remarks { try StagingLimits.checkText(text, "remarks", index) }
    for club in 0..<promotion.clubCount { try StagingLimits.checkText(promotion.club(club), "clubs", index) }
    for number in 0..<promotion.itemCount {
      let item = promotion.item(number)
      try StagingLimits.checkKey(item.ean, "ean", index)
      if let text = item.groupID { try StagingLimits.checkText(text, "group_id", index) }
    }
  }
}

/// FNV-1a, 64 bits, of staged fields, to detect a changed promotion. Source: draft-eastlake-fnv.
struct ContentHash {
  private var state: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: ArraySlice<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  var value: Int64 { Int64(bitPattern: state) }
}
