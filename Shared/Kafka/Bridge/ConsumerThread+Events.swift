import Core
import CoreMetrics
import CRdKafka
import Logging

extension ConsumerThread {
  /// Handles all queued events; waits up to `wait` for the first.
  func serveControl(wait: Duration) {
    let queue = closeQueue ?? control
    if let event = rd_kafka_queue_poll(queue, wait.milliseconds) { handle(event) }
    while let event = rd_kafka_queue_poll(queue, 0) { handle(event) }
  }

  func handle(_ event: OpaquePointer) {
    if rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH, let message = rd_kafka_event_message_next(event) {
      // A record that arrived on the wrong queue counts all the same.
      held.append((event, message))
      return
    }
    defer { rd_kafka_event_destroy(event) }
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_REBALANCE: rebalance(event)
    case RD_KAFKA_EVENT_OFFSET_COMMIT: commitResult(event)
    case RD_KAFKA_EVENT_ERROR: report(event)
    case RD_KAFKA_EVENT_STATS: statistics.record(event)
    case RD_KAFKA_EVENT_LOG:
      if let error = LibraryLog.write(event, to: logger) { access.note(error) }
    default: break
    }
  }

  private func rebalance(_ event: OpaquePointer) {
    let partitions = PartitionList.partitions(client, rd_kafka_event_topic_partition_list(event))
    let code = rd_kafka_event_error(event)
    let isAssign = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
    let isLost = !isAssign && isAssignmentLost
    meters.rebalances(isAssign ? "assign" : isLost ? "lost" : "revoke").increment()
    logger.info(
      "kafka rebalance",
      metadata: [
        "kind": isAssign ? "assign" : isLost ? "lost" : "revoke",
        "partitions": .array(partitions.sorted().map { .string($0.description) }),
      ])
    if isAssign {
      missingSince = nil
      access.wasLetIn()
      carryOut(machine.assignOffered(partitions))
    } else if isLost {
      carryOut(machine.lost(Set(partitions)))
    } else {
      carryOut(machine.revokeOffered(Set(partitions)))
    }
  }

  private func commitResult(_ event: OpaquePointer) {
    let id = UInt(bitPattern: rd_kafka_event_opaque(event))
    var code = rd_kafka_event_error(event)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR {
      let failed = PartitionList.elements(client, rd_kafka_event_topic_partition_list(event))
        .first { $0.error != RD_KAFKA_RESP_ERR_NO_ERROR }
      if let failed { code = failed.error }
    }
    committed(id, code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError("commit", code))
  }

  /// An error event of the client, the group or, with a partition, of fetching.
  func report(_ event: OpaquePointer) {
    if noteEnd(event) { return }
    let code = rd_kafka_event_error(event)
    let error = client.error("consume", event)
    if code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE {
      if let partition = place(of: event)?.partition { refusedPositions.append(partition) }
      return
    }
    meters.errors(error.code).increment()
    if code == RD_KAFKA_RESP_ERR__FATAL {
      fail(error)
    } else if code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC {
      logger.warning("kafka: a subscribed topic is missing", metadata: ["error": "\(error)"])
      if missingSince == nil { missingSince = .now }
    } else if error.refusal != nil || error.errorClass == .configuration {
      logger.error("kafka consumer", metadata: ["error": "\(error)"])
      access.note(error)
    } else if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
      logger.warning("kafka: no broker can be reached; still trying", metadata: ["error": "\(error)"])
    } else {
      logger.warning("kafka consumer", metadata: ["error": "\(error)"])
    }
  }

  func place(of event: OpaquePointer) -> (partition: TopicPartition, offset: Int64)? {
    Self.place(of: event, client)
  }

  static func place(of event: OpaquePointer, _ client: ClientHandle) -> (partition: TopicPartition, offset: Int64)? {
    guard let element = rd_kafka_event_topic_partition(event) else { return nil }
    defer { rd_kafka_topic_partition_destroy(element) }
    let partition = TopicPartition(client.names.topic(element.pointee.topic), element.pointee.partition)
    return (partition, element.pointee.offset)
  }

  /// Topics can be missing because they are about to be created; after the grace the cluster itself is asked.
  func confirmMissingTopics(_ now: ContinuousClock.Instant) {
    guard let metadata = try? Metadata.all(client, within: .seconds(2)) else {
      missingSince = now - configuration.missingTopicGrace + .seconds(5)
      return
    }
    missingSince = nil
    let known = Dictionary(metadata.topics.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let missing = configuration.topics.filter { known[$0]?.partitions.isEmpty ?? true }
    guard !missing.isEmpty else { return }
    let names = missing.map(client.names.onCluster).joined(separator: ", ")
    fail(KafkaError(
      "subscribe", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, detail: "topics do not exist: \(names)"
    ).asConfiguration("create them first"))
  }
}
