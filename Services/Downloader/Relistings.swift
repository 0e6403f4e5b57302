import Runtime
import Synchronization

/// How often each file was sent back to be listed again. The header of a record says it too, where the crawler
/// passes it on; this is for crawlers that list a portal without remembering why.
final class Relistings: Sendable {
  private struct State {
    var counts: [[UInt8]: (count: Int, last: UInt64)] = [:]
    var clock: UInt64 = 0
  }
  private let state = Mutex(State())
  private let capacity: Int

  init(capacity: Int = 16_384) { self.capacity = capacity }

  func count(_ name: [UInt8]) -> Int { state.withLock { $0.counts[name]?.count ?? 0 } }

  func note(_ name: [UInt8], count: Int) {
    state.withLock { state in
      state.clock += 1
      if state.counts[name] == nil, state.counts.count >= capacity,
         let oldest = state.counts.min(by: { $0.value.last < $1.value.last })?.key {
        state.counts[oldest] = nil
      }
      state.counts[name] = (count, state.clock)
    }
  }

  func forget(_ name: [UInt8]) { state.withLock { $0.counts[name] = nil } }
}
