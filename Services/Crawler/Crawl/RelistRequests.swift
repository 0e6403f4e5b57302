import Runtime
import Synchronization

/// Wakes the loop of a chain that has to be listed again before its time: the link to one of its files expired.
///
/// Requests for one chain that come close together are one pass, and a pass is never begun sooner than `rest` after
/// the one before.
package final class RelistRequests: Sendable {
  private struct State {
    /// Sources that were asked for since their last pass.
    var pending: Set<String> = []
    /// The bells of sources that sleep.
    var bells: [String: Interruption] = [:]
    /// Which source announces a chain that is not named like it.
    var sources: [String: String] = [:]
  }
  private let state = Mutex(State())
  private let rest: Duration

  package init(rest: Duration = .seconds(15)) { self.rest = rest }

  /// The chain's source is passed over soon. A chain of no source here is somebody else's.
  package func request(_ chain: String) {
    state.withLock { state in
      let source = state.sources[chain] ?? chain
      state.pending.insert(source)
      return state.bells[source]
    }?.raise()
  }

  /// Which source the chain's files come from, as far as is known here.
  func source(of chain: String) -> String { state.withLock { $0.sources[chain] ?? chain } }

  /// Files of `chain` come from `source`.
  func learn(_ chain: String, from source: String) {
    guard chain != source else { return }
    state.withLock { $0.sources[chain] = source }
  }

  /// A pass begins: what was asked for until now is answered by it.
  func passBegins(_ source: String) { state.withLock { _ = $0.pending.remove(source) } }

  /// Sleeps for `delay`, or for less when the source is asked for.
  /// - Returns: true when the drain was raised.
  func sleep(_ source: String, for delay: Duration, drain: Interruption) async -> Bool {
    let rest = min(rest, delay)
    if await drain.sleep(for: rest) { return true }
    let bell = Interruption()
    let isAsked = state.withLock { state in
      state.bells[source] = bell
      return state.pending.contains(source)
    }
    defer { state.withLock { $0.bells[source] = nil } }
    if isAsked || delay <= rest { return drain.isRaised }
    return await withTaskGroup(of: Void.self) { group in
      group.addTask { _ = await drain.sleep(for: delay - rest) }
      group.addTask { await bell.wait() }
      await group.next()
      group.cancelAll()
      return drain.isRaised
    }
  }
}
