import Core
import Kafka
import KafkaFlags
import Testing
import TestSupport

@Suite struct ProducerTests {
  private func batch(_ topic: String, _ count: Int, size: Int = 100) -> OutgoingBatch {
    var batch = OutgoingBatch()
    for _ in 0..<count { batch.append(topic: topic, key: nil, value: [UInt8](repeating: 1, count: size)) }
    return batch
  }

  @Test func callersWaitWhileTheBudgetIsOnItsWay() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer {
      $0.maxInFlightBytes = .kib(64)
      $0.kafkaProperty.append("reconnect.backoff.max.ms=300")
    }
    try await producer.send(batch(topic, 1))
    try await eventually("nothing is on its way") { producer.inFlightBytes == 0 }
    // Nothing is acknowledged while the broker is away, however busy the machine.
    cluster.broker?.takeDown()
    let first = try await producer.enqueue(batch(topic, 100, size: 500))
    #expect(producer.inFlightBytes == 50_000 && !first.isComplete)
    let second = Task { try await producer.enqueue(batch(topic, 100, size: 500)) }
    cluster.broker?.bringUp()
    try await first.value
    try await second.value.value
    try await eventually("the budget is whole again") { producer.inFlightBytes == 0 }
    // A batch beyond the whole budget still goes, alone.
    try await producer.send(batch(topic, 200, size: 1_000))
    await producer.close()
    await #expect(throws: KafkaError.self) { try await producer.send(batch(topic, 1)) }
    let marks = try await cluster.admin.watermarks([TopicPartition(topic, 0)])
    #expect(marks[TopicPartition(topic, 0)]?.high == 401)
  }

  @Test(.timeLimit(.minutes(15))) func anOutageOnlyDelays() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer { $0.kafkaProperty.append("reconnect.backoff.max.ms=300") }
    try await producer.send(batch(topic, 10))
    let consumer = try cluster.consumer(topic, group: Cluster.unique("outage")) {
      $0.kafkaProperty.append("reconnect.backoff.max.ms=300")
    }
    #expect(try await consumer.records(10).count == 10)
    cluster.broker?.takeDown()
    let pending = try await producer.enqueue(batch(topic, 10))
    guard case .idle = try await consumer.next(before: .now + .seconds(1)) else {
      Issue.record("nothing can come while the broker is down")
      return
    }
    #expect(!pending.isComplete)
    cluster.broker?.bringUp()
    try await pending.value
    // The consumer may have to join anew; what it read stays read, what came is delivered.
    #expect(try await consumer.records(10).last?.offset == 19)
    try await consumer.drain()
    await producer.close()
  }

  @Test func aMessageThatTimesOutIsTransient() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer { $0.kafkaProperty.append("message.timeout.ms=4000") }
    try await producer.send(batch(topic, 1))
    cluster.broker?.takeDown()
    let error = try await #require(throws: KafkaError.self) { try await producer.send(batch(topic, 3)) }
    #expect(error.errorClass == .transient && error.message.hasPrefix("3 of 3 records"))
    #expect(error.code == "kafka_msg_timed_out")
    await producer.close(within: .seconds(1))
  }

  @Test func aRecordTooLargeIsNamedAndTheOthersArrive() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer { $0.kafkaProperty.append("message.max.bytes=2000") }
    var batch = batch(topic, 2)
    batch.append(topic: topic, key: nil, value: [UInt8](repeating: 1, count: 5_000))
    batch.append(topic: topic, key: nil, value: [1])
    let sent = batch
    let error = try await #require(throws: KafkaError.self) { try await producer.send(sent) }
    #expect(error.errorClass == .data && error.message.hasPrefix("1 of 4 records"))
    #expect(error.code == "kafka_msg_size_too_large")
    let marks = try await cluster.admin.watermarks([TopicPartition(topic, 0)])
    #expect(marks[TopicPartition(topic, 0)]?.high == 3)
    await producer.close()
  }

  @Test func acknowledgementsOfAClosedProducerAreTransient() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer()
    try await producer.send(batch(topic, 1))
    cluster.broker?.takeDown()
    let pending = try await producer.enqueue(batch(topic, 5))
    await producer.close(within: .milliseconds(200))
    let error = try await #require(throws: KafkaError.self) { try await pending.value }
    #expect(error.errorClass == .transient && error.message.hasPrefix("5 of 5 records"))
  }

  @Test func aLibraryQueueThatIsFullOnlySlowsDown() async throws {
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    let producer = try cluster.producer { $0.kafkaProperty.append("queue.buffering.max.messages=50") }
    try await producer.send(batch(topic, 1_000, size: 10))
    let marks = try await cluster.admin.watermarks([TopicPartition(topic, 0)])
    #expect(marks[TopicPartition(topic, 0)]?.high == 1_000)
    await producer.close()
  }

  @Test func anAbandonedProducerFailsWhatWaits() async throws {
    guard Cluster.external == nil else { return }
    let cluster = try Cluster()
    let topic = try await cluster.topic()
    var producer: Producer? = try cluster.producer()
    try await producer?.send(batch(topic, 1))
    cluster.broker?.takeDown()
    let pending = try #require(try await producer?.enqueue(batch(topic, 5)))
    producer = nil
    await #expect(throws: KafkaError.self) { try await pending.value }
  }
}
