import Values

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

  /// Whether a text stands for no value.
  package static func isAbsent(_ text: String) -> Bool { absent.contains(text.lowercased()) }

  /// Suffixes that abbreviate large numbers, as powers of ten.
  private static let suffixes: [UInt8: Int] = [
    UInt8(ascii: "k"): 3, UInt8(ascii: "m"): 6, UInt8(ascii: "b"): 9, UInt8(ascii: "t"): 12,
  ]

  /// True for a number whose decimal mark can only be a point, which then holds for the whole file.
  package static func isEvidentlyPoint(_ cell: ArraySlice<UInt8>) -> Bool {
    cell.contains(UInt8(ascii: ".")) && plain(cell, .point) != nil && plain(cell, .comma) == nil
  }

  package func read(_ cell: ArraySlice<UInt8>) -> Reading {
    // Most numbers are plain.
    if mark != .comma, let exact = cell.withUnsafeBytes({ ExactDecimal(parsing: $0.bytes) }) { return .number(exact) }
    if cell.count <= 4, Self.isAbsent(String(decoding: cell, as: UTF8.self)) { return .absent }
    var digits = cell
    var power = 0
    if let last = digits.last, let suffix = Self.suffixes[last | 0x20] {
      power = suffix
      digits = digits.dropLast()
      while digits.last == 0x20 { digits = digits.dropLast() }
    }
    let point = Self.plain(digits, .point)
    let comma = Self.plain(digits, .comma)
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

  private static func plain(_ text: ArraySlice<UInt8>, _ mark: Mark) -> [UInt8]? {
    let (dot, comma) = (UInt8(ascii: "."), UInt8(ascii: ","))
    return mark == .point
      ? ExactDecimal.ungrouped(text, fraction: dot, group: comma)
      : ExactDecimal.ungrouped(text, fraction: comma, group: dot)
  }

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
