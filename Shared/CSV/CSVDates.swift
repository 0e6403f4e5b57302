import Values

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
