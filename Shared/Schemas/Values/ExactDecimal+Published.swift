extension ExactDecimal {
  /// Reads a number as portals publish it: what `init(parsing:)` reads, a sign `+`, a missing digit before or behind
  /// the point (`.90`, `5.`), and thousands in groups where two marks show which is which (`1,290.00`, `1.290,00`,
  /// `1,290,000`).
  /// - Returns: nil for anything else, and for a text that could be two numbers: `1,290`, `12,9`.
  package init?(published bytes: RawSpan) {
    if let plain = ExactDecimal(parsing: bytes) {
      self = plain
      return
    }
    guard 1...40 ~= bytes.byteCount else { return nil }
    var text = (0..<bytes.byteCount).map { bytes.byte($0) }[...]
    var plain: [UInt8] = []
    if let sign = text.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      if sign == UInt8(ascii: "-") { plain.append(sign) }
      text = text.dropFirst()
    }
    guard let (whole, fraction) = Self.halves(text), !(whole.isEmpty && fraction.isEmpty) else { return nil }
    plain += whole.isEmpty ? [0x30] : whole
    if !fraction.isEmpty { plain += [UInt8(ascii: ".")] + fraction }
    guard let value = ExactDecimal(parsing: plain.span.bytes) else { return nil }
    self = value
  }

  /// The digits on both sides of the point, whichever mark it is.
  private static func halves(_ text: ArraySlice<UInt8>) -> (whole: [UInt8], fraction: [UInt8])? {
    let (comma, dot) = (UInt8(ascii: ","), UInt8(ascii: "."))
    guard text.allSatisfy({ $0 &- 0x30 < 10 || $0 == comma || $0 == dot }) else { return nil }
    let marks = text.indices.filter { text[$0] == comma || text[$0] == dot }
    guard let last = marks.last else { return (Array(text), []) }
    let groupMarks = Set(marks.dropLast().map { text[$0] })
    let behind = text[(last + 1)...]
    if marks.count == 1 {
      guard text[last] == dot else { return nil }
      return (Array(text[..<last]), Array(behind))
    }
    guard groupMarks.count == 1 else { return nil }
    if groupMarks.contains(text[last]) {
      // Nothing but groups: no other reading has two marks of a kind.
      return groups(text).map { ($0, []) }
    }
    return groups(text[..<last]).map { ($0, Array(behind)) }
  }

  /// The digits of `1,290,000`; nil unless the first group has one to three and the others have three.
  private static func groups(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let parts = text.split(omittingEmptySubsequences: false) { $0 &- 0x30 >= 10 }
    guard 1...3 ~= parts[0].count, parts.dropFirst().allSatisfy({ $0.count == 3 }) else { return nil }
    return Array(parts.joined())
  }
}
