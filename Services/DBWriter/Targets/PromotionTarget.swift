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

/// The staging tables and the merge of promotions.
///
/// A promotion moves forward by (file_time, file_id), and ends by ``FullList``.
enum PromotionSQL {
  static let files = FullList.storeFiles("staged_promotion_files")
  static let full = FullList(
    table: "promotions", headers: files.name, scope: "store_id", key: ["promotion_id"], code: "promotion_id")

  static let promotions = StagingTable("staged_promotions", .element, [
    "batch int", "number int", "promotion_id text COLLATE \"C\"", "description text",
    "starts_at timestamptz", "ends_at timestamptz", "updated_at timestamptz", "reward_type bigint", "min_qty numeric",
    "max_qty numeric", "discount_rate numeric", "discount_type bigint", "discounted_price numeric",
    "discounted_unit_price numeric", "min_purchase_amount numeric", "min_items numeric", "is_weighted boolean",
    "is_coupon boolean", "allow_multiple boolean", "remarks text", "clubs text[]", "items int",
    "content_hash bigint",
  ])

  static let items = StagingTable("staged_promotion_items", .part, [
    "batch int", "number int", "item_number int", "ean text COLLATE \"C\"",
    "item_type bigint", "is_gift boolean", "group_id text", "reward_type bigint", "min_qty numeric", "max_qty numeric",
    "discount_rate numeric", "discounted_price numeric",
  ])

  /// The staged promotions that move forward, and whether they differ.
  static let forward = StagingTable("forward_promotions", .element, [
    "batch int", "number int", "chain text COLLATE \"C\"",
    "store_id text COLLATE \"C\"", "promotion_id text COLLATE \"C\"",
    "file_time timestamptz", "file_id uuid", "differs boolean",
  ])

  static let merge = [full.note, choose, dropItems, addItems, write, full.end]

  /// Of a promotion that one file has twice, the first counts.
  private static let choose = MergeStatement("choose promotions", sql: """
    WITH newest AS (
      SELECT DISTINCT ON (f.chain, f.store_id, s.promotion_id)
             s.batch, s.number, f.chain, f.store_id, s.promotion_id, f.file_time, f.file_id, s.content_hash
      FROM staged_promotion_files f
      JOIN staged_promotions s USING (batch)
      ORDER BY f.chain, f.store_id, s.promotion_id, f.file_time DESC, f.file_id DESC, s.batch, s.number
    )
    INSERT INTO forward_promotions (batch, number, chain, store_id, promotion_id, file_time, file_id, differs)
    SELECT n.batch, n.number, n.chain, n.store_id, n.promotion_id, n.file_time, n.file_id,
           c.promotion_id IS NULL OR c.content_hash <> n.content_hash
    FROM newest n
    LEFT JOIN promotions c USING (chain, store_id, promotion_id)
    WHERE c.promotion_id IS NULL OR (n.file_time, n.file_id) > (c.file_time, c.file_id)
    """)

  private static let dropItems = MergeStatement("drop promotion items", sql: """
    DELETE FROM promotion_items AS i USING forward_promotions AS f
    WHERE f.differs AND i.chain = f.chain AND i.store_id = f.store_id AND i.promotion_id = f.promotion_id
    """)

  private static let addItems = MergeStatement("add promotion items", into: "promotion_items", """
    INSERT INTO promotion_items (chain, store_id, promotion_id, \(items.names.listed()))
    SELECT f.chain, f.store_id, f.promotion_id, \(items.names.listed(of: "i"))
    FROM forward_promotions f
    JOIN staged_promotion_items i USING (batch, number)
    WHERE f.differs
    """)

  private static let write = MergeStatement("merge promotions", into: "promotions", """
    INSERT INTO promotions AS p (chain, store_id, \(promotions.names.listed()), file_time, file_id, ended_at)
    SELECT f.chain, f.store_id, \(promotions.names.listed(of: "s")), f.file_time, f.file_id, \(full.endTime(of: "f"))
    FROM forward_promotions f
    JOIN staged_promotions s USING (batch, number)
    ORDER BY f.chain, f.store_id, f.promotion_id
    ON CONFLICT (chain, store_id, promotion_id) DO UPDATE SET
      \((promotions.names.dropFirst() + ["file_time", "file_id", "ended_at"]).takenOver)
    WHERE (EXCLUDED.file_time, EXCLUDED.file_id) > (p.file_time, p.file_id)
    """)
}
