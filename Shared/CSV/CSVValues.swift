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

/// Reads dates by a pattern such as `MM/DD/YYYY`, `DD.MM.YY hh:mm` or `MMM DD, YYYY`: `YYYY` or `YY` (1970 to 2069),
/// `MM` or the English `MMM`, `DD`, `hh`, `mm`, `ss`; any other character stands for itself. Leading zeros may be
/// missing.
package struct CSVDates: Hashable, Sendable {
  private enum Part: Hashable, Sendable {
    case year, shortYear, month, monthName, day, hour, minute, second
    case literal(UInt8)
  }

  package let pattern: String
  private let parts: [Part]

  /// - Returns: nil for a pattern without a year, a month and a day, each once.
  package init?(_ pattern: String) {
    self.pattern = pattern
    var parts: [Part] = []
    var rest = Array(pattern.utf8)[...]
    while let first = rest.first {
      let run = rest.prefix { $0 == first }.count
      rest = rest.dropFirst(run)
      // Many people write minutes like months, `MM`; after an hour it means minutes.
      let isMinute = first == UInt8(ascii: "m") && parts.contains(.hour)
      switch (first | 0x20, run) {
      case (UInt8(ascii: "y"), 4): parts.append(.year)
      case (UInt8(ascii: "y"), 2): parts.append(.shortYear)
      case (UInt8(ascii: "m"), 3): parts.append(.monthName)
      case (UInt8(ascii: "m"), 1...2): parts.append(isMinute ? .minute : .month)
      case (UInt8(ascii: "d"), 1...2): parts.append(.day)
      case (UInt8(ascii: "h"), 1...2): parts.append(.hour)
      case (UInt8(ascii: "s"), 1...2): parts.append(.second)
      default: parts += Array(repeating: .literal(first), count: run)
      }
    }
    func count(_ wanted: Part...) -> Int { parts.count { wanted.contains($0) } }
    guard count(.year, .shortYear) == 1, count(.month, .monthName) == 1, count(.day) == 1, count(.hour) <= 1,
      count(.minute) <= 1, count(.second) <= 1
    else { return nil }
    self.parts = parts
  }

  package var hasTimeOfDay: Bool { parts.contains(.hour) }

  /// - Returns: nil for text of another form, and for a day that does not exist.
  package func read(_ text: ArraySlice<UInt8>) -> LocalDateTime? {
    var rest = text
    var values: [Part: Int] = [:]
    for part in parts {
      switch part {
      case .literal(let byte):
        guard rest.popFirst() == byte else { return nil }
      case .monthName:
        let name = String(decoding: rest.prefix(3), as: UTF8.self).lowercased()
        guard let month = Self.months.firstIndex(of: name) else { return nil }
        values[.month] = month + 1
        rest = rest.dropFirst(3)
      default:
        let digits = rest.prefix(part == .year ? 4 : 2).prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty, digits.count == 4 || part != .year, digits.count == 2 || part != .shortYear else {
          return nil
        }
        values[part] = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        rest = rest.dropFirst(digits.count)
      }
    }
    guard rest.isEmpty, let year = values[.year] ?? values[.shortYear].map({ $0 < 70 ? 2_000 + $0 : 1_900 + $0 }),
      let month = values[.month], let day = values[.day]
    else { return nil }
    return LocalDateTime(
      year: year, month: month, day: day, hour: values[.hour] ?? 0, minute: values[.minute] ?? 0,
      second: values[.second] ?? 0)
  }

  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]
}
