import Values

extension RowDecoder {
  /// Switches to reading promotions or stores.
  /// - Parameter name: the element that shows the kind, unless it is read again.
  mutating func begin(_ other: PriceFileKind, _ name: UnsafeBufferPointer<UInt8>?) {
    kind = other
    hasContainer = true
    place = .outside
    stores.inherit(chainID: summary.chainID, chainName: chainName, subChainID: summary.subChainID)
    guard let name else { return }
    let depth = tokenizer.depth + (tokenizer.isSelfClosing ? 1 : 0)
    if other == .stores { _ = stores.startTag(name, depth: depth) } else { _ = promotions.startTag(name, depth: depth) }
  }

  /// Reads everything in the window.
  mutating func runRecords(_ window: inout TextWindow, _ handler: (borrowing PromotionOrStore) throws -> Void) throws {
    while true {
      switch try tokenizer.next(&window) {
      case .needsMore: return
      case .startTag:
        let name = tokenizer.name(in: window)
        evidence.note(name)
        if kind == .stores ? stores.isNextRow(name) : promotions.isNextRow(name) {
          try endUnclosedRecord(window, name, handler)
        }
        let depth = tokenizer.depth + (tokenizer.isSelfClosing ? 1 : 0)
        let isKnown = kind == .stores
          ? stores.startTag(name, depth: depth) : promotions.startTag(name, depth: depth)
        if !isKnown { summary.noteUnknown(name) }
        if tokenizer.isSelfClosing { try endRecordTag(depth: depth, handler) }
      case .endTag:
        if tokenizer.isImplied { noteDamage() }
        try endRecordTag(depth: tokenizer.depth + 1, handler)
      case .strayEndTag: noteDamage()
      case .text: recordText(window, isCDATA: false)
      case .cdata: recordText(window, isCDATA: true)
      }
    }
  }

  private mutating func recordText(_ window: borrowing TextWindow, isCDATA: Bool) {
    let piece = tokenizer.text(in: window)
    let isPlain = !tokenizer.isSpecial
    if kind == .stores {
      stores.text(piece, isPlain: isPlain, isCDATA: isCDATA, cleaner: &fields.text)
    } else {
      promotions.text(piece, isPlain: isPlain, isCDATA: isCDATA, cleaner: &fields.text)
    }
  }

  mutating func endRecordTag(depth: Int, _ handler: (borrowing PromotionOrStore) throws -> Void) throws {
    if kind == .stores {
      if stores.endTag(depth: depth) == .store { try finishStore(handler) }
    } else {
      if isDamaged, promotions.dropFlatRow(depth: depth) {
        summary.rows += 1
        return rejectDamaged()
      }
      if promotions.endTag(depth: depth) == .promotion {
        try finishPromotion(handler)
        promotions.clear()
      }
    }
  }

  private mutating func finishPromotion(_ handler: (borrowing PromotionOrStore) throws -> Void) throws {
    let index = summary.rows
    summary.rows += 1
    if isDamaged { return rejectDamaged() }
    let id = promotions.text.text(promotions.fields[Int(PromotionField.id.rawValue)])
    guard !promotions.isTooLarge else {
      summary.rejected.tooLarge += 1
      return summary.noteUnusable(id)
    }
    guard !id.isEmpty else {
      summary.rejected.missingCode += 1
      return
    }
    if plan?.scattered.isEmpty == false, plan?.scattered.contains(Array(id)) == true {
      let updatedAt = promotionTime(.updatedAt, of: promotions.text.base, promotions.fields)
      if codes.insert(id) != .first { summary.repeatedRows += 1 }
      guard try united.add(promotions, id: Array(id), row: index, updatedAt: updatedAt) else {
        throw FileDefect(
          .refused, code: "promotions_limit", "scattered promotions have more than \(united.limit) bytes", offset: 0)
      }
      return
    }
    guard codes.insert(id) == .first else {
      summary.repeatedRows += 1
      repeats.scattered.insert(Array(id))
      return
    }
    let (base, fields, clubs) = (promotions.text.base, promotions.fields, promotions.handedClubs)
    try promotions.handed.withUnsafeBufferPointer { items in
      try clubs.withUnsafeBufferPointer { try hand(index, base, fields, clubs: $0, items: items, handler) }
    }
  }

  /// Hands over the merged promotions; call at the end of the file.
  mutating func finishUnited(_ handler: (borrowing PromotionOrStore) throws -> Void) throws {
    for promotion in united.take() {
      guard !promotion.isTooLarge else {
        summary.rejected.tooLarge += 1
        promotion.id.withUnsafeBufferPointer { summary.noteUnusable($0) }
        continue
      }
      try promotion.text.withUnsafeBufferPointer { text in
        guard let base = text.baseAddress else { return }
        try promotion.fields.withUnsafeBufferPointer { fields in
          guard let fields = fields.baseAddress else { return }
          try promotion.clubs.withUnsafeBufferPointer { clubs in
            try promotion.items.withUnsafeBufferPointer { items in
              try hand(promotion.row, base, fields, clubs: clubs, items: items, handler)
            }
          }
        }
      }
    }
  }

  private mutating func hand(
    _ index: Int, _ base: UnsafePointer<UInt8>, _ fields: UnsafePointer<TextRange>,
    clubs: UnsafeBufferPointer<TextRange>, items: UnsafeBufferPointer<PromotionItemRanges>,
    _ handler: (borrowing PromotionOrStore) throws -> Void
  ) throws {
    let startsAt = promotionTime(.startDate, hour: .startHour, of: base, fields)
    let endsAt = promotionTime(.endDate, hour: .endHour, endsDay: true, of: base, fields)
    let updatedAt = promotionTime(.updatedAt, of: base, fields)
    for (field, time) in [(PromotionField.startDate, startsAt), (.endDate, endsAt), (.updatedAt, updatedAt)]
    where time == nil && !fields[Int(field.rawValue)].isEmpty {
      summary.unreadableValues += 1
    }
    try handler(
      .promotion(
        PromotionRow(
          index: index, startsAt: startsAt, endsAt: endsAt, updatedAt: updatedAt, file: fileIdentifiers(),
          texts: base, fields: fields, clubs: clubs, items: items)))
  }

  private mutating func promotionTime(
    _ date: PromotionField, hour: PromotionField? = nil, endsDay: Bool = false, of base: UnsafePointer<UInt8>,
    _ fields: UnsafePointer<TextRange>
  ) -> Timestamp? {
    let none = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    return PromotionTimes.instant(
      fields[Int(date.rawValue)].text(in: base), hour: hour.map { fields[Int($0.rawValue)].text(in: base) } ?? none,
      endsDay: endsDay, times: &times)
  }

  private mutating func finishStore(_ handler: (borrowing PromotionOrStore) throws -> Void) throws {
    let index = summary.rows
    summary.rows += 1
    if isDamaged { return rejectDamaged() }
    guard !stores.isTooLarge else {
      summary.rejected.tooLarge += 1
      return
    }
    func text(_ field: StoreField) -> UnsafeBufferPointer<UInt8> {
      stores.text.text(stores.fields[Int(field.rawValue)])
    }
    let id = text(.storeID).drop { $0 == UInt8(ascii: "0") }
    guard !text(.storeID).isEmpty else {
      summary.rejected.missingCode += 1
      return
    }
    // Stores of one number in two sub-chains are two stores.
    let slash = [UInt8(ascii: "/")]
    let code = Array(text(.chainID)) + slash + Array(text(.subChainID)) + slash + Array(id)
    let updatedAt = PromotionTimes.instant(text(.updatedAt), hour: text(.updatedHour), times: &times)
    guard code.withUnsafeBufferPointer({ counts($0, updatedAt, row: index) }) else { return }
    try handler(.store(StoreRow(index: index, texts: stores.text.base, fields: stores.fields)))
  }
}
