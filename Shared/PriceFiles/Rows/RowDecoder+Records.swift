extension RowDecoder {
  /// From now on the document is read as promotions or stores.
  /// - Parameter name: the element that shows it, when it is not to be read again.
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
  mutating func runRecords(
    _ window: inout TextWindow, _ handler: (borrowing SideRow) throws -> Void
  ) throws {
    while true {
      switch try tokenizer.next(&window) {
      case .needsMore: return
      case .startTag:
        let name = UnsafeBufferPointer<UInt8>(
          start: window.base + tokenizer.nameStart, count: tokenizer.nameEnd - tokenizer.nameStart)
        evidence.note(name)
        let depth = tokenizer.depth + (tokenizer.isSelfClosing ? 1 : 0)
        let isKnown = kind == .stores
          ? stores.startTag(name, depth: depth) : promotions.startTag(name, depth: depth)
        if !isKnown { noteUnknown(name) }
        if tokenizer.isSelfClosing { try endRecordTag(depth: depth, handler) }
      case .endTag: try endRecordTag(depth: tokenizer.depth + 1, handler)
      case .text: recordText(window, isCDATA: false)
      case .cdata: recordText(window, isCDATA: true)
      }
    }
  }

  mutating func noteUnknown(_ name: UnsafeBufferPointer<UInt8>) { summary.noteUnknown(name) }

  private mutating func recordText(_ window: borrowing TextWindow, isCDATA: Bool) {
    let piece = UnsafeBufferPointer<UInt8>(
      start: window.base + tokenizer.start, count: tokenizer.end - tokenizer.start)
    let isPlain = !tokenizer.isSpecial
    if kind == .stores {
      stores.text(piece, isPlain: isPlain, isCDATA: isCDATA, cleaner: &fields.text)
    } else {
      promotions.text(piece, isPlain: isPlain, isCDATA: isCDATA, cleaner: &fields.text)
    }
  }

  private mutating func endRecordTag(depth: Int, _ handler: (borrowing SideRow) throws -> Void) throws {
    if kind == .stores {
      if stores.endTag(depth: depth) == .store { try finishStore(handler) }
    } else if promotions.endTag(depth: depth) == .promotion {
      try finishPromotion(handler)
      promotions.clear()
    }
  }

  private mutating func finishPromotion(_ handler: (borrowing SideRow) throws -> Void) throws {
    let index = summary.rows
    summary.rows += 1
    guard !promotions.isTooLarge else {
      summary.rejected.tooLarge += 1
      return
    }
    func text(_ field: PromotionField) -> UnsafeBufferPointer<UInt8> {
      promotions.text.text(promotions.fields[Int(field.rawValue)])
    }
    let id = text(.id)
    guard !id.isEmpty else {
      summary.rejected.missingCode += 1
      return
    }
    guard codes.insert(id) else {
      summary.repeatedRows += 1
      return
    }
    let none = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    let (start, end, updated) = (text(.startDate), text(.endDate), text(.updatedAt))
    let startsAt = PromotionTimes.instant(start, hour: text(.startHour), times: &times)
    let endsAt = PromotionTimes.instant(end, hour: text(.endHour), endsDay: true, times: &times)
    let updatedAt = PromotionTimes.instant(updated, hour: none, times: &times)
    if startsAt == nil, !start.isEmpty { summary.unreadableValues += 1 }
    if endsAt == nil, !end.isEmpty { summary.unreadableValues += 1 }
    if updatedAt == nil, !updated.isEmpty { summary.unreadableValues += 1 }
    let file = fileIdentifiers()
    let (base, fields, clubs) = (promotions.text.base, promotions.fields, promotions.clubs)
    try promotions.handed.withUnsafeBufferPointer { items in
      try clubs.withUnsafeBufferPointer { clubs in
        try handler(
          .promotion(
            PromotionRow(
              index: index, startsAt: startsAt, endsAt: endsAt, updatedAt: updatedAt, file: file, texts: base,
              fields: fields, clubs: clubs, items: items)))
      }
    }
  }

  private mutating func finishStore(_ handler: (borrowing SideRow) throws -> Void) throws {
    let index = summary.rows
    summary.rows += 1
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
    // Branches of one number in two sub-chains are two branches.
    let slash = [UInt8(ascii: "/")]
    let code = Array(text(.chainID)) + slash + Array(text(.subChainID)) + slash + Array(id)
    guard code.withUnsafeBufferPointer({ codes.insert($0) }) else {
      summary.repeatedRows += 1
      return
    }
    try handler(.store(StoreRow(index: index, texts: stores.text.base, fields: stores.fields)))
  }
}
