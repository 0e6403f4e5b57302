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

  package private(set) var header: IngestHeader
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
    header: IngestHeader, maxPromotions: Int = PromotionsIngest.maxPromotions,
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
    header.batchID = IngestHeader.batchID(fileID: header.fileID, sequence: sequence)
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
    message.beginObject()
    PromotionsHeader(header: header).writeFields(to: &message)
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
    text("promotion_id", promotionID)
    text("description", description)
    field("starts_at", startsAt)
    field("ends_at", endsAt)
    field("updated_at", updatedAt)
    field("reward_type", rewardType)
    field("min_qty", minQty)
    field("max_qty", maxQty)
    field("discount_rate", discountRate)
    field("discount_type", discountType)
    field("discounted_price", discountedPrice)
    field("discounted_unit_price", discountedUnitPrice)
    field("min_purchase_amount", minPurchaseAmount)
    field("min_items", minItems)
    field("is_weighted", isWeighted)
    field("is_coupon", isCoupon)
    field("allow_multiple", allowMultiple)
    text("remarks", remarks)
    field("row", row)
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
    text("ean", ean)
    field("item_type", itemType)
    field("is_gift", isGift)
    text("group_id", groupID)
    field("reward_type", rewardType)
    field("min_qty", minQty)
    field("max_qty", maxQty)
    field("discount_rate", discountRate)
    field("discounted_price", discountedPrice)
    endObject()
  }

  mutating func endPromotion() {
    endArray()
    endObject()
  }
}
