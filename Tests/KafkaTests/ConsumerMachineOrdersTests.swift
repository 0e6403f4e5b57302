import Testing

@testable import Kafka

/// Every order of a small set of events, to a depth, against what must hold in all of them.
@Suite struct ConsumerMachineOrdersTests {
  fileprivate static let partitions = [TopicPartition("t", 0), TopicPartition("t", 1)]

  enum Event: CaseIterable {
    case offerFirst, offerAll, revokeFirst, revokeAll, loseFirst, loseAll
    case answerStart, resolve, answerRevoke, commitDone, deadline, close
  }

  /// The state of the library and the worker, derived from the actions alone.
  struct World {
    var machine: ConsumerMachine
    /// Partitions that the library fetches.
    var fetching: Set<TopicPartition> = []
    var questions: [UInt64] = []
    var lookups: [UInt64: Set<TopicPartition>] = [:]
    var revokes: [UInt64] = []
    var commits: [UInt64] = []
    var timers: [UInt64] = []
    var offers = 0
    var answers = 0
    var leaves = 0
    var interrupted = false

    mutating func perform(_ actions: [ConsumerMachine.Action]) {
      for action in actions {
        #expect(leaves == 0 || action.isFarewell, "after leaving only the library's own closeQueue is answered")
        switch action {
        case .deliver(.assigning(let id, _)): questions.append(id)
        case .deliver(.revoking(let id, let partitions)):
          revokes.append(id)
          #expect(partitions.isSubset(of: fetching))
        case .deliver(.assigned(let starts)): #expect(Set(starts.keys).isSubset(of: fetching))
        case .deliver(.lost): break
        case .resolve(let id, let partitions, _): lookups[id] = partitions
        case .assign(let starts):
          #expect(fetching.isDisjoint(with: starts.keys), "nothing is begun twice")
          fetching.formUnion(starts.keys)
          answers += 1
        case .assignNothing: answers += 1
        case .unassign(let partitions):
          fetching.subtract(partitions)
          answers += 1
        case .commit(let id, let positions, _):
          commits.append(id)
          #expect(Set(positions.keys).isSubset(of: fetching), "committed while still ours")
        case .startTimer(let id, _): timers.append(id)
        case .purge: break
        case .interrupt: interrupted = true
        case .rearm: interrupted = false
        case .leave:
          leaves += 1
          fetching = []
        }
      }
      #expect(Set(machine.owned.keys).isSubset(of: fetching), "owned is never more than what the library fetches")
      #expect(!machine.mayFetch || !interrupted || machine.closing, "an interruption ends with its reason")
    }

    mutating func apply(_ event: Event) {
      let partitions = ConsumerMachineOrdersTests.partitions
      let first = [partitions[0]]
      switch event {
      case .offerFirst: perform(machine.assignOffered(first))
      case .offerAll: perform(machine.assignOffered(partitions))
      case .revokeFirst: perform(machine.revokeOffered(Set(first)))
      case .revokeAll: perform(machine.revokeOffered(Set(partitions)))
      case .loseFirst: perform(machine.lost(Set(first)))
      case .loseAll: perform(machine.lost(Set(partitions)))
      case .answerStart: if let id = questions.last { perform(machine.startAnswered(id, [partitions[0]: 3])) }
      case .resolve:
        for (id, wanted) in lookups.sorted(by: { $0.key < $1.key }) {
          perform(machine.startsResolved(id, Dictionary(uniqueKeysWithValues: wanted.map { ($0, 3) })))
        }
        for partition in partitions { machine.advance(partition, to: 9) }
      case .answerRevoke:
        if let id = revokes.last {
          perform(machine.revokeAnswered(id, [partitions[0]: 5, partitions[1]: 7], [:]))
        }
      case .commitDone: if let id = commits.last { perform(machine.revokeCommitted(id)) }
      case .deadline: if let id = timers.last { perform(machine.deadlinePassed(id)) }
      case .close: perform(machine.close())
      }
    }

    /// Lets every deadline pass: a missing answer must not block anything.
    mutating func settle() {
      perform(machine.close())
      for _ in 0..<20 { for id in timers { perform(machine.deadlinePassed(id)) } }
    }
  }

  @Test(arguments: [false, true]) func everyOrderEndsWell(externalOffsets: Bool) {
    var worlds = [World(machine: ConsumerMachine(externalOffsets: externalOffsets))]
    var explored = 0
    for _ in 0..<4 {
      worlds = worlds.flatMap { world in
        Event.allCases.map { event in
          var next = world
          next.apply(event)
          return next
        }
      }
      explored += worlds.count
      for var world in worlds {
        world.settle()
        #expect(world.leaves == 1)
        #expect(world.machine.phase == .left)
        #expect(world.machine.owned.isEmpty && world.machine.backlog.isEmpty && world.machine.parked.isEmpty)
      }
    }
    #expect(explored > 20_000)
  }
}

extension ConsumerMachine.Action {
  fileprivate var isFarewell: Bool {
    switch self {
    case .unassign, .assignNothing, .purge, .interrupt, .deliver(.lost), .rearm: true
    default: false
    }
  }
}
