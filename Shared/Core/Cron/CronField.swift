/// One of the five fields of a cron expression: its range and its notation.
enum CronField: Int, CaseIterable {
  case minute, hour, day, month, weekday

  var range: ClosedRange<Int> {
    switch self {
    case .minute: 0...59
    case .hour: 0...23
    case .day: 1...31
    case .month: 1...12
    // 7 is Sunday too.
    case .weekday: 0...7
    }
  }

  var title: String {
    switch self {
    case .minute: "minute"
    case .hour: "hour"
    case .day: "day of the month"
    case .month: "month"
    case .weekday: "day of the week"
    }
  }

  /// Names of the values, starting at the first one.
  var names: [String] {
    switch self {
    case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    case .weekday: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    default: []
    }
  }

  /// The values that a field matches, as bits.
  /// - Throws: what is wrong with it.
  func bits(_ text: Substring) throws(CronError) -> UInt64 {
    var bits: UInt64 = 0
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "/", omittingEmptySubsequences: false)
      guard sides.count <= 2, let span = sides.first, !span.isEmpty else {
        throw wrong(part, "a value, a range or a step such as */15 is expected")
      }
      var step = 1
      if sides.count == 2 {
        guard let read = Self.number(sides[1]), read >= 1, read <= range.upperBound else {
          throw wrong(part, "a step from 1 to \(range.upperBound) is expected behind '/'")
        }
        step = read
      }
      let values = try values(span, hasStep: sides.count == 2)
      for value in stride(from: values.lowerBound, through: values.upperBound, by: step) {
        bits |= 1 << UInt64(self == .weekday && value == 7 ? 0 : value)
      }
    }
    return bits
  }

  /// `*`, `4`, `4-8`; a single value with a step runs to the end of the range.
  private func values(_ text: Substring, hasStep: Bool) throws(CronError) -> ClosedRange<Int> {
    if text == "*" { return self == .weekday ? 0...6 : range }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count <= 2, let first = value(ends[0]) else { throw wrong(text, expectation) }
    guard ends.count == 2 else { return first...(hasStep ? (self == .weekday ? 6 : range.upperBound) : first) }
    guard let last = value(ends[1]) else { throw wrong(ends[1], expectation) }
    guard first <= last else { throw wrong(text, "the range ends before it begins; write it as two, with a comma") }
    return first...last
  }

  private func value(_ text: Substring) -> Int? {
    if let index = names.firstIndex(of: text.lowercased()) { return range.lowerBound + index }
    guard let number = Self.number(text), range.contains(number) else { return nil }
    return number
  }

  private static func number(_ text: Substring) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }

  private var expectation: String {
    let named = names.first.map { " or a name such as \($0)" } ?? ""
    return "\(range.lowerBound) to \(range.upperBound)\(named) is expected"
  }

  private func wrong(_ part: Substring, _ what: String) -> CronError {
    CronError(description: "\(title) (field \(rawValue + 1)): '\(part)': \(what)")
  }
}

/// What is wrong with a cron expression, and in which field.
package struct CronError: Error, Hashable, CustomStringConvertible {
  package var description: String
}
