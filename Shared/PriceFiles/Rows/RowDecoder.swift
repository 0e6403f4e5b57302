import Runtime
import Schemas

/// Rows out of markup: knows which containers hold rows, what their elements mean, and what a row needs.
struct RowDecoder: ~Copyable {
  /// Where in the document the next token is.
  enum Place {
    case outside
    case container
    case row
    /// Inside an element of a row, at `current`.
    case field
    /// Inside an element nobody knows, until the depth is back at `skipDepth`.
    case skipping
  }

  var tokenizer: XMLTokenizer
  var summary = PriceFileSummary()
  var hasContainer = false
  /// Known to be something else than prices: `promotions` or `stores` read on.
  var kind = PriceFileKind.prices
  var promotions: PromotionDecoder
  var stores: StoreDecoder
  var chainName = ""

  var place = Place.outside
  /// The depth inside the container, and what `place` returns to after skipping.
  var containerDepth = 0
  var skipDepth = 0
  var placeBeforeSkip = Place.outside
  var header: ElementMeaning?
  var identifiers: FileIdentifiers?
  var evidence = DialectEvidence()

  var shape = RowShape()
  /// How many elements of the shape the row at hand has had.
  var slotIndex = 0
  /// Behind the last tag, if only blanks followed: where a literal of the shape begins. -1 when unknown.
  var literalStart = -1

  var fields: RowFields
  /// Where the row at hand begins in the window.
  var rowStart = 0
  /// Bytes of the bare row start tag the shape has learned.
  var rowTagLength = 0
  /// The element at hand (`place == .field`).
  var current = CurrentElement()
  /// Where a row begins inside the row at hand, as an offset into the window; -1 when none does.
  var nestedRowStart = -1
  /// The markup of the row at hand is wrong: it is not whole.
  var isDamaged = false
  var codes = CodeSet()
  /// What is known of repeated codes from a pass before; nil in the first.
  let plan: RepeatedCodes?
  /// What this pass finds of them.
  var repeats = RepeatedCodes()
  var united: UnitedPromotions
  var units = UnitCache()
  var times: UpdateTimeReader

  struct CurrentElement {
    /// The raw value of the field, or -1.
    var field = -1
    /// The slot whose literals are to be learned, or -1.
    var slot = -1
    /// Its first occurrence counts; later ones of the same row are ignored.
    var isRepeat = false
    var pieces = 0
    /// Where its opening literal lies; -1 when it cannot be learned.
    var openStart = -1
    var openEnd = -1
  }

  init(limits: PriceFileLimits, zone: ZoneTable, windowCapacity: Int, plan: RepeatedCodes? = nil) {
    self.plan = plan
    united = UnitedPromotions(limits: limits)
    tokenizer = XMLTokenizer(limits: limits)
    fields = RowFields(rowBytes: windowCapacity)
    times = UpdateTimeReader(zone: zone)
    promotions = PromotionDecoder(limit: limits.recordBytes)
    stores = StoreDecoder(limit: limits.recordBytes)
  }

  /// From now on bytes of 0x80 and above are windows-1255.
  mutating func convertHighBytes() {
    tokenizer.flaggingHigh = TextScan.flagHigh
    fields.text.convertsHigh = true
  }

  /// Nothing will be read any more: no row needs to be kept in the window.
  mutating func giveUp() { place = .outside }

  /// Makes room in the window, keeping the row at hand.
  mutating func compact(_ window: inout TextWindow) {
    let isInRow = place == .row || place == .field || (place == .skipping && placeBeforeSkip != .container)
    let shift = window.discard(before: isInRow ? min(rowStart, window.position) : window.position)
    guard shift > 0 else { return }
    rowStart -= shift
    fields.move(by: shift)
    literalStart = max(-1, literalStart - shift)
    nestedRowStart = max(-1, nestedRowStart - shift)
    current.openStart = max(-1, current.openStart - shift)
    current.openEnd -= shift
  }

  /// Reads everything in the window.
  /// - Throws: `FileDefect` when the file cannot be read on; whatever `handler` throws.
  mutating func run(
    _ window: inout TextWindow, _ handler: (borrowing PriceRow) throws -> Void,
    _ records: (borrowing SideRow) throws -> Void
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

  /// The row at hand is whole: judge it and hand it over.
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
    addToSum(price)
    let updated = text(.updatedAt)
    let updatedAt = updated.isEmpty ? nil : times.read(updated)
    guard counts(code, updatedAt, row: index) else { return }
    if updatedAt == nil, !updated.isEmpty { summary.unreadableValues += 1 }
    for field in Self.texts where Placeholder.isUnknown(text(field)) { fields.forget(field) }
    let file = fileIdentifiers()
    let row = PriceRow(
      index: index, price: price, quantity: number(text(.quantity)), unitPrice: number(text(.unitPrice)),
      unit: units.unit(text(.unitOfMeasure)), isWeighted: Self.flag(text(.isWeighted)),
      updatedAt: updatedAt, file: file,
      fields: texts)
    try handler(row)
  }

  /// Of rows with one code only the newest counts, of two alike the first.
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
    let file = FileIdentifiers(
      chainID: summary.chainID, subChainID: summary.subChainID, storeID: summary.storeID)
    identifiers = file
    return file
  }

  private mutating func number(_ text: UnsafeBufferPointer<UInt8>) -> ExactDecimal? {
    guard !text.isEmpty else { return nil }
    let value = ExactDecimal(published: UnsafeRawBufferPointer(text).bytes)
    if value == nil, !Placeholder.isUnknown(text) { summary.unreadableValues += 1 }
    return value
  }

  /// Fields that hold words.
  private static let texts: [PriceField] = [.name, .manufacturer, .unitQty, .unitOfMeasure]

  private static func flag(_ text: UnsafeBufferPointer<UInt8>) -> Bool? {
    guard text.count == 1 else { return nil }
    return switch text[0] {
    case UInt8(ascii: "1"): true
    case UInt8(ascii: "0"): false
    default: nil
    }
  }

  private mutating func addToSum(_ price: ExactDecimal) {
    // 18 digits at scale 18 leave room for 10^2 rows of the largest price there is, and 10^15 of real ones.
    let shift = PriceFileSummary.priceSumScale - Int(price.scale)
    summary.priceSumMantissa &+= Int128(price.mantissa) &* Int128(Self.powersOfTen[shift])
  }

  private static let powersOfTen: [Int64] = (0...18).map { (0..<$0).reduce(1) { power, _ in power * 10 } }
}
