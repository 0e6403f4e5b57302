extension RowDecoder {
  mutating func startTag(_ window: inout TextWindow, _ handler: (borrowing PriceRow) throws -> Void) throws {
    let name = tokenizer.name(in: window)
    let isEmpty = tokenizer.isSelfClosing
    if isInRow, !isEmpty, shape.isRow(name) {
      if nestedRowStart >= 0 { return readNestedRow(&window) }
      nestedRowStart = tokenizer.start
    }
    defer { literalStart = tokenizer.end }
    switch place {
    case .skipping: return
    case .outside:
      if hasContainer, tokenizer.damage != nil, shape.isRow(name) {
        // After a container that ended too early.
        containerDepth = tokenizer.depth - (isEmpty ? 0 : 1)
        return try startInContainer(window, name, handler)
      }
      try startOutside(window, name)
    case .container: try startInContainer(window, name, handler)
    case .row:
      let meaning = meaning(name)
      if let other = Self.otherKind(meaning) { return rereadRow(as: other, &window) }
      if meaning == .unknown { summary.noteUnknown(name) }
      let slot = shape.place(name, after: slotIndex, meaning: meaning)
      if let slot { slotIndex = slot + 1 }
      let field = if case .field(let field) = meaning { Int(field.rawValue) } else { -1 }
      if isEmpty {
        if field >= 0, !fields.has(field) { fields.set(field, start: 0, end: 0, isSpecial: false) }
        if let slot, let literal = literal(window, from: literalStart) { shape.learnEmpty(slot, literal) }
        return
      }
      // Attributes may vary between rows: only a bare `<Name>` is predicted.
      let isBare = tokenizer.end - tokenizer.nameEnd == 1 && literalStart >= 0
      current = CurrentElement(
        field: field, slot: slot ?? -1, isRepeat: field >= 0 && fields.has(field), pieces: 0,
        openStart: isBare ? literalStart : -1, openEnd: tokenizer.end)
      place = .field
    case .field:
      // Markup inside a value is ignored.
      current.openStart = -1
      if meaning(name) == .unknown { summary.noteUnknown(name) }
      skip(isEmpty: isEmpty, from: .field)
    }
  }

  private mutating func startInContainer(
    _ window: borrowing TextWindow, _ name: UnsafeBufferPointer<UInt8>, _ handler: (borrowing PriceRow) throws -> Void
  ) throws {
    let isEmpty = tokenizer.isSelfClosing
    let meaning = meaning(name)
    guard case .row = meaning else {
      if meaning != .ignored { summary.noteUnknown(name) }
      return skip(isEmpty: isEmpty, from: .container)
    }
    rowStart = tokenizer.start
    fields.clear()
    slotIndex = 0
    if isEmpty { return try finishRow(window, end: tokenizer.end, handler) }
    place = .row
    shape.beginRow(name)
    if let literal = literal(window, from: literalStart) {
      shape.learnRowStart(literal)
      rowTagLength = tokenizer.end - tokenizer.start
    }
  }

  mutating func endTag(_ window: inout TextWindow, _ handler: (borrowing PriceRow) throws -> Void) throws {
    defer { literalStart = tokenizer.end }
    switch place {
    case .outside: header = nil
    case .skipping: if tokenizer.depth == skipDepth { place = placeBeforeSkip }
    case .container: place = .outside
    case .row:
      if !tokenizer.isImplied, let literal = literal(window, from: literalStart) { shape.learnRowEnd(literal) }
      place = .container
      try finishRow(window, end: tokenizer.end, handler)
    case .field:
      place = .row
      if current.field >= 0, !fields.has(current.field) {
        fields.set(current.field, start: 0, end: 0, isSpecial: false)
      }
      guard current.slot >= 0, current.openStart >= 0, !tokenizer.isImplied else { return }
      shape.learnOpen(
        current.slot,
        UnsafeBufferPointer(start: window.base + current.openStart, count: current.openEnd - current.openStart))
    }
  }

  mutating func text(_ window: borrowing TextWindow, isCDATA: Bool) {
    let piece = tokenizer.text(in: window)
    switch place {
    case .field:
      current.pieces += 1
      guard current.field >= 0, !current.isRepeat else { return }
      if current.pieces == 1, !isCDATA {
        fields.set(current.field, start: tokenizer.start, end: tokenizer.end, isSpecial: tokenizer.isSpecial)
      } else {
        fields.append(current.field, piece, isCDATA: isCDATA, base: window.base)
      }
    case .outside:
      guard let header else { return }
      noteHeader(header, piece)
    case .container, .row, .skipping:
      if isCDATA || !piece.allSatisfy(XMLNameByte.isBlank) { literalStart = -1 }
    }
  }

  private mutating func startOutside(
    _ window: borrowing TextWindow, _ name: UnsafeBufferPointer<UInt8>
  ) throws(FileDefect) {
    let isEmpty = tokenizer.isSelfClosing
    // Only the root is at depth 1.
    if tokenizer.depth == (isEmpty ? 0 : 1), !hasContainer,
      String(decoding: name, as: UTF8.self).lowercased() == "html"
    {
      throw window.defect(.notXMLOrHTML, code: "html", "the file is an HTML page", at: tokenizer.start)
    }
    let meaning = meaning(name)
    if let other = Self.otherKind(meaning) { return begin(other, name) }
    header = nil
    switch meaning {
    case .container:
      hasContainer = true
      if isEmpty { return }
      place = .container
      containerDepth = tokenizer.depth
    case .chainID, .chainName, .subChainID, .storeID: header = isEmpty ? nil : meaning
    default: break
    }
  }

  private mutating func meaning(_ name: UnsafeBufferPointer<UInt8>) -> ElementMeaning {
    evidence.note(name)
    return ElementNames.meaning(of: name)
  }

  private static func otherKind(_ meaning: ElementMeaning) -> PriceFileKind? {
    switch meaning {
    case .promotions: .promotions
    case .stores: .stores
    default: nil
    }
  }

  /// An apparent price row belongs to another kind, because the kinds share their containers: it is read again from its
  /// start.
  private mutating func rereadRow(as other: PriceFileKind, _ window: inout TextWindow) {
    window.position = rowStart
    isDamaged = false
    nestedRowStart = -1
    tokenizer.close(toDepth: containerDepth)
    summary.unknownElements = 0
    summary.unknownNames = [:]
    begin(other, nil)
  }

  private mutating func skip(isEmpty: Bool, from previous: Place) {
    if isEmpty { return }
    placeBeforeSkip = previous
    skipDepth = tokenizer.depth - 1
    place = .skipping
  }

  /// The bytes from the previous tag to the end of this one, when only blanks lie between.
  private func literal(_ window: borrowing TextWindow, from start: Int) -> UnsafeBufferPointer<UInt8>? {
    guard start >= 0, start <= tokenizer.start else { return nil }
    return UnsafeBufferPointer(start: window.base + start, count: tokenizer.end - start)
  }

  /// Identifiers in the root. The first of each counts: the rows of some files repeat them.
  private mutating func noteHeader(_ meaning: ElementMeaning, _ piece: UnsafeBufferPointer<UInt8>) {
    let text = String(decoding: piece.prefix(64), as: UTF8.self).filter { !$0.isWhitespace }
    switch meaning {
    case .chainName: if chainName.isEmpty { chainName = String(decoding: piece.prefix(256), as: UTF8.self) }
    case .chainID: if summary.chainID.isEmpty { summary.chainID = text }
    case .subChainID: if summary.subChainID.isEmpty { summary.subChainID = text }
    case .storeID: if summary.storeID.isEmpty { summary.storeID = text }
    default: break
    }
  }
}
