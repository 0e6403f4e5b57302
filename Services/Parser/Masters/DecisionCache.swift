import Masters
import Synchronization

/// What was decided about names, so that the same name of a chain is not compared again in every store and every day.
/// Bounded: the older half goes when the newer half is full.
package final class DecisionCache: Sendable {
  /// Of a row: who sells what by which name, as a hash. Decided by one model.
  struct Key: Hashable, Sendable {
    var row: UInt64
    var code: UInt64
  }
  enum Decision: Hashable, Sendable {
    case same(MasterKey, probability: Float)
    /// Not likely enough to be taken, likely enough to be looked at.
    case perhaps(MasterKey, probability: Float)
    case new

    var master: MasterKey? {
      switch self {
      case .same(let master, _), .perhaps(let master, _): master
      case .new: nil
      }
    }
  }
  private struct Entry {
    var decision: Decision
    /// Of the index, when it was decided.
    var revision: UInt32
  }
  private struct State {
    var version = ""
    var recent: [Key: Entry] = [:]
    var older: [Key: Entry] = [:]
    /// Names of masters that are known to the index, so that a row with a GTIN is not compared either.
    var recentNames: Set<Key> = []
    var olderNames: Set<Key> = []
  }
  private let state = Mutex(State())
  private let half: Int

  /// - Parameter capacity: decisions, and as many names of masters.
  package init(capacity: Int) { half = max(1, capacity / 2) }

  /// - Parameter isCurrent: whether no merge concerns the master since that revision of the index.
  func decision(_ key: Key, by version: String, isCurrent: (MasterKey, UInt32) -> Bool) -> Decision? {
    state.withLock { state in
      guard state.version == version else { return nil }
      guard let found = state.recent[key] ?? state.older[key] else { return nil }
      if let master = found.decision.master, !isCurrent(master, found.revision) { return nil }
      if state.recent[key] == nil { keep(found, key, &state) }
      return found.decision
    }
  }

  /// What another model decided is forgotten.
  /// - Parameter revision: of the index that was asked.
  func keep(_ decisions: [(Key, Decision)], by version: String, revision: UInt32) {
    state.withLock { state in
      if state.version != version {
        (state.version, state.recent, state.older) = (version, [:], [:])
      }
      for (key, decision) in decisions { keep(Entry(decision: decision, revision: revision), key, &state) }
    }
  }

  private func keep(_ entry: Entry, _ key: Key, _ state: inout State) {
    if state.recent.count >= half { (state.older, state.recent) = (state.recent, [:]) }
    state.recent[key] = entry
  }

  func isKnown(name key: Key) -> Bool {
    state.withLock { $0.recentNames.contains(key) || $0.olderNames.contains(key) }
  }

  func know(name key: Key) {
    state.withLock { state in
      if state.recentNames.count >= half { (state.olderNames, state.recentNames) = (state.recentNames, []) }
      state.recentNames.insert(key)
    }
  }
}
