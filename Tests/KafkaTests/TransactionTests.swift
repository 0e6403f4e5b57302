import Core
@testable import KafkaFlags
import Testing
import TestSupport

@testable import Kafka

@Suite struct TransactionTests {
  private func batch(_ topic: String, _ value: String) -> OutgoingBatch {
    var batch = OutgoingBatch()
    batch.append(topic: topic, key: nil, value: Array(value.utf8))
    return batch
  }

  @Test func aTransactionCarriesRecordsAndOffsets() async throws {
    let cluster = try Cluster()
    let (input, output) = (try await cluster.topic(), try await cluster.topic())
    let group = Cluster.unique("transaction")
    try await cluster.fill(input, ["a", "b", "c"])
    let consumer = try cluster.consumer(input, group: group)
    #expect(try await consumer.records(3).count == 3)
    let producer = try cluster.producer(transactionalID: Cluster.unique("tx")) { $0.delivery = .exactlyOnce }
    try await producer.initTransactions()
    try await producer.beginTransaction()
    try await producer.send(batch(output, "one"))
    try await producer.sendOffsets([TopicPartition(input, 0): 2], metadata: try await consumer.groupMetadata())
    try await producer.commitTransaction()
    if Cluster.external != nil {
      // The embedded broker takes the offsets and forgets them.
      #expect(try await consumer.committed([TopicPartition(input, 0)])[TopicPartition(input, 0)]?.offset == 2)
    }
    try await producer.beginTransaction()
    try await producer.send(batch(output, "two"))
    try await producer.abortTransaction()
    try await producer.beginTransaction()
    try await producer.send(batch(output, "three"))
    try await producer.commitTransaction()
    await producer.close()
    try await consumer.drain()

    let reader = try cluster.consumer(output, group: Cluster.unique("reader"))
    // The embedded broker shows aborted records to every reader; a real one does not.
    let expected = Cluster.external == nil ? ["one", "two", "three"] : ["one", "three"]
    #expect(try await reader.records(expected.count).map(\.value) == expected)
    try await reader.drain()
  }

  @Test func abortableAndFatalAreToldApart() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer(transactionalID: Cluster.unique("tx")) { $0.delivery = .exactlyOnce }
    let early = try await #require(throws: KafkaError.self) { try await producer.beginTransaction() }
    #expect(early.remedy == .stop && early.errorClass == .fatal)
    try await producer.initTransactions()

    try await producer.beginTransaction()
    // TOPIC_AUTHORIZATION_FAILED when the partition is added: the transaction is lost, the producer is not.
    cluster.broker?.fail(.addPartitionsToTransaction, with: [29])
    let refused = try await #require(throws: KafkaError.self) { try await producer.send(batch(topic, "lost")) }
    #expect(refused.message.hasPrefix("1 of 1 records"))
    let abortable = try await #require(throws: KafkaError.self) { try await producer.commitTransaction() }
    #expect(abortable.remedy == .abort && abortable.errorClass == .transient)
    let again = try await #require(throws: KafkaError.self) { try await producer.commitTransaction() }
    #expect(again.remedy == .abort)
    try await producer.abortTransaction()

    try await producer.beginTransaction()
    try await producer.send(batch(topic, "kept"))
    // PRODUCER_FENCED: another instance took over.
    cluster.broker?.fail(.endTransaction, with: [90])
    let fatal = try await #require(throws: KafkaError.self) { try await producer.commitTransaction() }
    #expect(fatal.remedy == .stop && fatal.errorClass == .fatal)
    let dead = try await #require(throws: KafkaError.self) { try await producer.send(batch(topic, "never")) }
    #expect(dead.errorClass == .fatal)
    await producer.close(within: .seconds(1))
  }

  @Test func callsOnlyComeInOrder() {
    let calls: [TransactionPhase.Call] = [.initialise, .begin, .produce, .sendOffsets, .commit, .abort]
    func allowed(_ phase: TransactionPhase) -> [TransactionPhase.Call] { calls.filter(phase.allows) }
    var phase = TransactionPhase()
    #expect(allowed(phase) == [.initialise])
    phase.succeeded(.initialise)
    #expect(allowed(phase) == [.begin])
    phase.succeeded(.begin)
    #expect(allowed(phase) == [.produce, .sendOffsets, .commit, .abort])
    phase.failed(.commit, .retry)
    #expect(allowed(phase) == [.produce, .sendOffsets, .commit, .abort])
    phase.failed(.sendOffsets, .abort)
    #expect(allowed(phase) == [.abort])
    phase.succeeded(.abort)
    #expect(allowed(phase) == [.begin])
    phase.failed(.begin, .stop)
    #expect(allowed(phase) == [])
  }

  /// Every order of up to five calls with every outcome: a transaction that was begun and not ended can always be left
  /// by beginning again, unless the producer is broken.
  @Test func noOrderOfFailuresShutsTheNextTransactionOut() {
    let calls: [TransactionPhase.Call] = [.begin, .sendOffsets, .commit, .abort]
    let outcomes: [TransactionRemedy?] = [nil, .retry, .abort]
    var ready = TransactionPhase()
    ready.succeeded(.initialise)
    var phases = [ready]
    for _ in 0..<5 {
      phases = phases.flatMap { phase in
        calls.filter(phase.allows).flatMap { call in
          outcomes.map { outcome in
            var next = phase
            if let outcome { next.failed(call, outcome) } else { next.succeeded(call) }
            return next
          }
        }
      }
    }
    for var phase in phases where phase.state != .open {
      for step in phase.steps(to: .begin) {
        #expect(phase.allows(step))
        phase.succeeded(step)
      }
      #expect(phase.state == .open)
    }
    // An abort is owed from its first try on: nothing else may follow one that has to be made again.
    var owing = ready
    owing.succeeded(.begin)
    owing.failed(.abort, .retry)
    #expect(owing.steps(to: .begin) == [.abort, .begin] && !owing.allows(.commit))
  }

  @Test func anAbortThatFailedIsMadeUpForByTheNextTransaction() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer(transactionalID: Cluster.unique("tx")) { $0.delivery = .exactlyOnce }
    try await producer.initTransactions()
    try await producer.beginTransaction()
    try await producer.send(batch(topic, "taken back"))
    // An error no client knows the remedy of, as a broker in trouble may give it.
    cluster.broker?.fail(.endTransaction, with: [-1])
    let failure = try await #require(throws: KafkaError.self) { try await producer.abortTransaction() }
    #expect(failure.remedy != .stop)
    try await producer.beginTransaction()
    try await producer.send(batch(topic, "kept"))
    try await producer.commitTransaction()
    await producer.close()
  }
}
