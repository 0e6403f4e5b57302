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
    let text = (0..<bytes.byteCount).map { bytes.byte($0) }[...]
    let (dot, comma) = (UInt8(ascii: "."), UInt8(ascii: ","))
    let unsigned = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? text.dropFirst() : text
    guard unsigned.allSatisfy({ $0 &- 0x30 < 10 || $0 == comma || $0 == dot }) else { return nil }
    let english = Self.ungrouped(text, fraction: dot, group: comma)
    var german = Self.ungrouped(text, fraction: comma, group: dot)
    // A single comma shows nothing.
    if unsigned.count(where: { $0 == comma || $0 == dot }) < 2, unsigned.contains(comma) {
      guard english == nil else { return nil }
      german = nil
    }
    guard let plain = english ?? german, let value = ExactDecimal(parsing: plain.span.bytes) else { return nil }
    self = value
  }

  /// The number in the form of JSON, its groups of three joined. Blanks, the narrow ones of UTF-8 included, and
  /// apostrophes separate groups too.
  /// - Parameters:
  ///   - fraction: the mark in front of the fraction.
  ///   - group: the mark between groups.
  /// - Returns: nil when it is not written so.
  package static func ungrouped(_ text: ArraySlice<UInt8>, fraction: UInt8, group: UInt8) -> [UInt8]? {
    var rest = text
    var plain: [UInt8] = []
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      if sign == UInt8(ascii: "-") { plain.append(sign) }
      rest = rest.dropFirst()
    }
    let whole = rest.prefix { $0 != fraction && $0 | 0x20 != UInt8(ascii: "e") }
    rest = rest[whole.endIndex...]
    var groups: [[UInt8]] = [[]]
    var place = whole.startIndex
    while place < whole.endIndex {
      if isDigit(whole[place]) {
        groups[groups.count - 1].append(whole[place])
        place += 1
      } else {
        guard let length = separatorLength(whole[place...], group) else { return nil }
        groups.append([])
        place += length
      }
    }
    guard groups.count == 1 || (1...3).contains(groups[0].count) && groups.dropFirst().allSatisfy({ $0.count == 3 })
    else { return nil }
    plain += groups[0].isEmpty ? [0x30] : groups.flatMap { $0 }
    var decimals: ArraySlice<UInt8> = []
    if rest.first == fraction {
      decimals = rest.dropFirst().prefix(while: isDigit)
      rest = rest.dropFirst(1 + decimals.count)
      if !decimals.isEmpty { plain += [UInt8(ascii: ".")] + decimals }
    }
    guard !groups[0].isEmpty || !decimals.isEmpty, rest.isEmpty || rest.first.map({ $0 | 0x20 }) == UInt8(ascii: "e")
    else { return nil }
    return plain + rest
  }

  private static func separatorLength(_ text: ArraySlice<UInt8>, _ group: UInt8) -> Int? {
    guard let first = text.first else { return nil }
    if first == group || first == 0x20 || first == UInt8(ascii: "'") { return 1 }
    for blank in [[0xc2, 0xa0], [0xe2, 0x80, 0xaf], [0xe2, 0x80, 0x89]] as [[UInt8]] where text.starts(with: blank) {
      return blank.count
    }
    return nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
