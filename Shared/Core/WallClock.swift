import Glibc

/// The machine's clock: the time since 1970 in UTC.
package enum WallClock {
  package static let microseconds: @Sendable () -> Int64 = {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
  }
  /// As Kafka stamps records.
  package static let milliseconds: @Sendable () -> Int64 = { microseconds() / 1_000 }
  package static let seconds: @Sendable () -> Int64 = { Int64(time(nil)) }
}
