import CRdKafka
import Logging

extension ConsumerThread {
  func carryOut(_ actions: [ConsumerMachine.Action]) {
    guard !actions.isEmpty else { return }
    // Published first: a worker that has lost a partition must not be told that it still owns it.
    mailbox.publish(epochs: machine.epochs)
    for action in actions { carryOut(action) }
  }

  private func carryOut(_ action: ConsumerMachine.Action) {
    switch action {
    case .deliver(let notice): outbox.append(.element(element(notice)))
    case .resolve(let id, let partitions, let given):
      lookups.removeAll { $0.id == id }
      lookups.append(Lookup(id: id, partitions: partitions, given: given, retryAt: .now))
    case .assign(let offsets): assign(offsets)
    case .assignNothing: assign([:])
    case .unassign(let partitions): unassign(partitions)
    case .commit(let id, let positions, let metadata): send(positions, metadata, .revoke(id))
    case .startTimer(let id, let wait):
      let limit = wait == .start ? configuration.startDeadline : configuration.drainDeadline
      timers.append((id, .now + limit))
    case .purge(let partitions):
      mailbox.purge(partitions)
      dropHeld(of: partitions)
      refusedPositions.removeAll { partitions.contains($0) }
    case .interrupt: mailbox.interrupt()
    case .rearm: if !machine.closing { mailbox.renewInterruption() }
    case .leave: leave()
    }
  }

  private func element(_ notice: ConsumerMachine.Notice) -> Consumer.Element {
    switch notice {
    case .assigning(let id, let partitions): .assigning(partitions, .init(mailbox: mailbox, id: id))
    case .assigned(let offsets): .assigned(offsets)
    case .revoking(let id, let partitions): .revoking(partitions, .init(mailbox: mailbox, id: id))
    case .lost(let partitions): .lost(partitions)
    }
  }

  /// Records of an assignment that ended must not be taken for those of the next, which may begin elsewhere.
  func dropHeld(of partitions: Set<TopicPartition>?) {
    ends.forget(partitions)
    held.removeAll { record in
      guard partitions?.contains(partition(of: record.message)) ?? true else { return false }
      rd_kafka_event_destroy(record.event)
      return true
    }
  }

  /// Begins to read `offsets` on top of what is read. The eager protocol only knows whole assignments.
  private func assign(_ offsets: [TopicPartition: Int64]) {
    forward(Set(offsets.keys))
    if cooperative {
      dropHeld(of: Set(offsets.keys))
      check("assign", PartitionList(client, offsets).call { rd_kafka_incremental_assign($0, $1) })
    } else {
      reassignEverything()
    }
  }

  private func reassignEverything() {
    // All that was read ahead is fetched again from `next`.
    dropHeld(of: nil)
    let code = PartitionList(client, machine.owned.mapValues(\.next)).call { rd_kafka_assign($0, $1) }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { logger.error("kafka: assign failed", metadata: ["code": "\(code)"]) }
  }

  /// Before the assign: once fetching has begun, the library keeps the route it found.
  func forward(_ partitions: Set<TopicPartition>) {
    for partition in partitions {
      let queue = client.call { rd_kafka_queue_get_partition($0, partition.topic, partition.partition) }
      guard let queue else {
        logger.error("kafka: no queue for partition", metadata: [
          "topic": "\(partition.topic)", "partition": .stringConvertible(partition.partition),
        ])
        continue
      }
      rd_kafka_queue_forward(queue, records)
      rd_kafka_queue_destroy(queue)
    }
  }

  private func unassign(_ partitions: Set<TopicPartition>) {
    meters.forget(partitions)
    dropHeld(of: partitions)
    if cooperative {
      check("unassign", PartitionList(client, partitions).call { rd_kafka_incremental_unassign($0, $1) })
    } else {
      let code = client.call { rd_kafka_assign($0, nil) }
      if code != RD_KAFKA_RESP_ERR_NO_ERROR { logger.error("kafka: unassign failed", metadata: ["code": "\(code)"]) }
    }
  }

  /// Stops and starts partitions at the machine's `next`; works also where fetching has stopped after an error,
  /// which a seek does not.
  func restart(_ partitions: Set<TopicPartition>) {
    let held = machine.owned.filter { partitions.contains($0.key) }
    guard !held.isEmpty else { return }
    (reroutedAt, nextReroute) = (.now, .now)
    if cooperative {
      dropHeld(of: partitions)
      check("unassign", PartitionList(client, held.keys).call { rd_kafka_incremental_unassign($0, $1) })
      forward(Set(held.keys))
      check("assign", PartitionList(client, held.mapValues(\.next)).call { rd_kafka_incremental_assign($0, $1) })
    } else {
      forward(Set(held.keys))
      reassignEverything()
    }
  }

  private func check(_ operation: String, _ error: OpaquePointer?) {
    guard let error else { return }
    logger.error("kafka: \(operation) failed", metadata: ["error": "\(KafkaError(operation, consuming: error))"])
  }
}
