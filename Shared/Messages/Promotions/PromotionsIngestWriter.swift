import Values

/// Writes the batches of one file for `gogobe.promotions.ingest`, key and order `chain/store_id`: promotions go from
/// borrowed bytes straight to the JSON of the message.
///
/// A promotion is never split over two messages: it carries all its items. The batches of one file are numbered from 0;
/// the last of them says so, which is when a reader that saw all of them knows every promotion of the file. A file
/// without promotions gives no batch.
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
  package static let maxPromotions = 500

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
    header: IngestHeader, maxPromotions: Int = maxPromotions,
    maxBytes: Int = ProductsIngestWriter.defaultMaxBytes
  ) {
    precondition((1...Self.maxPromotions).contains(maxPromotions), "a batch holds 1 to 500 promotions")
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
    body.beginObject()
    body.text("promotion_id", promotionID)
    body.text("description", description)
    body.field("starts_at", startsAt)
    body.field("ends_at", endsAt)
    body.field("updated_at", updatedAt)
    body.field("reward_type", rewardType)
    body.field("min_qty", minQty)
    body.field("max_qty", maxQty)
    body.field("discount_rate", discountRate)
    body.field("discount_type", discountType)
    body.field("discounted_price", discountedPrice)
    body.field("discounted_unit_price", discountedUnitPrice)
    body.field("min_purchase_amount", minPurchaseAmount)
    body.field("min_items", minItems)
    body.field("is_weighted", isWeighted)
    body.field("is_coupon", isCoupon)
    body.field("allow_multiple", allowMultiple)
    body.text("remarks", remarks)
    body.field("row", row)
    body.key("clubs")
    body.beginArray()
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
    body.beginObject()
    body.text("ean", ean)
    body.field("item_type", itemType)
    body.field("is_gift", isGift)
    body.text("group_id", groupID)
    body.field("reward_type", rewardType)
    body.field("min_qty", minQty)
    body.field("max_qty", maxQty)
    body.field("discount_rate", discountRate)
    body.field("discounted_price", discountedPrice)
    body.endObject()
  }

  /// Ends the promotion; unless it is `written`, nothing of it is in the batch.
  package mutating func end() -> Outcome {
    endClubs()
    body.endArray()
    body.endObject()
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
    body.endArray()
    body.key("items")
    body.beginArray()
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
