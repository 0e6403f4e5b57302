/// What is done with a message of promotions while it is read: first the header, then each promotion whole,
/// in order.
///
/// An error may come after promotions were visited (a malformed byte further on): whatever was kept of the message
/// must then be dropped, as when a visitor's own method throws.
package protocol PromotionsIngestVisitor {
  mutating func header(_ header: IngestHeader) throws(DecodingFailure)
  mutating func promotion(_ promotion: borrowing PromotionView) throws(DecodingFailure)

  /// One promotion is well-formed JSON but not a promotion: an item without code, a time that is none. Return to go
  /// on with the next, throw to give the message up, as the default does.
  mutating func unreadablePromotion(_ failure: DecodingFailure) throws(DecodingFailure)
}

extension PromotionsIngestVisitor {
  package mutating func unreadablePromotion(_ failure: DecodingFailure) throws(DecodingFailure) { throw failure }
}

/// Reads messages of promotions without building values for their texts: a visitor sees borrowed bytes of
/// the message itself, or, for a text with escapes, of a scratch buffer. Reuse one decoder for many messages.
package struct PromotionsIngestDecoder: ~Copyable {
  private let limits: JSONReader.Limits
  private let maxPromotions: Int
  private var scratch = IngestScratch()
  private var promotion = PromotionFields()
  private var clubs: [IngestText] = []
  private var items: [PromotionItemFields] = []

  /// - Parameter maxPromotions: more are `too_many_items`.
  package init(limits: JSONReader.Limits = .init(), maxPromotions: Int = PromotionsIngestWriter.maxPromotions) {
    self.limits = limits
    self.maxPromotions = maxPromotions
  }

  /// Reads one message, the whole of `bytes`.
  /// - Throws: what the visitor throws, or why the message is not one.
  package mutating func decode(
    _ bytes: RawSpan, into visitor: inout some PromotionsIngestVisitor
  ) throws(DecodingFailure) {
    scratch.clear()
    var coder = try FieldCoder(reading: bytes, limits: limits)
    var batch = PromotionsHeader.blank
    if try coder.beginBatch(&batch) { try visit(&coder.reader, bytes, batch.header, &visitor) }
    if try coder.endBatch(&batch) { try visit(&coder.reader, bytes, batch.header, &visitor) }
  }

  private mutating func visit(
    _ reader: inout JSONReader, _ bytes: RawSpan, _ header: IngestHeader, _ visitor: inout some PromotionsIngestVisitor
  ) throws(DecodingFailure) {
    try visitor.header(header)
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      let index = array.count - 1
      guard index < maxPromotions else {
        throw DecodingFailure(.tooManyItems, at: reader.position, "more promotions than a batch may have", item: index)
      }
      scratch.clear()
      let start = (reader.position, reader.depth)
      do {
        try readPromotion(&reader, row: Int64(index))
      } catch {
        var failure = error
        failure.item = index
        guard failure.kind.leavesSyntaxIntact else { throw failure }
        // Back to where the promotion begins and over it, which also proves that it is well-formed to its end.
        (reader.position, reader.depth) = start
        try reader.skipValue()
        try visitor.unreadablePromotion(failure)
        continue
      }
      try visitor.promotion(PromotionView(bytes, scratch.bytes, promotion, clubs.span, items.span))
    }
  }

  private mutating func readPromotion(_ reader: inout JSONReader, row: Int64) throws(DecodingFailure) {
    promotion = PromotionFields()
    promotion.row = row
    clubs.removeAll(keepingCapacity: true)
    items.removeAll(keepingCapacity: true)
    let table = PromotionFields.table
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .clubs:
        var array = try reader.beginArray()
        while try reader.nextElement(&array) { clubs.append(try scratch.text(&reader)) }
      case .items:
        var array = try reader.beginArray()
        while try reader.nextElement(&array) {
          var item = PromotionItemFields()
          try item.read(from: &reader, scratch: &scratch)
          items.append(item)
        }
      default: try promotion.read(field, from: &reader, scratch: &scratch)
      }
    }
    try reader.require(PromotionFields.required, in: cursor, of: table)
  }
}
