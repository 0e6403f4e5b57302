import ArgumentParser
import Catalogue
import Core
@testable import Kafka
import KafkaFlags
import Logging
import ServiceKit
import Testing
import TestSupport

@testable import Operations
@testable import SoukService

@Suite struct GroupLagTests {
  private func standing(
    _ committed: Int64?, low: Int64 = 0, end: Int64, age: Int64? = nil, before: (Int64?, Int64)? = nil,
    onlyMarkers: Bool = false
  ) -> PartitionStanding {
    PartitionStanding(
      place: TopicPartition("t", 0), committed: committed, low: low, end: end, oldest: age.map { now - $0 * 1_000 },
      hasOnlyMarkers: onlyMarkers, before: before)
  }
  private let now: Int64 = 1_700_000_000_000

  private func group(
    _ partitions: PartitionStanding..., members: Int? = 1, window: Duration = .seconds(2), silence: String? = nil
  ) -> GroupLag {
    let state = members.map { GroupState(name: $0 == 0 ? "Empty" : "Stable", members: (0..<$0).map { "m\($0) @ h" }) }
    return GroupLag(group: "g", partitions: partitions, state: state, window: window, now: now, silence: silence)
  }

  private func verdict(_ group: GroupLag) -> LagVerdict { group.verdict(slowAfter: .seconds(600)) }

  @Test func ratesAndTheTimeToDrain() {
    let group = group(standing(700, end: 1_000, age: 30, before: (500, 900)))
    #expect(group.lag == 300 && group.timeLag == .seconds(30))
    #expect(group.rate == 100 && group.inflow == 50)
    #expect(group.drain == .seconds(6))
    #expect(verdict(group) == .ok)
  }

  /// More comes in than is done.
  @Test func aGroupThatFallsBehindNeverDrains() {
    #expect(group(standing(600, end: 1_000, age: 30, before: (500, 800))).drain == nil)
    #expect(group(standing(1_000, end: 1_000, before: (1_000, 1_000))).drain == .zero)
    #expect(group(standing(600, end: 1_000, age: 30), window: .zero).rate == nil)
  }

  @Test func slowWorksAndStuckDoesNot() {
    #expect(verdict(group(standing(600, end: 1_000, age: 700, before: (500, 1_000)))) == .slow)
    #expect(verdict(group(standing(600, end: 1_000, age: 700, before: (600, 1_000)))) == .stuck)
    #expect(verdict(group(standing(600, end: 1_000, age: 500, before: (600, 1_000)))) == .ok)
    // A member that has committed nothing yet.
    #expect(verdict(group(standing(nil, end: 1_000, age: 700, before: (nil, 1_000)))) == .stuck)
    // One look cannot tell that it does not move.
    #expect(verdict(group(standing(600, end: 1_000, age: 700), window: .zero)) == .slow)
  }

  @Test func aGroupWithoutMembersIsStoppedOrNeverRan() {
    #expect(verdict(group(standing(600, end: 1_000, age: 700), members: 0)) == .stopped)
    #expect(verdict(group(standing(1_000, end: 1_000), members: 0)) == .stopped)
    #expect(verdict(group(standing(nil, end: 1_000, age: 700), members: 0)) == .neverRan)
    // An embedded broker cannot say who is in a group.
    #expect(verdict(group(standing(nil, end: 1_000), members: nil)) == .neverRan)
    #expect(verdict(group(standing(1_000, end: 1_000), members: nil)) == .ok)
    #expect(verdict(group(silence: "no coordinator")) == .unknown)
  }

  /// A transaction ends with a marker, an offset without a record: a group that stands before it has nothing to do.
  @Test func markersOfTransactionsAreNoLag() {
    let group = group(standing(41, end: 42, onlyMarkers: true))
    #expect(group.lag == 0 && group.timeLag == .zero && verdict(group) == .ok)
    #expect(!group.exceeds(records: 0, age: .zero))
  }

  /// What the retention took is no work that is left, and is not passed over in silence.
  @Test func aRetentionThatHasOvertakenTheGroup() {
    let group = group(standing(100, low: 400, end: 1_000, age: 10, before: (100, 900)))
    #expect(group.lag == 600 && group.deleted == 300 && group.moved == 0)
    // The rows that were skipped by going on at the first record were not done.
    let after = self.group(standing(450, low: 400, end: 1_000, age: 10, before: (100, 900)))
    #expect(after.moved == 50 && after.deleted == 0)
    let report = LagReport(readings: [group], slowAfter: .seconds(600)).report(by: .group)
    #expect(report.notes.last?.contains("300 records were deleted by the retention") == true)
    #expect(report.data["total"]?["deleted_unread"] == .integer(300))
  }

  @Test func thresholds() {
    let behind = group(standing(700, end: 1_000, age: 30))
    #expect(!behind.exceeds(records: nil, age: nil))
    #expect(!behind.exceeds(records: 300, age: .seconds(30)))
    #expect(behind.exceeds(records: 299, age: nil) && behind.exceeds(records: nil, age: .seconds(29)))
    // An age that cannot be told is no proof that all is well, a silent broker neither.
    #expect(group(standing(700, end: 1_000)).exceeds(records: nil, age: .seconds(600)))
    #expect(group(silence: "no coordinator").exceeds(records: 1_000_000, age: nil))
  }

  @Test func aWrongGroupIsFoundBeforeAnythingIsAsked() {
    let error = #expect(throws: (any Error).self) { _ = try LagCommand.parse(["db-writre"]) }
    #expect(LagCommand.message(for: error!).contains("did you mean 'db-writer'?"))
    #expect(throws: Never.self) { _ = try LagCommand.parse(["fetcher", "--system", "lambda"]) }
  }

  @Test func everyDetailFitsEightyColumns() {
    let places = Topics.commodityObservations.map { TopicPartition($0.name, 11) }
    let standings = places.map {
      PartitionStanding(
        place: $0, committed: 9_876_543, low: 0, end: 19_876_543, oldest: now - 90_061_000,
        before: (9_870_000, 19_876_543))
    }
    let reading = GroupLag(
      group: "inference-worker-screening", partitions: standings,
      state: GroupState(name: "CompletingRebalance", members: ["a", "b"]), window: .seconds(2), now: now)
    for detail in [LagReport.Detail.group, .topic, .partition] {
      let lines = LagReport(readings: [reading], slowAfter: .seconds(600)).report(by: detail)
        .lines(Terminal(width: 80, hasColour: false))
      #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.joined(separator: "\n"))")
      #expect(lines[2].contains("slow") && lines[2].contains("1d 1h"))
    }
  }
}

/// Against a broker: the numbers are those of the records that were produced.
@Suite struct LagSurveyTests {
  @Test(.timeLimit(.minutes(10))) func numbersAreThoseOfTheTopic() async throws {
    let broker = try EmbeddedBroker(topics: [("lagging", 2), ("other", 1)])
    defer { broker.close() }
    let cluster = try Cluster(ClusterOptions.parse(["--kafka-bootstrap-servers", broker.bootstrapServers]))
    var options = try KafkaOptions.parse([])
    options.kafkaBootstrapServers = broker.bootstrapServers
    let producer = try Producer(options.producerConfiguration(clientID: "test", logger: Logger(label: "test")))
    let now = WallClock.microseconds() / 1_000
    var batch = OutgoingBatch()
    for index in 0..<10 {
      batch.append(
        topic: "other", key: nil, value: [UInt8(index)], timestamp: now - Int64(10 - index) * 3_600_000)
    }
    try await producer.send(batch)
    await producer.close()

    let group = ConsumerGroup(name: "watched", inputs: ["lagging", "other", "absent"].map { name in
      Topic(name: name, partitions: 1, retention: .seconds(60), key: "k", summary: "")
    })
    var reading = try #require(try await LagSurvey(cluster: cluster).read([group], window: .zero).first)
    #expect(reading.lag == 10 && reading.partitions.count == 3)
    #expect(reading.verdict(slowAfter: .seconds(600)) == .neverRan)
    #expect(try #require(reading.timeLag) >= .seconds(600))

    try await cluster.admin.commit(group: "watched", [TopicPartition("other", 0): 7])
    reading = try #require(try await LagSurvey(cluster: cluster).read([group], window: .milliseconds(10)).first)
    #expect(reading.lag == 3 && reading.rate == 0 && reading.drain == nil)
    let age = try #require(reading.timeLag)
    #expect(age >= .seconds(3 * 3_600) && age < .seconds(4 * 3_600), "the age of record 7, the oldest: \(age)")
    #expect(reading.verdict(slowAfter: .seconds(60)) == .stuck)

    try await cluster.admin.commit(group: "watched", [TopicPartition("other", 0): 10])
    reading = try #require(try await LagSurvey(cluster: cluster).read([group], window: .zero).first)
    #expect(reading.lag == 0 && reading.timeLag == .zero && reading.verdict(slowAfter: .seconds(1)) == .ok)

    // The marker that ends a transaction is an offset, and no record.
    try TransactionMarker.append(to: "other", at: broker.bootstrapServers)
    reading = try #require(try await LagSurvey(cluster: cluster).read([group], window: .zero).first)
    let standing = try #require(reading.partitions.first { $0.place.topic == "other" })
    #expect(standing.end == 11 && standing.hasOnlyMarkers && reading.lag == 0)
  }
}
