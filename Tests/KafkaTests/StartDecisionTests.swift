import Testing

@testable import Kafka

@Suite struct StartDecisionTests {
  private let partitions = (0..<4).map { TopicPartition("t", $0) }
  private let began = GroupBeginning(partitions: 2).text

  private func plan(
    _ startFrom: StartPosition, adopts: Bool = true, given: [Int: Int64] = [:],
    committed: [Int: CommittedOffset] = [:], count: Int32 = 4, of asked: [Int] = [0, 1, 2, 3]
  ) -> StartDecision.Plan {
    func keyed<Value>(_ values: [Int: Value]) -> [TopicPartition: Value] {
      Dictionary(uniqueKeysWithValues: values.map { (partitions[$0.key], $0.value) })
    }
    return StartDecision(startFrom: startFrom, adoptsCommits: adopts).plan(
      Set(asked.map { partitions[$0] }), given: keyed(given), committed: keyed(committed), counts: ["t": count])
  }

  @Test func theSinkComesFirstThenTheGroupThenTheSetting() {
    let plan = plan(
      .earliest, given: [0: 5], committed: [0: CommittedOffset(offset: 9), 1: CommittedOffset(offset: 7)],
      of: [0, 1, 2])
    #expect(plan.known == [partitions[0]: 5, partitions[1]: 7])
    #expect(plan.fresh == [partitions[2]: .earliest] && plan.ignored.isEmpty && plan.beginnings.isEmpty)
  }

  /// A new or emptied database behind an old group.
  @Test(arguments: [StartPosition.earliest, .latest, .timestamp(5)])
  func aSinkThatKeepsItsOffsetsDoesNotTakeTheGroupsFor(start: StartPosition) {
    let plan = plan(start, adopts: false, committed: [0: CommittedOffset(offset: 9)], of: [0])
    #expect(plan.known.isEmpty && plan.fresh == [partitions[0]: start])
    #expect(plan.ignored == [partitions[0]: 9], "said and counted")
  }

  @Test func underLatestAGroupBeginsAtTheEndOfEveryPartition() {
    let plan = plan(.latest)
    #expect(plan.fresh == Dictionary(uniqueKeysWithValues: partitions.map { ($0, .latest) }) && plan.added.isEmpty)
    #expect(plan.beginnings == ["t": 4])
  }

  /// Several members start at once: one has pinned its share before the other has read it.
  @Test func aMemberThatIsLateAtTheBeginningAddsNothing() {
    let text = GroupBeginning(partitions: 4).text
    let plan = plan(
      .latest, committed: [0: CommittedOffset(offset: 3, metadata: text), 1: CommittedOffset(offset: 3)], of: [2, 3])
    #expect(plan.fresh == [partitions[2]: .latest, partitions[3]: .latest] && plan.beginnings == ["t": 4])
  }

  @Test func anAddedPartitionIsReadFromItsFirstRecord() {
    let commits = [0: CommittedOffset(offset: 3, metadata: began), 1: CommittedOffset(offset: 3, metadata: "closing=4")]
    let plan = plan(.latest, committed: commits, of: [1, 2])
    #expect(plan.known == [partitions[1]: 3] && plan.fresh == [partitions[2]: .earliest])
    #expect(plan.added == [partitions[2]] && plan.beginnings == ["t": 2])
    // Two are added together; the first to be pinned does not make the other one old.
    let pinned = commits.merging([2: CommittedOffset(offset: 0, metadata: began)]) { $1 }
    #expect(self.plan(.latest, committed: pinned, of: [3]).fresh == [partitions[3]: .earliest])
  }

  @Test func commitsWithoutATextMakeEveryOtherPartitionALaterOne() {
    let plan = plan(.latest, committed: [0: CommittedOffset(offset: 3)], of: [3])
    #expect(plan.fresh == [partitions[3]: .earliest])
  }

  @Test func aSinkOfItsOwnStartsAddedPartitionsAtTheBeginningToo() {
    let plan = plan(
      .latest, adopts: false, given: [0: 8], committed: [0: CommittedOffset(offset: 9, metadata: began)], of: [0, 2])
    #expect(plan.known == [partitions[0]: 8] && plan.fresh == [partitions[2]: .earliest] && plan.ignored.isEmpty)
  }

  @Test(arguments: ["", "closing=4", "began-with-partitions=", "began-with-partitions=x", "began-with-partitions=0"])
  func otherTextsAreNoBeginning(text: String) { #expect(GroupBeginning(text) == nil) }

  @Test func theTextStandsBesideEveryCommitThatHasNoneOfItsOwn() {
    let texts = GroupBeginning.complete([partitions[0]: "mine"], partitions[0...1], ["t": 2])
    #expect(texts == [partitions[0]: "mine", partitions[1]: began])
    #expect(GroupBeginning.complete([:], partitions, [:]).isEmpty)
    #expect(GroupBeginning(began) == GroupBeginning(partitions: 2))
  }
}
