/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. `month` is 1...12; `day` may lie outside
/// its month and carries over.
///
/// Counts from 1 March, so that the leap day is the last of its year: 400 years have 146,097 days and the months
/// from March on start at day (153 m + 2) / 5. Source: E. G. Richards, "Calendars", in Explanatory Supplement to
/// the Astronomical Almanac, 3rd ed., ch. 15.
package func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int64 {
  let shifted = month <= 2 ? year - 1 : year
  let era = (shifted >= 0 ? shifted : shifted - 399) / 400
  let yearOfEra = shifted - era * 400
  let monthFromMarch = (month + 9) % 12
  let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return Int64(era) * 146_097 + Int64(dayOfEra) - 719_468
}

/// The date of a day counted from 1970-01-01: the inverse of `daysSinceEpoch`.
package func civilDate(daysSinceEpoch days: Int64) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = Int(shifted - era * 146_097)
  let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  let year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
  return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
}

/// 0 = Sunday ... 6 = Saturday. 1970-01-01 was a Thursday.
package func weekday(daysSinceEpoch days: Int64) -> Int {
  Int(((days + 4) % 7 + 7) % 7)
}

/// The UTC year of an instant.
package func civilYear(ofEpochSeconds seconds: Int64) -> Int {
  civilDate(daysSinceEpoch: seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400).year
}
