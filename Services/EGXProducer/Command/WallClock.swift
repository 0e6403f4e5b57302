import Glibc
import Schemas

/// The time now, UTC.
package enum WallClock {
  /// Seconds since 1970.
  package static let seconds: @Sendable () -> Int64 = { Int64(time(nil)) }

  /// To the microsecond.
  package static let local: @Sendable () -> LocalDateTime = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return LocalDateTime(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000) ?? .epoch
  }
}
