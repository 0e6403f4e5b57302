import Messages
import Synchronization
import Values

/// Remembers the last published value of every series.
package protocol StateStore: Sendable {
  /// - Throws: `RedisError`.
  func last(_ key: SeriesStateKey) async throws -> SeriesState?

  /// Records `state` unless a later one is recorded, atomically.
  /// - Returns: whether it was recorded.
  /// - Throws: `RedisError`; it may have been recorded.
  func record(_ state: SeriesState, _ key: SeriesStateKey) async throws -> Bool
}

/// `price:<country>:<material>` or `demand:<country>:<material>`, in routing words.
package struct SeriesStateKey: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  package init(_ kind: SeriesKind, _ series: RoutingKey) {
    text = "\(kind.rawValue):\(series.country):\(series.material)"
  }

  package var description: String { text }
}

/// The last published value of one series: last by event time, not by the order of fetching.
package struct SeriesState: Hashable, Sendable {
  package var observedAt: Timestamp
  package var value: ExactDecimal
  package var currency: String?
  package var unit: String?

  /// How an observation relates to the last published one.
  package enum Change: Hashable, Sendable {
    /// Of a later time, or the first.
    case new
    /// Another value of the same time.
    case corrected
    /// The same value of the same time.
    case unchanged
    /// The same value of a later time.
    case repeated
    /// Of an earlier time.
    case older
  }

  package static func change(from last: SeriesState?, to next: SeriesState) -> Change {
    guard let last else { return .new }
    if next.observedAt < last.observedAt { return .older }
    let isSame = next.value == last.value && next.currency == last.currency && next.unit == last.unit
    if next.observedAt == last.observedAt { return isSame ? .unchanged : .corrected }
    return isSame ? .repeated : .new
  }
}

extension SeriesState {
  package init(_ observation: CommodityObservation) {
    self.init(
      observedAt: observation.observedAt, value: observation.value, currency: observation.currency,
      unit: observation.unit)
  }
}

/// For runs without Redis: each process has its own state, and a restart publishes everything again.
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
}
