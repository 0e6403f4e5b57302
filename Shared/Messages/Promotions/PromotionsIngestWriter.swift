import Values

/// Writes the batches of one file: promotions go from borrowed bytes straight to the JSON of the message.
///
///     var writer = PromotionsIngestWriter(header: headerOfBatchZero)
///     for promotion in promotions {
///       writer.begin(…); writer.club(…); writer.item(…)
///       if writer.end() == .full {
///         send(writer.finish(isLast: false))   // borrowed bytes, valid until the next call
///         writer.beginBatch(sequence: …)
///         …                                    // the same promotion again
///       }
///     }
///     send(writer.finish(isLast: true))
package struct PromotionsIngestWriter: ~Copyable {
  package typealias Outcome = ProductsIngestWriter.Outcome

  package private(set) var header: PromotionsIngest.Header
  /// Promotions in the batch so far.
  package private(set) var count = 0
  /// The promotions alone: whether the batch is the file's last is known only when it is finished.
  private var body: JSONWriter
  private var message: JSONWriter
  private var mark: JSONWriter.Mark
  private var isInClubs = false
  private let maxPromotions: Int
  private let maxBytes: Int

  /// Begins the first batch.
  /// - Parameter header: its `batchID` is made from `fileID` and `sequence`, whatever it holds.
  package init(
    header: PromotionsIngest.Header, maxPromotions: Int = PromotionsIngest.maxPromotions,
    maxBytes: Int = ProductsIngestWriter.defaultMaxBytes
  ) {
    precondition((1...PromotionsIngest.maxPromotions).contains(maxPromotions), "a batch holds 1 to 500 promotions")
    self.header = header
    self.maxPromotions = maxPromotions
    self.maxBytes = maxBytes
    body = JSONWriter(capacity: min(maxBytes, 256 << 10))
    message = JSONWriter(capacity: min(maxBytes, 256 << 10))
    mark = body.mark
    beginBatch(sequence: header.sequence)
  }

  /// Begins another batch of the same file, dropping what was not sent.
  package mutating func beginBatch(sequence: Int64) {
    header.sequence = sequence
    header.batchID = ProductsIngest.batchID(fileID: header.fileID, sequence: sequence)
    body.clear()
    mark = body.mark
    count = 0
  }

  /// Begins a promotion. Texts are UTF-8; nil is unknown. Its clubs come next, then its items, then `end`.
  package mutating func begin(
    promotionID: RawSpan, description: RawSpan?, startsAt: Timestamp?, endsAt: Timestamp?, updatedAt: Timestamp?,
    rewardType: Int64?, minQty: ExactDecimal?, maxQty: ExactDecimal?, discountRate: ExactDecimal?,
    discountType: Int64?, discountedPrice: ExactDecimal?, discountedUnitPrice: ExactDecimal?,
    minPurchaseAmount: ExactDecimal?, minItems: ExactDecimal?, isWeighted: Bool?, isCoupon: Bool?,
    allowMultiple: Bool?, remarks: RawSpan?, row: Int64
  ) {
    mark = body.mark
    isInClubs = true
    body.beginPromotion(
      promotionID: promotionID, description: description, startsAt: startsAt, endsAt: endsAt, updatedAt: updatedAt,
      rewardType: rewardType, minQty: minQty, maxQty: maxQty, discountRate: discountRate, discountType: discountType,
      discountedPrice: discountedPrice, discountedUnitPrice: discountedUnitPrice,
      minPurchaseAmount: minPurchaseAmount, minItems: minItems, isWeighted: isWeighted, isCoupon: isCoupon,
      allowMultiple: allowMultiple, remarks: remarks, row: row)
  }

  /// - Precondition: no item of the promotion was written yet.
  package mutating func club(_ club: RawSpan) {
    precondition(isInClubs, "clubs come before items")
    body.string(club)
  }

  package mutating func item(
    ean: RawSpan, itemType: Int64?, isGift: Bool?, groupID: RawSpan?, rewardType: Int64?, minQty: ExactDecimal?,
    maxQty: ExactDecimal?, discountRate: ExactDecimal?, discountedPrice: ExactDecimal?
  ) {
    endClubs()
    body.promotionItem(
      ean: ean, itemType: itemType, isGift: isGift, groupID: groupID, rewardType: rewardType, minQty: minQty,
      maxQty: maxQty, discountRate: discountRate, discountedPrice: discountedPrice)
  }

  /// Ends the promotion; unless it is `written`, nothing of it is in the batch.
  package mutating func end() -> Outcome {
    endClubs()
    body.endPromotion()
    // What the header needs at most is not known here; a KiB holds every one of those that exist.
    guard count < maxPromotions, body.count + 1024 <= maxBytes else {
      body.rewind(to: mark)
      return count == 0 ? .tooLarge : .full
    }
    count += 1
    return .written
  }

  private mutating func endClubs() {
    guard isInClubs else { return }
    isInClubs = false
    body.beginPromotionItems()
  }

  /// Ends the batch. The bytes are valid until the next call.
  /// - Parameter alsoNamed: promotions of the file that cannot be used, of its last batch.
  @_lifetime(&self)
  package mutating func finish(isLast: Bool, alsoNamed: [String] = []) -> RawSpan {
    header.isLast = isLast
    header.alsoNamed = alsoNamed
    message.clear()
    header.encode(into: &message)
    Self.end(&message, with: body, isEmpty: count == 0)
    return message.bytes
  }

  private static func end(_ message: inout JSONWriter, with body: borrowing JSONWriter, isEmpty: Bool) {
    if !isEmpty { message.raw(body.bytes) }
    message.endArray()
    message.endObject()
  }
}

extension JSONWriter {
  mutating func beginPromotion(
    promotionID: RawSpan, description: RawSpan?, startsAt: Timestamp?, endsAt: Timestamp?, updatedAt: Timestamp?,
    rewardType: Int64?, minQty: ExactDecimal?, maxQty: ExactDecimal?, discountRate: ExactDecimal?,
    discountType: Int64?, discountedPrice: ExactDecimal?, discountedUnitPrice: ExactDecimal?,
    minPurchaseAmount: ExactDecimal?, minItems: ExactDecimal?, isWeighted: Bool?, isCoupon: Bool?,
    allowMultiple: Bool?, remarks: RawSpan?, row: Int64
  ) {
    beginObject()
    key("promotion_id")
    string(promotionID)
    key("description")
    string(orNull: description)
    key("starts_at")
    string(startsAt)
    key("ends_at")
    string(endsAt)
    key("updated_at")
    string(updatedAt)
    key("reward_type")
    integer(rewardType)
    key("min_qty")
    string(minQty)
    key("max_qty")
    string(maxQty)
    key("discount_rate")
    string(discountRate)
    key("discount_type")
    integer(discountType)
    key("discounted_price")
    string(discountedPrice)
    key("discounted_unit_price")
    string(discountedUnitPrice)
    key("min_purchase_amount")
    string(minPurchaseAmount)
    key("min_items")
    string(minItems)
    key("is_weighted")
    bool(isWeighted)
    key("is_coupon")
    bool(isCoupon)
    key("allow_multiple")
    bool(allowMultiple)
    key("remarks")
    string(orNull: remarks)
    key("row")
    integer(row)
    key("clubs")
    beginArray()
  }

  mutating func beginPromotionItems() {
    endArray()
    key("items")
    beginArray()
  }

  mutating func promotionItem(
    ean: RawSpan, itemType: Int64?, isGift: Bool?, groupID: RawSpan?, rewardType: Int64?, minQty: ExactDecimal?,
    maxQty: ExactDecimal?, discountRate: ExactDecimal?, discountedPrice: ExactDecimal?
  ) {
    beginObject()
    key("ean")
    string(ean)
    key("item_type")
    integer(itemType)
    key("is_gift")
    bool(isGift)
    key("group_id")
    string(orNull: groupID)
    key("reward_type")
    integer(rewardType)
    key("min_qty")
    string(minQty)
    key("max_qty")
    string(maxQty)
    key("discount_rate")
    string(discountRate)
    key("discounted_price")
    string(discountedPrice)
    endObject()
  }

  mutating func endPromotion() {
    endArray()
    endObject()
  }

  @inline(__always)
  mutating func string(orNull text: RawSpan?) {
    if let text { string(text) } else { null() }
  }
}
