import Core
@testable import KafkaFlags
import Testing

@testable import Kafka

@Suite struct ErrorTests {
  @Test(arguments: [
    ("_TRANSPORT", .transient), ("REBALANCE_IN_PROGRESS", .transient), ("_MSG_TIMED_OUT", .transient),
    ("NOT_ENOUGH_REPLICAS", .transient), ("MSG_SIZE_TOO_LARGE", .data), ("INVALID_RECORD", .data),
    ("SASL_AUTHENTICATION_FAILED", .configuration), ("TOPIC_AUTHORIZATION_FAILED", .configuration),
    ("_FATAL", .fatal), ("PRODUCER_FENCED", .fatal), ("SOMETHING_NEW", .fatal),
  ] as [(String, ErrorClass)])
  func namesAreClassified(name: String, expected: ErrorClass) {
    #expect(ErrorClass(kafkaErrorName: name) == expected)
  }

  @Test func circumstancesOutrankTheTable() {
    var error = KafkaError(operation: "produce", name: "_TRANSPORT", rawCode: -195, message: "gone")
    #expect(error.errorClass == .transient && error.code == "kafka_transport")
    #expect(error.asConfiguration("create it").errorClass == .configuration)
    error.isFatal = true
    #expect(error.errorClass == .fatal)
  }

  @Test func theWorstPartDecidesWhatBecomesOfABatch() throws {
    func error(_ names: String...) throws -> KafkaError {
      let ticket = AckTicket(id: 1, total: names.count, bytes: 0)
      for name in names {
        _ = ticket.complete(1, failed: 1, KafkaError(operation: "produce", name: name, rawCode: 1, message: ""))
      }
      let error = try #require(ticket.error)
      #expect(ticket.isComplete && error.message.hasPrefix("\(names.count) of \(names.count) records"))
      return error
    }
    #expect(try error("MSG_SIZE_TOO_LARGE").errorClass == .data)
    #expect(try error("MSG_SIZE_TOO_LARGE", "_MSG_TIMED_OUT").errorClass == .transient)
    #expect(try error("_MSG_TIMED_OUT", "TOPIC_AUTHORIZATION_FAILED").errorClass == .configuration)
    #expect(try error("TOPIC_AUTHORIZATION_FAILED", "PRODUCER_FENCED", "_MSG_TIMED_OUT").errorClass == .fatal)
  }

  @Test func onlyALastingProblemIsBelieved() {
    func error(_ name: String, _ message: String) -> KafkaError {
      KafkaError(operation: "connect", name: name, rawCode: -1, message: message)
    }
    let login = error("_AUTHENTICATION", "SASL authentication error: Authentication failed")
    let hangUp = error("_TRANSPORT", "Disconnected while requesting ApiVersion: might be caused by security.protocol")
    let start = ContinuousClock.now
    var problem = AccessProblem(grace: .seconds(10))
    problem.note(login, now: start)
    #expect(problem.lastingError == login, "never let in: the password is wrong")
    var (had, hasMore) = (problem.clear(), problem.clear())
    #expect(had && !hasMore)
    problem.note(login, now: start)
    #expect(problem.lastingError == nil, "let in before: passwords are changed broker by broker")
    (had, hasMore) = (problem.needsProbe(now: start + .seconds(9)), problem.needsProbe(now: start + .seconds(10)))
    #expect(!had && hasMore)
    hasMore = problem.needsProbe(now: start + .seconds(11))
    #expect(!hasMore, "not all the time")
    problem.note(login, now: start + .seconds(11))
    #expect(problem.lastingError == login)
    problem.clear()
    let denied = error("GROUP_AUTHORIZATION_FAILED", "denied")
    problem.note(denied, now: start)
    #expect(problem.lastingError == denied, "no restart of a broker looks like that")

    problem.clear()
    for second in 0..<60 { problem.note(hangUp, now: start + .seconds(second)) }
    #expect(problem.lastingError == nil, "a broker that restarts hangs up too")
    var fresh = AccessProblem(grace: .seconds(10))
    fresh.note(hangUp, now: start)
    fresh.note(hangUp, now: start + .seconds(29))
    #expect(fresh.lastingError == nil)
    fresh.note(hangUp, now: start + .seconds(30))
    #expect(fresh.lastingError?.errorClass == .configuration)
    var unknown = AccessProblem(grace: .seconds(10))
    for second in 0..<60 { unknown.note(error("_RESOLVE", "no such name"), now: start + .seconds(second)) }
    #expect(unknown.lastingError == nil, "a name server that is away is an outage")
  }

  @Test func theCheckSaysWhatIsWrong() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(2)
    let options = try cluster.options()
    let found = try await options.check(clientID: "x", topics: [topic], logger: Cluster.logger)
    #expect(found.contains("1 topics present"))
    let missing = try await #require(throws: Failure.self) {
      _ = try await options.check(clientID: "x", topics: [topic, "not-there"], logger: Cluster.logger)
    }
    #expect(missing.errorClass == .configuration && missing.message.contains("not-there"))
    let absent = try cluster.options { $0.kafkaBootstrapServers = "127.0.0.1:1" }
    let down = try await #require(throws: Failure.self) {
      _ = try await absent.check(clientID: "x", topics: [topic], within: .seconds(1), logger: Cluster.logger)
    }
    #expect(down.errorClass == .transient && down.message.contains("127.0.0.1:1"))
  }

  @Test func topicsAreCreatedWhereTheClusterDoesThat() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic(3)
    #expect(try await cluster.admin.topics()[topic] == [0, 1, 2])
    #expect(try await cluster.admin.createTopics([TopicSpecification(name: topic, partitions: 9)]) == [],
            "an existing topic stays as it is")
    let new = TopicSpecification(name: Cluster.unique("made"), partitions: 2, replicationFactor: 1)
    if Cluster.external == nil {
      let error = try await #require(throws: KafkaError.self) { try await cluster.admin.createTopics([new]) }
      #expect(error.errorClass == .configuration)
    } else {
      #expect(try await cluster.admin.createTopics([new]) == [new.name])
      try await cluster.admin.deleteTopics([new.name])
    }
  }
}
