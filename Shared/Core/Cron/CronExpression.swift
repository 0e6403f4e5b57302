/// A cron expression: minute, hour, day of the month, month, day of the week.
///
/// Fields hold `*`, values, ranges, lists and steps: `*/15`, `8-18/2`, `mon-fri`, `1,15`. Sunday is 0 or 7. When both
/// day fields are restricted, a day that fits either of them fits, as in every cron since Vixie's. `@hourly`,
/// `@daily`, `@weekly`, `@monthly` and `@yearly` stand for what they say.
package struct CronExpression: Hashable, Sendable, CustomStringConvertible {
  /// As written.
  package let description: String
  let minutes: UInt64
  let hours: UInt64
  let days: UInt64
  let months: UInt64
  let weekdays: UInt64
  /// Both day fields are restricted, so that either may match.
  let isEitherDay: Bool

  private static let names = [
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
  ]

  /// - Throws: what is wrong in which field; also for an expression that never matches.
  package init(_ text: String) throws(CronError) {
    let fields = (Self.names[text] ?? text).split(omittingEmptySubsequences: true) { $0 == " " || $0 == "\t" }
    guard fields.count == CronField.allCases.count else {
      let what = text.hasPrefix("@") ? "'\(text)' is none of \(Self.names.keys.sorted().joined(separator: ", "))"
        : "\(fields.count) fields; minute, hour, day of the month, month and day of the week are expected"
      throw CronError(description: what)
    }
    description = text
    minutes = try CronField.minute.bits(fields[0])
    hours = try CronField.hour.bits(fields[1])
    days = try CronField.day.bits(fields[2])
    months = try CronField.month.bits(fields[3])
    weekdays = try CronField.weekday.bits(fields[4])
    let isAnyDay = fields[2].hasPrefix("*"), isAnyWeekday = fields[4].hasPrefix("*")
    isEitherDay = !isAnyDay && !isAnyWeekday
    guard isEitherDay || Self.exists(days, months) else {
      throw CronError(description: "'\(text)' never matches: none of the months has such a day")
    }
  }

  private static func exists(_ days: UInt64, _ months: UInt64) -> Bool {
    let longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return longest.enumerated().contains { month, length in
      months >> UInt64(month + 1) & 1 == 1 && days & ((1 << UInt64(length + 1)) - 1) != 0
    }
  }

  /// - Parameter day: days since 1970-01-01.
  func fits(day: Int64) -> Bool {
    let date = CivilDate(daysSinceEpoch: day)
    guard months >> UInt64(date.month) & 1 == 1 else { return false }
    let fitsDay = days >> UInt64(date.day) & 1 == 1
    let fitsWeekday = weekdays >> UInt64(CivilDate.weekday(daysSinceEpoch: day)) & 1 == 1
    return isEitherDay ? fitsDay || fitsWeekday : fitsDay && fitsWeekday
  }
}
