import Foundation
import Glibc

/// CPU time of the calling thread, so that a figure "per core" holds on a busy machine.
struct CPUClock {
  private let start = CPUClock.now()

  /// Seconds since the clock was made.
  var seconds: Double { CPUClock.now() - start }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// Calls `body` for about `seconds` of CPU time, three times, and returns the median of calls per second.
func rate(seconds: Double, _ body: () throws -> Void) rethrows -> Double {
  var batch = 1
  // The batch grows until the cost of reading the clock is negligible.
  while true {
    let clock = CPUClock()
    for _ in 0..<batch { try body() }
    if clock.seconds > seconds / 20 { break }
    batch *= 2
  }
  var rates: [Double] = []
  for _ in 0..<3 {
    let clock = CPUClock()
    var calls = 0
    repeat {
      for _ in 0..<batch { try body() }
      calls += batch
    } while clock.seconds < seconds / 3
    rates.append(Double(calls) / clock.seconds)
  }
  return rates.sorted()[1]
}

func pad(_ text: String) -> String { text.padding(toLength: 24, withPad: " ", startingAt: 0) }
