import Schemas

/// Numbers as exports write them: `28,653.85`, `247.02M`, `.90`, and `1.234,56` if the decimal mark is declared.
package struct CSVNumbers: Hashable, Sendable {
  /// The decimal mark. Nil: a point, and an ambiguous number is refused.
  package enum Mark: String, CaseIterable, Hashable, Sendable { case point, comma }

  package enum Reading: Hashable, Sendable {
    /// Empty, or a word that stands for no value.
    case absent
    case number(ExactDecimal)
    /// With a hint of what would help; may be empty.
    case unreadable(hint: String)
  }

  package var mark: Mark?

  package init(mark: Mark? = nil) { self.mark = mark }

  private static let absent: Set<String> = [
    "", ".", "-", "--", "n/a", "na", "nan", "null", "none", "nil", "nd", "#n/a",
  ]
  /// Suffixes that abbreviate large numbers, as powers of ten.
  private static let suffixes: [UInt8: Int] = [
    UInt8(ascii: "k"): 3, UInt8(ascii: "m"): 6, UInt8(ascii: "b"): 9, UInt8(ascii: "t"): 12,
  ]

  /// True for a number whose decimal mark can only be a point, which then holds for the whole file.
  package static func isEvidentlyPoint(_ cell: ArraySlice<UInt8>) -> Bool {
    cell.contains(UInt8(ascii: ".")) && plain(cell, fraction: UInt8(ascii: "."), group: UInt8(ascii: ",")) != nil
      && plain(cell, fraction: UInt8(ascii: ","), group: UInt8(ascii: ".")) == nil
  }

  package func read(_ cell: ArraySlice<UInt8>) -> Reading {
    // Most numbers are plain.
    if mark != .comma, let exact = cell.withUnsafeBytes({ ExactDecimal(parsing: $0.bytes) }) { return .number(exact) }
    if cell.count <= 4, Self.absent.contains(String(decoding: cell, as: UTF8.self).lowercased()) { return .absent }
    var digits = cell
    var power = 0
    if let last = digits.last, let suffix = Self.suffixes[last | 0x20] {
      power = suffix
      digits = digits.dropLast()
      while digits.last == 0x20 { digits = digits.dropLast() }
    }
    let point = Self.plain(digits, fraction: UInt8(ascii: "."), group: UInt8(ascii: ","))
    let comma = Self.plain(digits, fraction: UInt8(ascii: ","), group: UInt8(ascii: "."))
    let chosen: [UInt8]?
    switch mark {
    case .point: chosen = point
    case .comma: chosen = comma
    case nil:
      if point != nil, comma != nil, point != comma, digits.contains(UInt8(ascii: ",")) {
        return .unreadable(hint: "it is ambiguous; declare whether the decimal mark is a point or a comma")
      }
      if point == nil, comma != nil {
        return .unreadable(hint: "its decimal mark seems to be a comma, which has to be declared")
      }
      chosen = point
    }
    guard let chosen, let number = ExactDecimal(approximating: chosen.span.bytes),
      let scaled = power == 0 ? number : Self.scaled(number, power)
    else { return .unreadable(hint: "") }
    return .number(scaled)
  }

  /// The number in JSON's form, without group separators.
  /// - Returns: nil for text of another form.
  private static func plain(_ text: ArraySlice<UInt8>, fraction: UInt8, group: UInt8) -> [UInt8]? {
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

  /// Spaces (no-break and narrow ones too) and apostrophes separate groups with either mark.
  private static func separatorLength(_ text: ArraySlice<UInt8>, _ group: UInt8) -> Int? {
    guard let first = text.first else { return nil }
    if first == group || first == 0x20 || first == UInt8(ascii: "'") { return 1 }
    for blank in [[0xc2, 0xa0], [0xe2, 0x80, 0xaf], [0xe2, 0x80, 0x89]] as [[UInt8]] where text.starts(with: blank) {
      return blank.count
    }
    return nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func scaled(_ number: ExactDecimal, _ power: Int) -> ExactDecimal? {
    let scale = Int(number.scale) - power
    if scale >= 0 { return ExactDecimal(mantissa: number.mantissa, scale: scale) }
    var mantissa = number.mantissa
    for _ in scale..<0 {
      let (product, isTooLarge) = mantissa.multipliedReportingOverflow(by: 10)
      if isTooLarge { return nil }
      mantissa = product
    }
    return ExactDecimal(mantissa: mantissa, scale: 0)
  }
}
