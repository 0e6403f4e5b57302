import Core
import Glibc
import Values

/// A calendar feature of a period's time, in UTC. Sine and cosine pairs have no jump at the end of a day, week or year.
package enum CalendarFeature: String, CaseIterable, Hashable, Sendable {
  /// 1...12
  case month
  /// 1...31
  case day
  /// 0 (Monday) ... 6
  case weekday
  /// 0...23
  case hour
  case yearSine = "year_sin"
  case yearCosine = "year_cos"
  case weekSine = "week_sin"
  case weekCosine = "week_cos"
  case daySine = "day_sin"
  case dayCosine = "day_cos"

  package func value(at time: Timestamp) -> Double {
    let seconds = time.microseconds.flooredDivision(by: 1_000_000).quotient
    let (days, second) = seconds.flooredDivision(by: 86_400)
    let secondOfDay = Double(second)
    // 1970-01-01 was a Thursday.
    let weekday = (days + 3).flooredDivision(by: 7).remainder
    switch self {
    case .weekday: return Double(weekday)
    case .hour: return (secondOfDay / 3_600).rounded(.down)
    case .weekSine: return sin(2 * .pi * Double(weekday) / 7)
    case .weekCosine: return cos(2 * .pi * Double(weekday) / 7)
    case .daySine: return sin(2 * .pi * secondOfDay / 86_400)
    case .dayCosine: return cos(2 * .pi * secondOfDay / 86_400)
    case .month, .day, .yearSine, .yearCosine: break
    }
    let civil = (time.at(offsetMinutes: 0) ?? time).civil
    switch self {
    case .month: return Double(civil.month)
    case .day: return Double(civil.day)
    case .yearSine: return sin(2 * .pi * Self.dayOfYear(civil) / 365.25)
    default: return cos(2 * .pi * Self.dayOfYear(civil) / 365.25)
    }
  }

  /// 0 for 1 January.
  private static func dayOfYear(_ civil: Timestamp.Civil) -> Double {
    var days = civil.day - 1
    for month in 1..<civil.month { days += CivilDate.days(in: month, of: civil.year) }
    return Double(days)
  }
}
