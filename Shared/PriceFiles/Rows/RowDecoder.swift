import Core
import Values

/// Builds rows from markup: knows which containers hold rows, what their elements mean, and what a row needs.
struct RowDecoder: ~Copyable {
  /// The position of the next token in the document.
  enum Place {
    case outside
    case container
    case row
    /// Inside an element of a row, `current`.
    case field
    /// Inside an unknown element, until the depth is back at `skipDepth`.
    case skipping
  }

  var tokenizer: XMLTokenizer
  var summary = PriceFileSummary()
  var hasContainer = false
  /// Not prices once the file is known to hold promotions or stores.
  var kind = PriceFileKind.prices
  var promotions: PromotionDecoder
  var stores: StoreDecoder
  var chainName = ""

  var place = Place.outside
  /// The depth inside the container, and the `place` to return to after skipping.
  var containerDepth = 0
  var skipDepth = 0
  var placeBeforeSkip = Place.outside
  var header: ElementMeaning?
  var identifiers: FileIdentifiers?
  var evidence = DialectEvidence()

  var shape = RowShape()
  /// Elements of the shape that the current row has had.
  var slotIndex = 0
  /// After the last tag, if only blanks followed: where a literal of the shape begins. -1 when unknown.
  var literalStart = -1

  var fields: RowFields
  /// Where the current row begins in the window.
  var rowStart = 0
  /// Length of the bare row start tag that the shape has learned.
  var rowTagLength = 0
  /// The current element (`place == .field`).
  var current = CurrentElement()
  /// Offset in the window of a row inside the current row; -1 when there is none.
  var nestedRowStart = -1
  /// The current row has broken markup.
  var isDamaged = false
  var codes = CodeSet()
  /// Repeated codes of the previous pass; nil in the first.
  let plan: RepeatedCodes?
  /// Repeated codes that this pass finds.
  var repeats = RepeatedCodes()
  var united: MergedPromotions
  var units = UnitCache()
  var times: UpdateTimeReader

  struct CurrentElement {
    /// The raw value of the field, or -1.
    var field = -1
    /// The slot whose literals are learned, or -1.
    var slot = -1
    /// The element occurred before in this row and is ignored.
    var isRepeat = false
    var pieces = 0
    /// Where its opening literal begins; -1 when it cannot be learned.
    var openStart = -1
    var openEnd = -1
  }

  init(limits: PriceFileLimits, zone: ZoneTable, windowCapacity: Int, plan: RepeatedCodes? = nil) {
    self.plan = plan
    united = MergedPromotions(limits: limits)
    tokenizer = XMLTokenizer(limits: limits)
    fields = RowFields(rowBytes: windowCapacity)
    times = UpdateTimeReader(zone: zone)
    promotions = PromotionDecoder(limit: limits.recordBytes)
    stores = StoreDecoder(limit: limits.recordBytes)
  }

  /// Treats bytes from 0x80 on as windows-1255.
  mutating func convertHighBytes() {
    tokenizer.flaggingHigh = TextScan.flagHigh
    fields.text.convertsHigh = true
  }

  /// Stops reading: no row needs to be kept in the window.
  mutating func stop() { place = .outside }

  /// Makes room in the window, keeping the current row.
  mutating func compact(_ window: inout TextWindow) {
    // Records copy their texts: only a price row needs its bytes in the window.
    let keepsRow = kind == .prices && isInRow
    let shift = window.discard(before: keepsRow ? min(rowStart, window.position) : window.position)
    guard shift > 0 else { return }
    rowStart -= shift
    fields.move(by: shift)
    literalStart = max(-1, literalStart - shift)
    nestedRowStart = max(-1, nestedRowStart - shift)
    current.openStart = max(-1, current.openStart - shift)
    current.openEnd -= shift
  }

  /// Reads everything in the window.
  /// - Throws: `FileDefect` when the rest cannot be read; what `handler` throws.
  mutating func run(
    _ window: inout TextWindow, _ handler: (borrowing PriceRow) throws -> Void,
    _ records: (borrowing PromotionOrStore) throws -> Void
  ) throws {
    while true {
      if kind != .prices { return try runRecords(&window, records) }
      if place == .row, !tokenizer.isInsideSkipped { try predictRows(&window, handler) }
      switch try tokenizer.next(&window) {
      case .needsMore:
        if place == .row || place == .field { try checkRowLength(window, end: window.end) }
        return
      case .startTag: try startTag(&window, handler)
      case .endTag:
        if tokenizer.isImplied {
          if nestedRowStart >= 0 {
            readNestedRow(&window)
            continue
          }
          noteDamage()
        }
        try endTag(&window, handler)
      case .strayEndTag: strayEndTag(window)
      case .text: text(window, isCDATA: false)
      case .cdata: text(window, isCDATA: true)
      }
    }
  }

  func checkRowLength(_ window: borrowing TextWindow, end: Int) throws(FileDefect) {
    guard end - rowStart <= tokenizer.limits.rowBytes else {
      throw window.defect(
        .refused, code: "row_limit", "a row has more than \(tokenizer.limits.rowBytes) bytes", at: rowStart)
    }
  }

  /// Checks a complete row and hands it over.
  mutating func finishRow(
    _ window: borrowing TextWindow, end: Int, _ handler: (borrowing PriceRow) throws -> Void
  ) throws {
    try checkRowLength(window, end: end)
    let index = summary.rows
    summary.rows += 1
    nestedRowStart = -1
    if isDamaged { return rejectDamaged() }
    let texts = fields.resolve(window.base)
    func text(_ field: PriceField) -> UnsafeBufferPointer<UInt8> { texts[Int(field.rawValue)] }

    let code = text(.code)
    guard !code.isEmpty else {
      summary.rejected.missingCode += 1
      return
    }
    guard code.count <= 64, code.allSatisfy({ $0 &- 0x21 < 0x5E }) else {
      summary.rejected.badCode += 1
      return
    }
    let priceText = text(.price)
    guard !priceText.isEmpty else {
      summary.rejected.missingPrice += 1
      return summary.noteUnusable(code)
    }
    guard let price = ExactDecimal(published: UnsafeRawBufferPointer(priceText).bytes), !price.isNegative else {
      summary.rejected.badPrice += 1
      return summary.noteUnusable(code)
    }
    let updated = text(.updatedAt)
    let updatedAt = updated.isEmpty ? nil : times.read(updated)
    guard counts(code, updatedAt, row: index) else { return }
    if updatedAt == nil, !updated.isEmpty { summary.unreadableValues += 1 }
    for field in Self.texts where Placeholder.isUnknown(text(field)) { fields.forget(field) }
    let row = PriceRow(
      index: index, price: price, quantity: number(text(.quantity)), unitPrice: number(text(.unitPrice)),
      unit: units.unit(text(.unitOfMeasure)), isWeighted: RecordValue.flag(text(.isWeighted)), updatedAt: updatedAt,
      file: fileIdentifiers(), fields: texts)
    try handler(row)
  }

  /// Of rows with one code the newest counts, or the first of two equally new ones.
  /// - Returns: false for a row that does not count; true for one that may turn out not to.
  mutating func counts(_ code: UnsafeBufferPointer<UInt8>, _ updatedAt: Timestamp?, row: Int) -> Bool {
    let place = codes.insert(code, stamp: updatedAt?.microseconds ?? .min)
    if let isNewest = plan?.isNewest(row, of: code) {
      if !isNewest { summary.repeatedRows += 1 }
      return isNewest
    }
    if place == .first { return true }
    summary.repeatedRows += 1
    if place == .newer { repeats.newest[Array(code)] = row }
    return false
  }

  mutating func fileIdentifiers() -> FileIdentifiers {
    if let identifiers { return identifiers }
    let file = FileIdentifiers(chainID: summary.chainID, subChainID: summary.subChainID, storeID: summary.storeID)
    identifiers = file
    return file
  }

  private mutating func number(_ text: UnsafeBufferPointer<UInt8>) -> ExactDecimal? {
    guard !text.isEmpty else { return nil }
    let value = ExactDecimal(published: UnsafeRawBufferPointer(text).bytes)
    if value == nil, !Placeholder.isUnknown(text) { summary.unreadableValues += 1 }
    return value
  }

  /// Text fields.
  private static let texts: [PriceField] = [.name, .manufacturer, .unitQty, .unitOfMeasure]
}

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

extension RowDecoder {
  /// Reads elements and whole rows while they match the shape; stops before the first that does not, for the tokenizer
  /// to read.
  ///
  /// The result equals the tokenizer's by construction: it consumes only `<Name>text</Name>`, `<Name/>` and the row's
  /// own tags, byte for byte as the tokenizer accepted them before.
  mutating func predictRows(_ window: inout TextWindow, _ handler: (borrowing PriceRow) throws -> Void) throws {
    let base = window.base
    let end = window.end
    let flaggingHigh = tokenizer.flaggingHigh
    let textLimit = tokenizer.limits.textBytes
    var position = window.position
    while true {
      if slotIndex < shape.count {
        let slot = shape.slots[slotIndex]
        let opened = position + Int(slot.open.count)
        if opened < end, shape.matches(base + position, slot.open) {
          let found = TextScan.toAngle(base, from: opened, end: end, flaggingHigh: flaggingHigh)
          let behind = found.position + Int(slot.close.count)
          guard behind <= end, shape.matches(base + found.position, slot.close),
            found.position - opened <= textLimit
          else { break }
          if slot.field >= 0 {
            let field = Int(slot.field)
            if !fields.has(field) {
              fields.set(field, start: opened, end: found.position, isSpecial: found.isSpecial)
            }
          } else if slot.isUnknown {
            shape.slots[slotIndex].unknownCount += 1
          }
          position = behind
          slotIndex += 1
          continue
        }
        let emptied = position + Int(slot.empty.count)
        guard emptied <= end, shape.matches(base + position, slot.empty) else { break }
        if slot.field >= 0 {
          let field = Int(slot.field)
          if !fields.has(field) { fields.set(field, start: 0, end: 0, isSpecial: false) }
        } else if slot.isUnknown {
          shape.slots[slotIndex].unknownCount += 1
        }
        position = emptied
        slotIndex += 1
        continue
      }
      let rowEnd = position + Int(shape.rowEnd.count)
      guard rowEnd <= end, shape.matches(base + position, shape.rowEnd) else { break }
      window.position = rowEnd
      literalStart = rowEnd
      let next = rowEnd + Int(shape.rowStart.count)
      if next <= end, shape.matches(base + rowEnd, shape.rowStart) {
        // The next row begins: the row's element stays the innermost open one.
        try finishRow(window, end: rowEnd, handler)
        position = next
        // The start of the tag itself, as with the tokenizer.
        rowStart = next - rowTagLength
        fields.clear()
        slotIndex = 0
        continue
      }
      tokenizer.closeInnermost()
      place = .container
      return try finishRow(window, end: rowEnd, handler)
    }
    if position != window.position {
      window.position = position
      literalStart = position
    }
  }
}
