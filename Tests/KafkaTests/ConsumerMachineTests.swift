import Testing

@testable import Kafka

private let a = TopicPartition("t", 0)
private let b = TopicPartition("t", 1)

extension ConsumerMachine {
  /// A machine that reads these from offset 10 and got everything up to 20.
  static func reading(_ partitions: [TopicPartition], externalOffsets: Bool = false) -> ConsumerMachine {
    var machine = ConsumerMachine(externalOffsets: externalOffsets)
    _ = machine.assignOffered(partitions)
    if externalOffsets { _ = machine.startAnswered(1, [:]) }
    _ = machine.startsResolved(1, Dictionary(uniqueKeysWithValues: partitions.map { ($0, 10) }))
    for partition in partitions { machine.advance(partition, to: 20) }
    return machine
  }
}

@Suite struct ConsumerMachineTests {
  @Test func anAssignmentIsResolvedThenBegun() {
    var machine = ConsumerMachine(externalOffsets: false)
    #expect(machine.assignOffered([a, b]) == [
      .startTimer(id: 1, .start), .resolve(id: 1, [a, b], given: [:]),
    ])
    #expect(!machine.mayFetch)
    #expect(machine.startsResolved(1, [a: 5, b: 0]) == [.assign([a: 5, b: 0]), .deliver(.assigned([a: 5, b: 0]))])
    #expect(machine.mayFetch)
    #expect(Set(machine.epochs.values).count == 2)
    #expect(machine.startsResolved(1, [a: 9]) == [], "an answer counts once")
    #expect(machine.deadlinePassed(1) == [], "so does a deadline")
  }

  @Test func anEmptyAssignmentIsStillAnswered() {
    var machine = ConsumerMachine(externalOffsets: true)
    #expect(machine.assignOffered([]) == [.assignNothing, .deliver(.assigned([:]))])
  }

  @Test func theWorkerDecidesWhereToStart() {
    var machine = ConsumerMachine(externalOffsets: true)
    #expect(machine.assignOffered([a, b]) == [
      .startTimer(id: 1, .start), .deliver(.assigning(id: 1, [a, b])),
    ])
    #expect(machine.startAnswered(7, [a: 1]) == [], "an answer to another question")
    #expect(machine.startAnswered(1, [a: 42, TopicPartition("u", 0): 3])
      == [.resolve(id: 1, [a, b], given: [a: 42])])
    #expect(machine.startsResolved(1, [a: 42, b: 0]) == [.assign([a: 42, b: 0]), .deliver(.assigned([a: 42, b: 0]))])
  }

  @Test func aLateStartIsTakenWhenTheAssignmentStillHolds() {
    var machine = ConsumerMachine(externalOffsets: true)
    _ = machine.assignOffered([a])
    #expect(machine.deadlinePassed(1) == [.assignNothing])
    #expect(machine.mayFetch)
    #expect(machine.startAnswered(1, [a: 3]) == [.resolve(id: 1, [a], given: [a: 3])])
    #expect(machine.startsResolved(1, [a: 3]) == [.assign([a: 3]), .deliver(.assigned([a: 3]))])
  }

  @Test func aLateStartAfterARevokeIsRefused() {
    var machine = ConsumerMachine(externalOffsets: true)
    _ = machine.assignOffered([a])
    _ = machine.deadlinePassed(1)
    #expect(machine.revokeOffered([a]) == [.deliver(.lost([a])), .unassign([a])])
    #expect(machine.startAnswered(1, [a: 3]) == [])
    #expect(machine.startsResolved(1, [a: 3]) == [])
    #expect(machine.owned.isEmpty)
  }

  @Test func aLateStartWaitsForADrainThatRuns() {
    var machine = ConsumerMachine(externalOffsets: true)
    _ = machine.assignOffered([a])
    _ = machine.startsResolved(1, [a: 0])
    _ = machine.assignOffered([b])
    _ = machine.deadlinePassed(2)
    _ = machine.revokeOffered([a])
    #expect(machine.startAnswered(2, [b: 8]) == [.resolve(id: 2, [b], given: [b: 8])])
    #expect(machine.startsResolved(2, [b: 8]) == [])
    #expect(machine.revokeAnswered(3, [:], [:])
      == [.unassign([a]), .rearm, .assign([b: 8]), .deliver(.assigned([b: 8]))])
  }

  @Test func aRevokeWaitsForItsAnswerAndCommitsWhatIsDurable() {
    var machine = ConsumerMachine.reading([a, b])
    #expect(machine.revokeOffered([a, b]) == [
      .purge([a, b]), .interrupt, .startTimer(id: 2, .drain), .deliver(.revoking(id: 2, [a, b])),
    ])
    #expect(!machine.mayFetch)
    #expect(!machine.epochs.isEmpty, "ours until answered")
    #expect(machine.revokeAnswered(2, [a: 15, b: 99], [a: "m"]) == [.commit(id: 2, [a: 15], [a: "m"])],
            "99 was never read")
    #expect(machine.epochs.isEmpty, "fenced by the answer")
    #expect(machine.admit([a: 16]).admitted.isEmpty)
    #expect(machine.revokeAnswered(2, [a: 16], [:]) == [], "a second answer")
    #expect(machine.revokeCommitted(2) == [.unassign([a, b]), .rearm])
    #expect(machine.revokeCommitted(2) == [])
    #expect(machine.phase == .steady)
  }

  @Test func anAnswerWithNothingToCommitFinishesAtOnce() {
    var machine = ConsumerMachine.reading([a])
    _ = machine.revokeOffered([a])
    #expect(machine.revokeAnswered(2, [:], [:]) == [.unassign([a]), .rearm])
  }

  @Test func aRevokeWithoutAnswerEndsAtTheDeadline() {
    var machine = ConsumerMachine.reading([a])
    _ = machine.revokeOffered([a])
    #expect(machine.deadlinePassed(2) == [.deliver(.lost([a])), .unassign([a]), .rearm])
    #expect(machine.revokeAnswered(2, [a: 15], [:]) == [], "the answer after the deadline")
  }

  @Test func aCommitThatHangsDoesNotHoldTheGroup() {
    var machine = ConsumerMachine.reading([a])
    _ = machine.revokeOffered([a])
    _ = machine.revokeAnswered(2, [a: 15], [:])
    #expect(machine.deadlinePassed(2) == [.unassign([a]), .rearm])
    #expect(machine.revokeCommitted(2) == [])
  }

  @Test func losingFencesAtOnceAlsoDuringADrain() {
    var machine = ConsumerMachine.reading([a, b])
    _ = machine.revokeOffered([a, b])
    #expect(machine.assignmentVoid() == [
      .purge([a, b]), .interrupt, .deliver(.lost([a, b])), .unassign([a, b]), .rearm,
    ])
    #expect(machine.owned.isEmpty)
    #expect(machine.revokeAnswered(2, [a: 15], [:]) == [])
    #expect(machine.assignmentVoid() == [])
  }

  @Test func losingSomeLeavesTheDrainOfTheOthers() {
    var machine = ConsumerMachine.reading([a, b])
    _ = machine.revokeOffered([a, b])
    #expect(machine.lost([a]) == [.purge([a]), .interrupt, .deliver(.lost([a])), .unassign([a])])
    #expect(machine.revokeAnswered(2, [a: 15, b: 15], [:]) == [.commit(id: 2, [b: 15], [:])])
    #expect(machine.revokeCommitted(2) == [.unassign([b]), .rearm])
  }

  @Test func whatComesDuringADrainWaitsItsTurn() {
    var machine = ConsumerMachine.reading([a])
    _ = machine.revokeOffered([a])
    #expect(machine.assignOffered([b]) == [])
    #expect(machine.revokeOffered([b]) == [])
    #expect(machine.revokeAnswered(2, [:], [:]) == [
      .unassign([a]), .rearm, .startTimer(id: 3, .start), .resolve(id: 3, [b], given: [:]),
    ])
    #expect(machine.startsResolved(3, [b: 0]) == [
      .assign([b: 0]), .deliver(.assigned([b: 0])), .purge([b]), .interrupt, .startTimer(id: 4, .drain),
      .deliver(.revoking(id: 4, [b])),
    ])
    #expect(machine.revokeAnswered(4, [:], [:]) == [.unassign([b]), .rearm])
  }

  @Test func anAssignmentRevokedBeforeItsAnswerIsForgotten() {
    var machine = ConsumerMachine(externalOffsets: true)
    _ = machine.assignOffered([a])
    #expect(machine.revokeOffered([a]) == [.deliver(.lost([a])), .unassign([a])])
    #expect(machine.startAnswered(1, [a: 1]) == [])
    #expect(machine.deadlinePassed(1) == [])
  }

  @Test func closingIsARevokeOfEverything() {
    var machine = ConsumerMachine.reading([a, b])
    #expect(machine.close() == [
      .interrupt, .purge([a, b]), .interrupt, .startTimer(id: 2, .drain), .deliver(.revoking(id: 2, [a, b])),
    ])
    #expect(machine.close() == [])
    #expect(machine.revokeAnswered(2, [a: 20], [:]) == [.commit(id: 2, [a: 20], [:])])
    #expect(machine.revokeCommitted(2) == [.rearm, .interrupt, .leave])
    #expect(machine.phase == .left)
    #expect(machine.revokeOffered([a]) == [.unassign([a])], "the library's own closeQueue")
    #expect(machine.assignOffered([a]) == [.assignNothing])
  }

  @Test func closingAnEmptyOneLeavesAtOnce() {
    var machine = ConsumerMachine(externalOffsets: true)
    #expect(machine.close() == [.interrupt, .interrupt, .leave])
  }

  @Test func closingDuringAnUnansweredAssignmentGivesItUp() {
    var machine = ConsumerMachine(externalOffsets: true)
    _ = machine.assignOffered([a])
    #expect(machine.close() == [.interrupt, .assignNothing, .deliver(.lost([a])), .interrupt, .leave])
    #expect(machine.startAnswered(1, [a: 1]) == [])
    #expect(machine.startsResolved(1, [a: 1]) == [])
  }

  @Test func closingDuringARevokeFinishesItFirst() {
    var machine = ConsumerMachine.reading([a, b])
    _ = machine.revokeOffered([a])
    #expect(machine.close() == [.interrupt])
    #expect(machine.assignOffered([a]) == [.assignNothing])
    #expect(machine.revokeAnswered(2, [:], [:]) == [
      .unassign([a]), .rearm, .purge([b]), .interrupt, .startTimer(id: 3, .drain), .deliver(.revoking(id: 3, [b])),
    ])
    #expect(machine.deadlinePassed(3) == [.deliver(.lost([b])), .rearm, .interrupt, .leave])
  }

  @Test func oneDrainAnswersBothACloseAndTheGroup() {
    var machine = ConsumerMachine.reading([a])
    _ = machine.close()
    #expect(machine.revokeOffered([a]) == [])
    #expect(machine.revokeAnswered(2, [:], [:]) == [.unassign([a]), .rearm, .interrupt, .leave])
  }

  @Test func commitsAreFencedByOwnershipEpochAndRange() throws {
    var machine = ConsumerMachine.reading([a])
    let first = try #require(machine.epochs[a])
    #expect(machine.admit([a: 10, b: 10]).admitted == [a: 10])
    #expect(machine.admit([a: 10, b: 10]).late == [b])
    #expect(machine.admit([a: 20]).admitted == [a: 20])
    #expect(machine.admit([a: 9]).late == [a], "before this assignment")
    #expect(machine.admit([a: 21]).late == [a], "never read")
    #expect(machine.admit([a: 15], epochs: [a: first]).admitted == [a: 15])
    machine.reposition(a, to: 12)
    machine.advance(a, to: 20)
    #expect(machine.admit([a: 15], epochs: [a: first]).late == [a], "work from before the seek")
    _ = machine.revokeOffered([a])
    _ = machine.revokeAnswered(2, [:], [:])
    _ = machine.assignOffered([a])
    _ = machine.startsResolved(3, [a: 12])
    machine.advance(a, to: 30)
    #expect(machine.epochs[a] != first)
    #expect(machine.admit([a: 15], epochs: [a: first]).late == [a], "work from before it left and came back")
  }
}
