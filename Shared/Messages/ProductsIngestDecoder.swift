/// What is done with a message of products while it is read: first the header, then each item in order.
///
/// An error may come after items were visited (a malformed byte further on): whatever was kept of the message
/// must then be dropped, as when a visitor's own method throws.
package protocol ProductsIngestVisitor {
  mutating func header(_ header: IngestHeader) throws(DecodingFailure)
  mutating func item(_ item: borrowing ProductsIngestItemView) throws(DecodingFailure)

  /// One item is well-formed JSON but not an item: a price that is no number, a missing code. Return to go on with
  /// the next item, throw to give the message up, as the default does.
  mutating func unreadableItem(_ failure: DecodingFailure) throws(DecodingFailure)
}

extension ProductsIngestVisitor {
  package mutating func unreadableItem(_ failure: DecodingFailure) throws(DecodingFailure) { throw failure }
}

/// Reads messages of products without building values for their texts: a visitor sees borrowed bytes of the
/// message itself, or, for a text with escapes, of a scratch buffer. Reuse one decoder for many messages.
package struct ProductsIngestDecoder: ~Copyable {
  private let limits: JSONReader.Limits
  private let maxItems: Int
  private var scratch = IngestScratch()

  /// - Parameter maxItems: more are `too_many_items`.
  package init(limits: JSONReader.Limits = .init(), maxItems: Int = ProductsIngestWriter.maxItems) {
    self.limits = limits
    self.maxItems = maxItems
  }

  /// Reads one message, the whole of `bytes`.
  /// - Throws: what the visitor throws, or why the message is not one.
  package mutating func decode(
    _ bytes: RawSpan, into visitor: inout some ProductsIngestVisitor
  ) throws(DecodingFailure) {
    scratch.clear()
    var coder = try FieldCoder(reading: bytes, limits: limits)
    var batch = ProductsHeader.blank
    if try coder.beginBatch(&batch) { try visit(&coder.reader, bytes, batch.header, &visitor) }
    if try coder.endBatch(&batch) { try visit(&coder.reader, bytes, batch.header, &visitor) }
  }

  private mutating func visit(
    _ reader: inout JSONReader, _ bytes: RawSpan, _ header: IngestHeader, _ visitor: inout some ProductsIngestVisitor
  ) throws(DecodingFailure) {
    try visitor.header(header)
    var array = try reader.beginArray()
    while try reader.nextElement(&array) {
      let index = array.count - 1
      guard index < maxItems else {
        throw DecodingFailure(.tooManyItems, at: reader.position, "more items than a batch may have", item: index)
      }
      scratch.clear()
      var item = ProductFields(row: header.firstRow &+ Int64(index))
      let start = (reader.position, reader.depth)
      do {
        try item.read(from: &reader, scratch: &scratch)
      } catch {
        var failure = error
        failure.item = index
        guard failure.kind.leavesSyntaxIntact else { throw failure }
        // Back to where the item begins and over it, which also proves that it is well-formed to its end.
        (reader.position, reader.depth) = start
        try reader.skipValue()
        try visitor.unreadableItem(failure)
        continue
      }
      try visitor.item(ProductsIngestItemView(bytes, scratch.bytes, item))
    }
  }
}
