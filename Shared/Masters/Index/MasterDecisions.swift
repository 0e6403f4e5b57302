import Messages

/// The decisions in force about masters, and what follows from them: which master stands for several, and which
/// products of chains a split takes away. Depends only on the set of decisions, never on the order they came in.
/// db-writer resolves its tables by the same rules (`DecisionSQL`).
struct MasterDecisions {
  private struct Merge {
    var decision: String
    /// Of the two, whether this side is the one that was merged into the other.
    var isMerged: Bool
    var other: MasterKey
  }
  private struct Split {
    var decision: MasterDecision
    var into: MasterKey
  }
  private struct Part: Hashable {
    var master: MasterKey
    var product: MasterDecision.Product
  }

  private var merges: [MasterKey: [Merge]] = [:]
  private var splits: [Part: [Split]] = [:]
  /// Masters that another one stands for.
  private var survivors: [MasterKey: MasterKey] = [:]
  /// When what a master stands for changed last: the number of the change.
  private var changes: [MasterKey: UInt32] = [:]
  /// Of changes so far.
  private(set) var revision: UInt32 = 0
  /// Decisions that were undone: their records without the undoing come too late.
  private var undone: Set<String> = []

  var hasMerges: Bool { !survivors.isEmpty }
  var hasSplits: Bool { !splits.isEmpty }
  /// About.
  var byteCount: Int {
    merges.count * 160 + splits.count * 320 + (survivors.count + changes.count + undone.count) * 64
  }

  func isUnchanged(_ master: MasterKey, since revision: UInt32) -> Bool { changes[master] ?? 0 <= revision }

  func survivor(of master: MasterKey) -> MasterKey { survivors[master] ?? master }

  /// The master that the chain's product is, when a split says so.
  func part(of master: MasterKey, _ product: MasterDecision.Product) -> MasterKey? {
    // Of several splits the last counts.
    return splits[Part(master: master, product: product)]?.max {
      ($0.decision.decidedAt, $0.decision.decisionID) < ($1.decision.decidedAt, $1.decision.decisionID)
    }?.into
  }

  /// - Returns: false when a master's id cannot be read.
  mutating func apply(_ decision: MasterDecision) -> Bool {
    guard let master = MasterKey(decision.masterID), let other = MasterKey(decision.otherID) else { return false }
    if decision.undoneAt != nil { undone.insert(decision.decisionID) }
    let isInForce = !undone.contains(decision.decisionID)
    switch decision.kind {
    case .merge:
      for (side, opposite) in [(master, other), (other, master)] {
        var known = merges[side] ?? []
        known.removeAll { $0.decision == decision.decisionID }
        if isInForce { known.append(Merge(decision: decision.decisionID, isMerged: side == master, other: opposite)) }
        merges[side] = known.isEmpty ? nil : known
      }
      revision += 1
      for side in [master, other] { resolve(side) }
    case .split:
      for product in decision.products {
        let part = Part(master: master, product: product)
        var known = splits[part] ?? []
        known.removeAll { $0.decision.decisionID == decision.decisionID }
        if isInForce { known.append(Split(decision: decision, into: other)) }
        splits[part] = known.isEmpty ? nil : known
      }
    case .reject: break
    }
    return true
  }

  /// Says which one stands for all masters that merges connect with this one: of those that are not merged into another
  /// (of all, where merges go round in a circle) the one with the smallest id.
  private mutating func resolve(_ master: MasterKey) {
    var members: Set<MasterKey> = [master]
    var open = [master]
    while let next = open.popLast() {
      for merge in merges[next] ?? [] where members.insert(merge.other).inserted { open.append(merge.other) }
    }
    let last = members.filter { !(merges[$0]?.contains(where: \.isMerged) ?? false) }
    guard let survivor = (last.isEmpty ? members : last).min() else { return }
    for member in members {
      survivors[member] = member == survivor ? nil : survivor
      changes[member] = revision
    }
  }
}
