/// Daylight saving time as a yearly rule: the `TZ` text of POSIX (Base Definitions, 8.3), with the hours beyond
/// 24 that RFC 8536 allows. Example: `IST-2IDT,M3.4.4/26,M10.5.0`.
struct ZoneRule {
  /// Seconds east of UTC.
  var standard: Int32
  var daylight: Int32
  var start: Day
  var end: Day

  enum Date {
    /// 1...365, 29 February is never counted.
    case julian(Int)
    /// 0...365, 29 February is counted.
    case ordinal(Int)
    /// `week` 5 means the last such weekday of the month.
    case weekday(month: Int, week: Int, weekday: Int)
  }

  struct Day {
    var date: Date
    /// Seconds after midnight by the clock in force before the change; may be negative or exceed a day.
    var seconds: Int64

    func civilSeconds(in year: Int) -> Int64 {
      let january = CivilDate.daysSinceEpoch(year: year, month: 1, day: 1)
      let days: Int64
      switch date {
      case .ordinal(let day): days = january + Int64(day)
      case .julian(let day):
        let isLeap = CivilDate.daysSinceEpoch(year: year, month: 3, day: 1) - january == 60
        days = january + Int64(day - 1) + (isLeap && day >= 60 ? 1 : 0)
      case .weekday(let month, let week, let weekday):
        let first = CivilDate.daysSinceEpoch(year: year, month: month, day: 1)
        let next = CivilDate.daysSinceEpoch(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
        let offset = (weekday - CivilDate.weekday(daysSinceEpoch: first) + 7) % 7
        var day = first + Int64(offset + 7 * (week - 1))
        if day >= next { day -= 7 }
        days = day
      }
      return days * 86_400 + seconds
    }
  }

  /// The two changes of a year, in the order in which they happen.
  func transitions(in year: Int) -> [ZoneTable.Transition] {
    let toDaylight = ZoneTable.Transition(
      epochSeconds: start.civilSeconds(in: year) - Int64(standard), offset: daylight)
    let toStandard = ZoneTable.Transition(epochSeconds: end.civilSeconds(in: year) - Int64(daylight), offset: standard)
    return toDaylight.epochSeconds < toStandard.epochSeconds ? [toDaylight, toStandard] : [toStandard, toDaylight]
  }

  /// - Returns: nil for text that is no rule; a nil `rule` for a zone without daylight saving time.
  static func parse(_ text: ArraySlice<UInt8>) -> (standard: Int32, rule: ZoneRule?)? {
    var text = Scanner(rest: text)
    guard text.name(), let west = text.time() else { return nil }
    let standard = Int32(-west)
    if text.rest.isEmpty { return (standard, nil) }
    guard text.name() else { return nil }
    var daylight = standard + 3_600
    if text.rest.first != UInt8(ascii: ",") {
      guard let west = text.time() else { return nil }
      daylight = Int32(-west)
    }
    guard text.accept(","), let start = text.day(), text.accept(","), let end = text.day(), text.rest.isEmpty
    else { return nil }
    return (standard, ZoneRule(standard: standard, daylight: daylight, start: start, end: end))
  }

  private struct Scanner {
    var rest: ArraySlice<UInt8>

    mutating func accept(_ character: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: character) else { return false }
      rest.removeFirst()
      return true
    }

    mutating func name() -> Bool {
      if accept("<") {
        while let byte = rest.popFirst() { if byte == UInt8(ascii: ">") { return true } }
        return false
      }
      let letters = rest.prefix { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
      rest = rest.dropFirst(letters.count)
      return letters.count >= 3
    }

    mutating func number() -> Int? {
      let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
      guard !digits.isEmpty, digits.count <= 4 else { return nil }
      rest = rest.dropFirst(digits.count)
      return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int64? {
      let sign: Int64 = accept("-") ? -1 : 1
      if sign > 0 { _ = accept("+") }
      guard let hours = number(), hours <= 167 else { return nil }
      var seconds = Int64(hours) * 3_600
      for unit in [60, 1] as [Int64] where accept(":") {
        guard let part = number(), part < 60 else { return nil }
        seconds += Int64(part) * unit
      }
      return sign * seconds
    }

    mutating func day() -> Day? {
      let date: Date
      if accept("M") {
        guard let month = number(), (1...12).contains(month), accept("."), let week = number(),
          (1...5).contains(week), accept("."), let weekday = number(), (0...6).contains(weekday)
        else { return nil }
        date = .weekday(month: month, week: week, weekday: weekday)
      } else if accept("J") {
        guard let day = number(), (1...365).contains(day) else { return nil }
        date = .julian(day)
      } else {
        guard let day = number(), (0...365).contains(day) else { return nil }
        date = .ordinal(day)
      }
      guard accept("/") else { return Day(date: date, seconds: 7_200) }
      guard let seconds = time() else { return nil }
      return Day(date: date, seconds: seconds)
    }
  }
}
