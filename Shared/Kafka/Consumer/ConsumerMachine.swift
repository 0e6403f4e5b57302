/// Every decision of a consumer: who owns what, what a rebalance waits for, which commits may go through.
///
/// A pure value without clock, threads or C: events go in, actions come out, and the poll thread carries them out
/// in order. librdkafka holds a rebalance until its `assign` or `unassign` call is made, so exactly one thing is
/// waited for at a time (`phase`); what arrives meanwhile queues up in `backlog`, except that losing partitions
/// and closing take effect at once.
struct ConsumerMachine {
  enum Action: Equatable {
    case deliver(Notice)
    /// Look up where these start (those in `given` are decided), then call `startsResolved`.
    case resolve(id: UInt64, Set<TopicPartition>, given: [TopicPartition: Int64])
    /// Begin to read these, on top of what is already read.
    case assign([TopicPartition: Int64])
    /// Tell the library to go on without reading anything new.
    case assignNothing
    case unassign(Set<TopicPartition>)
    /// Commit for a revoke, then call `revokeCommitted`.
    case commit(id: UInt64, [TopicPartition: Int64], [TopicPartition: String])
    case startTimer(id: UInt64, Wait)
    /// Take back what the worker has not been given yet of these.
    case purge(Set<TopicPartition>)
    /// Wake a worker that waits for something else.
    case interrupt
    /// The reason to interrupt is over.
    case rearm
    /// All is handed back: leave the group.
    case leave
  }

  enum Notice: Equatable {
    case assigning(id: UInt64, Set<TopicPartition>)
    case assigned([TopicPartition: Int64])
    case revoking(id: UInt64, Set<TopicPartition>)
    case lost(Set<TopicPartition>)
  }

  enum Wait: Equatable {
    case start
    case drain
  }

  struct Ownership: Equatable {
    var epoch: UInt64
    /// The first offset of this assignment; nothing before it was read in it.
    var start: Int64
    /// The offset after the last record taken from the library.
    var next: Int64
    var committed: Int64?
  }

  enum Offer: Equatable {
    case assign([TopicPartition])
    case revoke(Set<TopicPartition>)
    /// A late answer that came while something else was waited for.
    case start(id: UInt64, [TopicPartition: Int64])
  }

  enum Phase: Equatable {
    case steady
    /// An offered assignment waits for its start offsets, the library for our `assign`.
    case starting(id: UInt64, Set<TopicPartition>)
    /// `owed`: what the library waits to be unassigned; nil when it was us who began, by closing.
    case draining(id: UInt64, Set<TopicPartition>, owed: Set<TopicPartition>?, committing: Bool)
    case left
  }

  let externalOffsets: Bool
  private(set) var owned: [TopicPartition: Ownership] = [:]
  private(set) var phase = Phase.steady
  /// Assignments the library was told to go on without; a late answer is still used.
  private(set) var parked: [UInt64: Set<TopicPartition>] = [:]
  private(set) var backlog: [Offer] = []
  private(set) var closing = false
  private var lastID: UInt64 = 0
  private var lastEpoch: UInt64 = 0

  init(externalOffsets: Bool) { self.externalOffsets = externalOffsets }

  /// Records may be taken from the library.
  var mayFetch: Bool { phase == .steady && !closing }

  // MARK: Events of the library

  mutating func assignOffered(_ partitions: [TopicPartition]) -> [Action] {
    if phase == .left || closing { return [.assignNothing] }
    guard phase == .steady else {
      backlog.append(.assign(partitions))
      return []
    }
    return begin(assigning: partitions)
  }

  private mutating func begin(assigning partitions: [TopicPartition]) -> [Action] {
    let fresh = Set(partitions).subtracting(owned.keys)
    if fresh.isEmpty { return [.assignNothing, .deliver(.assigned([:]))] }
    // Offered anew while an older offer of it is still unanswered: only the new answer counts.
    for (id, waiting) in parked {
      let left = waiting.subtracting(fresh)
      parked[id] = left.isEmpty ? nil : left
    }
    lastID += 1
    phase = .starting(id: lastID, fresh)
    let ask: Action = externalOffsets
      ? .deliver(.assigning(id: lastID, fresh)) : .resolve(id: lastID, fresh, given: [:])
    return [.startTimer(id: lastID, .start), ask]
  }

  /// The group takes these back and waits for our `unassign`.
  mutating func revokeOffered(_ partitions: Set<TopicPartition>) -> [Action] {
    switch phase {
    case .left:
      return [.unassign(partitions)]
    case .draining(let id, let draining, let owed, let committing):
      guard owed == nil else {
        backlog.append(.revoke(partitions))
        return []
      }
      // We were closing already: the same drain answers the group too.
      phase = .draining(id: id, draining, owed: partitions, committing: committing)
      return dropWaiting(partitions, keeping: draining)
    case .starting, .steady:
      return begin(revoking: partitions)
    }
  }

  private mutating func begin(revoking partitions: Set<TopicPartition>) -> [Action] {
    var actions = dropWaiting(partitions, keeping: [])
    let held = partitions.intersection(owned.keys)
    guard !held.isEmpty else { return actions + [.unassign(partitions)] + proceed() }
    lastID += 1
    phase = .draining(id: lastID, held, owed: partitions, committing: false)
    actions += [
      .purge(held), .interrupt, .startTimer(id: lastID, .drain), .deliver(.revoking(id: lastID, held)),
    ]
    return actions
  }

  /// The partitions belong to another member already, or the group has removed this member.
  mutating func lost(_ partitions: Set<TopicPartition>) -> [Action] {
    backlog.removeAll { if case .revoke(let waiting) = $0 { waiting.isSubset(of: partitions) } else { false } }
    var actions = dropWaiting(partitions, keeping: [], announce: false)
    for partition in partitions { owned[partition] = nil }
    actions += [.purge(partitions), .interrupt, .deliver(.lost(partitions)), .unassign(partitions)]
    if case .draining(let id, let draining, let owed, let committing) = phase {
      let left = draining.subtracting(partitions)
      if left.isEmpty {
        phase = .steady
      } else {
        phase = .draining(id: id, left, owed: owed?.subtracting(partitions), committing: committing)
        return actions
      }
    }
    return actions + [.rearm] + proceed()
  }

  /// The library says the whole assignment is void while we still drain it.
  mutating func assignmentVoid() -> [Action] {
    guard case .draining(_, let draining, let owed, _) = phase else { return [] }
    return lost(draining.union(owed ?? []))
  }

  /// Forgets assignments that are not ours yet. The worker hears of it when it was asked about them.
  private mutating func dropWaiting(
    _ partitions: Set<TopicPartition>, keeping kept: Set<TopicPartition>, announce: Bool = true
  ) -> [Action] {
    var dropped: Set<TopicPartition> = []
    for (id, waiting) in parked where !waiting.isDisjoint(with: partitions) {
      dropped.formUnion(waiting.intersection(partitions))
      let left = waiting.subtracting(partitions)
      parked[id] = left.isEmpty ? nil : left
    }
    if case .starting(let id, let waiting) = phase, !waiting.isDisjoint(with: partitions) {
      dropped.formUnion(waiting.intersection(partitions))
      let left = waiting.subtracting(partitions)
      // The library asks for something else now, so it does not wait for our assign any more: park the rest.
      if !left.isEmpty { parked[id] = left }
      phase = .steady
    } else if case .starting(let id, let waiting) = phase {
      parked[id] = waiting
      phase = .steady
    }
    dropped.subtract(kept)
    return announce && externalOffsets && !dropped.isEmpty ? [.deliver(.lost(dropped))] : []
  }

  // MARK: Answers of the worker

  mutating func startAnswered(_ id: UInt64, _ offsets: [TopicPartition: Int64]) -> [Action] {
    guard let partitions = waiting(id) else { return [] }
    return [.resolve(id: id, partitions, given: offsets.filter { partitions.contains($0.key) })]
  }

  /// - Returns: the partitions this id still waits to start.
  private func waiting(_ id: UInt64) -> Set<TopicPartition>? {
    if case .starting(id, let partitions) = phase { return partitions }
    return parked[id]
  }

  func isWaiting(_ id: UInt64) -> Bool { waiting(id) != nil }

  mutating func startsResolved(_ id: UInt64, _ offsets: [TopicPartition: Int64]) -> [Action] {
    guard let partitions = waiting(id), !closing else { return [] }
    if case .starting(id, _) = phase { phase = .steady }
    guard phase == .steady else {
      backlog.append(.start(id: id, offsets))
      return []
    }
    parked[id] = nil
    let starts = offsets.filter { partitions.contains($0.key) }
    for (partition, offset) in starts {
      lastEpoch += 1
      owned[partition] = Ownership(epoch: lastEpoch, start: offset, next: offset)
    }
    return [.assign(starts), .deliver(.assigned(starts))] + proceed()
  }

  mutating func revokeAnswered(
    _ id: UInt64, _ positions: [TopicPartition: Int64], _ metadata: [TopicPartition: String]
  ) -> [Action] {
    guard case .draining(id, let partitions, let owed, false) = phase else { return [] }
    let admitted = admit(positions.filter { partitions.contains($0.key) }).admitted
    // Fenced from here on: the worker said it is done with them.
    for partition in partitions { owned[partition] = nil }
    guard !admitted.isEmpty else { return finishDrain(id) }
    phase = .draining(id: id, partitions, owed: owed, committing: true)
    return [.commit(id: id, admitted, metadata)]
  }

  mutating func revokeCommitted(_ id: UInt64) -> [Action] {
    guard case .draining(id, _, _, true) = phase else { return [] }
    return finishDrain(id)
  }

  // MARK: Deadlines

  mutating func deadlinePassed(_ id: UInt64) -> [Action] {
    switch phase {
    case .starting(id, let partitions):
      phase = .steady
      parked[id] = partitions
      return [.assignNothing] + proceed()
    case .draining(id, let partitions, _, let committing):
      for partition in partitions { owned[partition] = nil }
      return (committing ? [] : [.deliver(.lost(partitions))]) + finishDrain(id)
    default:
      return []
    }
  }

  private mutating func finishDrain(_ id: UInt64) -> [Action] {
    guard case .draining(id, _, let owed, _) = phase else { return [] }
    phase = .steady
    return (owed.map { [.unassign($0)] } ?? []) + [.rearm] + proceed()
  }

  /// Goes on with what waited.
  private mutating func proceed() -> [Action] {
    var actions: [Action] = []
    while phase == .steady, !backlog.isEmpty {
      switch backlog.removeFirst() {
      case .assign(let partitions): actions += closing ? [.assignNothing] : begin(assigning: partitions)
      case .revoke(let partitions): actions += begin(revoking: partitions)
      case .start(let id, let offsets): actions += startsResolved(id, offsets)
      }
    }
    if phase == .steady, closing { actions += drainEverything() }
    return actions
  }

  // MARK: Closing

  mutating func close() -> [Action] {
    guard !closing else { return [] }
    closing = true
    var actions: [Action] = [.interrupt]
    if case .starting(_, let partitions) = phase {
      phase = .steady
      actions += [.assignNothing] + (externalOffsets ? [.deliver(.lost(partitions))] : [])
    }
    if externalOffsets {
      for partitions in parked.sorted(by: { $0.key < $1.key }).map(\.value) {
        actions.append(.deliver(.lost(partitions)))
      }
    }
    parked = [:]
    return actions + proceed()
  }

  private mutating func drainEverything() -> [Action] {
    guard !owned.isEmpty else {
      phase = .left
      return [.interrupt, .leave]
    }
    lastID += 1
    let partitions = Set(owned.keys)
    phase = .draining(id: lastID, partitions, owed: nil, committing: false)
    return [
      .purge(partitions), .interrupt, .startTimer(id: lastID, .drain),
      .deliver(.revoking(id: lastID, partitions)),
    ]
  }

  // MARK: Positions

  /// Notes how far records were taken from the library.
  mutating func advance(_ partition: TopicPartition, to next: Int64) { owned[partition]?.next = next }

  /// The partition is read from elsewhere on: a new epoch, so that older work is fenced.
  mutating func reposition(_ partition: TopicPartition, to offset: Int64) {
    guard let before = owned[partition] else { return }
    lastEpoch += 1
    owned[partition] = Ownership(epoch: lastEpoch, start: offset, next: offset, committed: before.committed)
  }

  mutating func committed(_ positions: [TopicPartition: Int64]) {
    for (partition, offset) in positions { owned[partition]?.committed = offset }
  }

  /// The part of a commit that may go through: of partitions that are ours, under the epoch the work was done in
  /// (when it is known), and within what was read in this assignment.
  func admit(
    _ positions: [TopicPartition: Int64], epochs: [TopicPartition: UInt64] = [:]
  ) -> (admitted: [TopicPartition: Int64], late: Set<TopicPartition>) {
    var admitted: [TopicPartition: Int64] = [:]
    for (partition, offset) in positions {
      guard let ownership = owned[partition], epochs[partition].map({ $0 == ownership.epoch }) ?? true,
        (ownership.start...ownership.next).contains(offset)
      else { continue }
      admitted[partition] = offset
    }
    return (admitted, Set(positions.keys).subtracting(admitted.keys))
  }

  var epochs: [TopicPartition: UInt64] { owned.mapValues(\.epoch) }
}
