import Core
import PriceFiles

/// The days to request from a portal that lists by day: today in Israel and some days before it, because the last pass
/// of a day may have missed its last files.
struct ListingDays: Sendable {
  /// 0: the portal is asked without a date.
  var count: Int
  var zone: ZoneTable
  /// Seconds since 1970.
  var now = WallClock.seconds

  /// The row's option `days`, else `--listing-days`.
  /// - Throws: a configuration `Failure` for text that is not a number from 0 to 366.
  init(_ context: EngineContext) throws(Failure) {
    let written = context.option("days", default: "\(context.limits.days)")
    guard let count = Int(written), (0...366).contains(count) else {
      throw Failure(
        .configuration, code: "bad_source", "\(context.label): days: '\(written)' is not a number from 0 to 366")
    }
    self.count = count
    zone = context.zone
  }

  /// Newest first; a single nil stands for a query without a date.
  var dates: [CivilDate?] {
    guard count > 0 else { return [nil] }
    let now = now()
    let today = (now + Int64(zone.offsetSeconds(at: now))) / 86_400
    return (0..<Int64(count)).map { CivilDate(daysSinceEpoch: today - $0) }
  }
}

extension CivilDate {
  /// `23%2F08%2F2026`: day, month and year with percent-encoded slashes.
  var slashed: String {
    "\(zeroPadded(day, 2))%2F\(zeroPadded(month, 2))%2F\(year)"
  }
}
