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
    let seconds = Self.floored(time.microseconds, 1_000_000)
    let days = Self.floored(seconds, 86_400)
    let secondOfDay = Double(seconds - days * 86_400)
    // 1970-01-01 was a Thursday.
    let weekday = Int((days + 3) - Self.floored(days + 3, 7) * 7)
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

  private static func floored(_ number: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
