import Runtime
import Synchronization

/// One condition of `/readyz`: a sink that answers, partitions that are assigned.
package final class ReadinessCondition: Sendable {
  package let name: String
  private let state = Mutex((ready: false, reason: "starting"))

  init(name: String) { self.name = name }

  /// - Parameter reason: for anyone who can reach the port, in our own words: why not, or what is fine.
  package func set(ready: Bool, reason: String = "") {
    state.withLock { $0 = (ready, reason) }
  }

  /// Not ready because of `error`, of which only the code is shown: the log says the rest.
  package func failed(_ error: any Error, at step: String? = nil) {
    set(ready: false, reason: (step.map { "\($0): " } ?? "") + publicCode(of: error))
  }

  package var current: (ready: Bool, reason: String) { state.withLock { $0 } }
}
