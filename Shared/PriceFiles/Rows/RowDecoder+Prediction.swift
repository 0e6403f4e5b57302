extension RowDecoder {
  /// Reads elements and whole rows as long as they are where the shape says; stops in front of the first that is
  /// not, for the tokenizer to read.
  ///
  /// Gives the same result as the tokenizer by construction: it consumes only `<Name>text</Name>`, `<Name/>` and
  /// the row's own tags, byte for byte as the tokenizer has accepted them before.
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
        // The next row begins: the row's name stays the innermost open element.
        try finishRow(window, end: rowEnd, handler)
        position = next
        // Where the tag itself begins, as when the tokenizer reads it.
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
