import Synchronization

/// One condition of `/readyz`: a sink that answers, partitions that are assigned.
package final class ReadinessCondition: Sendable {
  package let name: String
  private let state = Mutex((ready: false, reason: "starting"))

  init(name: String) { self.name = name }

  /// - Parameter reason: for people, without secrets: why not, or what is fine.
  package func set(ready: Bool, reason: String = "") {
    state.withLock { $0 = (ready, reason) }
  }

  package var current: (ready: Bool, reason: String) { state.withLock { $0 } }
}
