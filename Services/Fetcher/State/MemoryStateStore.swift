import Synchronization

/// For runs without Redis: each process remembers for itself, and a restart publishes everything once more.
package final class MemoryStateStore: StateStore {
  private let states = Mutex<[SeriesStateKey: SeriesState]>([:])

  package init() {}

  package func last(_ key: SeriesStateKey) -> SeriesState? { states.withLock { $0[key] } }

  package func record(_ state: SeriesState, _ key: SeriesStateKey) -> Bool {
    states.withLock { states in
      if let last = states[key], state.observedAt < last.observedAt { return false }
      states[key] = state
      return true
    }
  }

  package func check() {}
}
