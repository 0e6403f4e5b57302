/// Rows with broken markup. The tokenizer skips the markup; this decides which row it costs and where the next one
/// begins.
extension RowDecoder {
  var isInRow: Bool {
    switch kind {
    case .prices: place == .row || place == .field || (place == .skipping && placeBeforeSkip != .container)
    case .promotions: promotions.rowDepth >= 0
    case .stores: stores.rowDepth >= 0
    }
  }

  mutating func noteDamage() {
    literalStart = -1
    if isInRow { isDamaged = true }
  }

  mutating func rejectDamaged() {
    isDamaged = false
    summary.rejected.malformed += 1
  }

  mutating func strayEndTag(_ window: borrowing TextWindow) {
    noteDamage()
    guard kind == .prices, place == .container, shape.isRow(tokenizer.name(in: window)) else { return }
    // The end of a row whose start tag is missing.
    summary.rows += 1
    rejectDamaged()
  }

  /// A second row inside the current one, or the container's end, shows that the current row lacks its end tag. Reading
  /// continues at the nested row.
  mutating func readNestedRow(_ window: inout TextWindow) {
    tokenizer.note(window, "xml_missing_end_tag", "a row begins inside a row", at: nestedRowStart)
    window.position = nestedRowStart
    tokenizer.close(toDepth: containerDepth)
    nestedRowStart = -1
    literalStart = -1
    place = .container
    summary.rows += 1
    rejectDamaged()
  }

  /// A promotion or store begins inside another, whose end tag is missing: ends the outer one as damaged.
  mutating func endUnclosedRecord(
    _ window: borrowing TextWindow, _ name: UnsafeBufferPointer<UInt8>,
    _ handler: (borrowing PromotionOrStore) throws -> Void
  ) throws {
    tokenizer.note(window, "xml_missing_end_tag", "a row begins inside a row", at: tokenizer.start)
    isDamaged = true
    let rowDepth = kind == .stores ? stores.rowDepth : promotions.rowDepth
    var depth = tokenizer.depth - (tokenizer.isSelfClosing ? 0 : 1)
    while depth >= rowDepth {
      try endRecordTag(depth: depth, handler)
      depth -= 1
    }
    tokenizer.close(toDepth: rowDepth - 1)
    if !tokenizer.isSelfClosing, let start = name.baseAddress { tokenizer.open(start, name.count) }
  }
}
