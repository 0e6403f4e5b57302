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
