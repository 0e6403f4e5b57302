import CoreMetrics
import CRdKafka
import Logging

extension ConsumerThread {
  func execute(_ command: ConsumerMailbox.Command) {
    switch command {
    case .abandon: abandon()
    case .call(let body): body(leaveDeadline == nil ? self : nil)
    }
  }

  func committed(_ partitions: Set<TopicPartition>) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
    // The text about the group's beginning is ours, not the worker's.
    try OffsetQuestions.committed(client, partitions, within: .seconds(5)).mapValues { commit in
      GroupBeginning(commit.metadata) == nil ? commit : CommittedOffset(offset: commit.offset)
    }
  }

  func groupMetadata() throws(KafkaError) -> ConsumerGroupMetadata {
    let metadata = client.call { rd_kafka_consumer_group_metadata($0) }
    guard let metadata else { throw KafkaError("group metadata", RD_KAFKA_RESP_ERR__STATE) }
    return ConsumerGroupMetadata(owning: metadata, beginnings: beginnings)
  }

  /// The consumer was released, so each answer that is waited for counts as given.
  private func abandon() {
    carryOut(machine.close())
    while case .draining(let id, _, _, _) = machine.phase { carryOut(machine.deadlinePassed(id)) }
    outbox = []
  }

  func commit(
    _ positions: [TopicPartition: Int64], _ metadata: [TopicPartition: String], _ epochs: [TopicPartition: UInt64],
    _ reply: @escaping ConsumerMailbox.Reply<Set<TopicPartition>>
  ) {
    let (admitted, late) = machine.admit(positions, epochs: epochs)
    if !late.isEmpty {
      meters.late.increment(by: late.count)
      logger.notice("kafka: late commit left out", metadata: [
        "partitions": .array(late.sorted().map { .string($0.description) }),
      ])
    }
    if admitted.isEmpty { return reply(.success(late)) }
    send(admitted, metadata, .reply(reply, late: late))
  }

  /// Commits without waiting; the result comes back on the control queue.
  func send(_ positions: [TopicPartition: Int64], _ metadata: [TopicPartition: String], _ purpose: CommitPurpose) {
    lastCommit += 1
    commits[lastCommit] = (purpose, positions)
    let texts = GroupBeginning.complete(metadata, positions.keys, beginnings)
    let code = PartitionList(client, positions, metadata: texts).call {
      rd_kafka_commit_queue($0, $1, control, nil, UnsafeMutableRawPointer(bitPattern: lastCommit))
    }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { committed(lastCommit, KafkaError("commit", code)) }
  }

  func committed(_ id: UInt, _ error: KafkaError?) {
    guard let (purpose, positions) = commits.removeValue(forKey: id) else { return }
    if let error {
      meters.failedCommits(error.code).increment()
    } else {
      machine.committed(positions)
    }
    switch purpose {
    case .reply(let reply, let late): reply(error.map { .failure($0) } ?? .success(late))
    case .revoke(let id):
      if let error {
        logger.warning(
          "kafka: the commit of a revoke failed; the next owner reads its records again",
          metadata: ["error": "\(error)", "partitions": "\(positions.keys.sorted())"])
      }
      carryOut(machine.revokeCommitted(id))
    case .start:
      if let error { logger.debug("kafka: start offsets not committed yet", metadata: ["error": "\(error)"]) }
    }
  }
}
