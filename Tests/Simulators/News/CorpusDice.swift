import Core
import SimulatorServer
import Synchronization

/// Numbers that are a function of a seed.
struct CorpusDice {
  var state: UInt64

  init(seed: UInt64) { state = splitMix64(seed) }

  mutating func below(_ limit: Int) -> Int {
    state = splitMix64(state)
    return Int(state >> 33) % max(1, limit)
  }
}

/// The time of a corpus: what appears late or is withdrawn does so some seconds after the first question.
final class CorpusClock: Sendable {
  /// Seconds since 1970 of the corpus' time.
  let start: Int
  /// It runs from the first question on; otherwise it only moves when it is set.
  private let ticks: Bool
  private let state = Mutex((ahead: 0, first: Int?.none))

  init(start: Int, ticks: Bool) { (self.start, self.ticks) = (start, ticks) }

  func set(_ seconds: Int) { state.withLock { $0.ahead = seconds } }

  /// Seconds since the first question.
  var seconds: Int {
    let now = Int(WallClock.seconds())
    return state.withLock { state in
      state.first = state.first ?? now
      return (ticks ? now - (state.first ?? now) : 0) + state.ahead
    }
  }
}
